/// A counter-based stream of random numbers: output i is a pure function of the stream's key and i.
///
/// A sample's randomness is a function of (seed, purpose, step, sample) and of nothing else, so results
/// depend neither on the number of workers nor on what was drawn before, and a resumed run draws what the
/// uninterrupted one would have drawn without any generator state being saved.
///
/// The generator is SplitMix64's output function over a Weyl sequence that starts at the hashed key
/// (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
public struct RandomStream: RandomNumberGenerator, Sendable {
    /// What the numbers are for; streams with different purposes are independent. Raw values are part of
    /// what makes a run reproducible: never reuse or renumber one.
    public enum Purpose: UInt64, Sendable {
        case modelInitialisation = 1
        case criticInitialisation = 2
        case pretrainingExamples = 3
        case rolloutPrompts = 4
        case rolloutTokens = 5
        case evaluationPrompts = 6
        case evaluationTokens = 7
        case bootstrap = 8
        case analysisPrompts = 9
        case analysisTokens = 10
        case generation = 11
        case minibatches = 12
    }

    /// Everything but the sample: streams of one step of one run for one purpose.
    public struct Key: Hashable, Sendable {
        /// The run's seed.
        public var seed: UInt64
        /// What the numbers are for.
        public var purpose: Purpose
        /// The training step, or 0.
        public var step: UInt64

        /// A key for one step of a run.
        public init(seed: UInt64, purpose: Purpose, step: UInt64 = 0) {
            self.seed = seed
            self.purpose = purpose
            self.step = step
        }
    }

    private var counter: UInt64

    /// The stream of one sample.
    public init(_ key: Key, sample: UInt64 = 0) {
        var hash: UInt64 = 0
        for word in [key.seed, key.purpose.rawValue, key.step, sample] {
            hash = Self.mix(hash ^ word &+ Self.weylIncrement) &+ Self.weylIncrement
        }
        counter = hash
    }

    /// The next 64 uniformly distributed bits.
    public mutating func next() -> UInt64 {
        counter &+= Self.weylIncrement
        return Self.mix(counter)
    }

    /// The next number, uniform in [0, 1) with 53 bits.
    public mutating func nextUnit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// 2⁶⁴ divided by the golden ratio, made odd.
    private static let weylIncrement: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
