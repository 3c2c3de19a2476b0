internal import CKernels
internal import Kernels

/// A number of elements and its share of all.
public struct ElementShare: Codable, Hashable, Sendable {
    /// How many elements.
    public let count: Int
    /// The share of all elements, 0...1; 0 where there are none.
    public let share: Double

    /// `count` of `total` elements.
    public init(count: Int, total: Int) {
        self.count = count
        share = total == 0 ? 0 : Double(count) / Double(total)
    }
}

/// The largest change of a single element.
public struct LargestChange: Codable, Hashable, Sendable {
    /// The tensor.
    public let tensor: String
    /// The element's index, outermost dimension first.
    public let index: [Int]
    /// The value in the base.
    public let base: Double
    /// The value in the policy.
    public let policy: Double
    /// |policy − base|.
    public let magnitude: Double
}

/// How far the elements of one or more tensors moved from base to policy.
///
/// Δ is policy − base. Sums run in double precision over the exact values. Elements with a NaN on either side
/// are counted and left out of every figure but ``changedBitwise``; an infinity that stayed is no change.
public struct DifferenceFigures: Codable, Hashable, Sendable {
    /// The elements of the tensors.
    public let elementCount: Int
    /// The elements that have a number on both sides: those that the norms are about.
    public let comparedCount: Int
    /// NaNs in the base.
    public let baseNaNCount: Int
    /// NaNs in the policy.
    public let policyNaNCount: Int
    /// ‖Δ‖₂.
    public let changeNorm: Double
    /// ‖base‖₂.
    public let baseNorm: Double
    /// ‖policy‖₂.
    public let policyNorm: Double
    /// ‖Δ‖₂ / ‖base‖₂; 0 where nothing changed, else nil where the base is all zeros or both are
    /// infinite.
    public let relativeChange: Double?
    /// base · policy / (‖base‖₂ ‖policy‖₂); nil where one of them is all zeros or infinite.
    public let cosine: Double?
    /// ‖Δ‖₁ = Σ |Δ|.
    public let changeL1: Double
    /// The largest |Δ|; nil where nothing changed.
    public let largestChange: LargestChange?
    /// Elements whose bits differ; where the types differ, whose values differ. Types that are compared bit
    /// by bit only count whole blocks (two F4, four F6, one quantised block).
    public let changedBitwise: ElementShare
    /// Elements that differ once both values are rounded to bf16.
    public let changedAsBFloat16: ElementShare
    /// Elements with |Δ| above the absolute tolerance (arXiv 2505.11711 uses 1e-5).
    public let changedBeyondAbsolute: ElementShare
    /// Elements with |Δ| above the relative tolerance times max(|base|, |policy|) (arXiv 2511.08567: 1e-3).
    public let changedBeyondRelative: ElementShare
    /// How many steps of its type (ULP) each element moved: 0, 1, 2–3, 4–7 … (entry b > 0 counts distances from
    /// 2^(b−1) up to below 2^b), without trailing zeros. For F32, F16 and BF16; two different ones of these are
    /// measured in steps of F32. Empty where no tensor has such a type. Pairs with a NaN are left out; −0 is 0.
    public let stepHistogram: [Int]
}

/// When an element counts as changed.
public struct ChangeTolerances: Codable, Hashable, Sendable {
    /// |Δ| has to be above this.
    public var absolute: Double
    /// |Δ| has to be above this times max(|base|, |policy|).
    public var relative: Double

    /// The tolerances of the literature: 1e-5 and 1e-3.
    public init(absolute: Double = 1e-5, relative: Double = 1e-3) {
        self.absolute = absolute
        self.relative = relative
    }
}

/// The sums behind ``DifferenceFigures``; those of several tensors add up.
struct DifferenceSums: Sendable {
    var elementCount = 0
    var comparedCount = 0
    var baseNaNCount = 0
    var policyNaNCount = 0
    var changeSquares = 0.0
    var baseSquares = 0.0
    var policySquares = 0.0
    var products = 0.0
    var changeMagnitudes = 0.0
    var largest: (magnitude: Double, base: Double, policy: Double, offset: Int) = (0, 0, 0, 0)
    var largestTensor: (name: String, dimensions: [Int])?
    var bitwiseCount = 0
    var bfloat16Count = 0
    var absoluteCount = 0
    var relativeCount = 0
    /// Empty until a tensor has steps to count.
    var steps: [Int64] = []

    /// Adds elements that stand at `offset` of their tensor.
    mutating func add(
        base: borrowing Span<Double>, policy: borrowing Span<Double>, offset: Int, tolerances: ChangeTolerances
    ) {
        let count = min(base.count, policy.count)
        // Locals, so that the loop keeps them in registers.
        var (changeSquares, baseSquares, policySquares, products, magnitudes) = (0.0, 0.0, 0.0, 0.0, 0.0)
        var (absoluteCount, relativeCount, nanPairs) = (0, 0, 0)
        var largest = self.largest
        for index in 0..<count {
            let (from, to) = (base[index], policy[index])
            if from.isNaN || to.isNaN {
                nanPairs += 1
                baseNaNCount += from.isNaN ? 1 : 0
                policyNaNCount += to.isNaN ? 1 : 0
                continue
            }
            // Equal infinities would give NaN.
            let change = from == to ? 0 : to - from
            let magnitude = abs(change)
            changeSquares += change * change
            baseSquares += from * from
            policySquares += to * to
            products += from * to
            magnitudes += magnitude
            absoluteCount += magnitude > tolerances.absolute ? 1 : 0
            relativeCount += magnitude > tolerances.relative * max(abs(from), abs(to)) ? 1 : 0
            if magnitude > largest.magnitude { largest = (magnitude, from, to, offset + index) }
        }
        self.changeSquares += changeSquares
        self.baseSquares += baseSquares
        self.policySquares += policySquares
        self.products += products
        changeMagnitudes += magnitudes
        self.absoluteCount += absoluteCount
        self.relativeCount += relativeCount
        self.largest = largest
        comparedCount += count - nanPairs
    }

    /// Adds single-precision elements that stand at `offset` of their tensor.
    mutating func add(base: Span<Float>, policy: Span<Float>, offset: Int, tolerances: ChangeTolerances) {
        var run = crux_difference_sums()
        ElementDifference.add(
            base: base, policy: policy, absolute: tolerances.absolute, relative: tolerances.relative, to: &run)
        changeSquares += run.change_squares
        baseSquares += run.base_squares
        policySquares += run.policy_squares
        products += run.products
        changeMagnitudes += run.magnitudes
        bfloat16Count += Int(run.as_bfloat16)
        absoluteCount += Int(run.beyond_absolute)
        relativeCount += Int(run.beyond_relative)
        baseNaNCount += Int(run.base_nans)
        policyNaNCount += Int(run.policy_nans)
        comparedCount += min(base.count, policy.count) - Int(run.nan_pairs)
        // Only a run with a new largest change is searched for its place.
        guard run.largest > largest.magnitude else { return }
        for index in 0..<min(base.count, policy.count) {
            let (from, to) = (Double(base[index]), Double(policy[index]))
            if abs(to - from) == run.largest {
                largest = (run.largest, from, to, offset + index)
                return
            }
        }
    }

    /// Counts the distances in steps of a type; both hold as many elements.
    ///
    /// - Returns: How many elements have different bits.
    mutating func addSteps(base: RawSpan, policy: RawSpan, type: ElementDifference.StepType) -> Int {
        if steps.isEmpty { steps = Array(repeating: 0, count: ElementDifference.stepBinCount) }
        return ElementDifference.addSteps(base: base, policy: policy, type: type, to: &steps)
    }

    /// Counts elements that did not move; a NaN among them counts as one.
    mutating func addUnmoved(_ count: Int) {
        if steps.isEmpty { steps = Array(repeating: 0, count: ElementDifference.stepBinCount) }
        steps[0] += Int64(count)
    }

    /// Adds elements that are known to be the same on both sides.
    mutating func add(unchanged values: borrowing Span<Double>) {
        var (squares, nanCount) = (0.0, 0)
        for index in values.indices {
            let value = values[index]
            if value.isNaN { nanCount += 1 } else { squares += value * value }
        }
        baseSquares += squares
        policySquares += squares
        products += squares
        baseNaNCount += nanCount
        policyNaNCount += nanCount
        comparedCount += values.count - nanCount
    }

    /// Adds the sums of other tensors.
    mutating func add(_ other: DifferenceSums) {
        elementCount += other.elementCount
        comparedCount += other.comparedCount
        baseNaNCount += other.baseNaNCount
        policyNaNCount += other.policyNaNCount
        changeSquares += other.changeSquares
        baseSquares += other.baseSquares
        policySquares += other.policySquares
        products += other.products
        changeMagnitudes += other.changeMagnitudes
        if other.largest.magnitude > largest.magnitude {
            largest = other.largest
            largestTensor = other.largestTensor
        }
        bitwiseCount += other.bitwiseCount
        bfloat16Count += other.bfloat16Count
        absoluteCount += other.absoluteCount
        relativeCount += other.relativeCount
        if steps.isEmpty {
            steps = other.steps
        } else {
            for (bin, count) in other.steps.enumerated() { steps[bin] += count }
        }
    }

    /// The figures that follow from the sums.
    var figures: DifferenceFigures {
        let (change, base, policy) = (changeSquares.squareRoot(), baseSquares.squareRoot(), policySquares.squareRoot())
        let isUnchanged = changeSquares == 0
        return DifferenceFigures(
            elementCount: elementCount,
            comparedCount: comparedCount,
            baseNaNCount: baseNaNCount,
            policyNaNCount: policyNaNCount,
            changeNorm: change,
            baseNorm: base,
            policyNorm: policy,
            relativeChange: isUnchanged ? 0 : Self.number(base == 0 ? .nan : change / base),
            cosine: Self.number(products / (base * policy)).map { cosine in
                // Rounding must not make equal vectors look turned, or a cosine exceed 1.
                isUnchanged ? 1 : max(-1, min(1, cosine))
            },
            changeL1: changeMagnitudes,
            largestChange: largestTensor.flatMap { tensor in
                largest.magnitude > 0
                    ? LargestChange(
                        tensor: tensor.name, index: Self.index(of: largest.offset, in: tensor.dimensions),
                        base: largest.base, policy: largest.policy, magnitude: largest.magnitude) : nil
            },
            changedBitwise: ElementShare(count: bitwiseCount, total: elementCount),
            changedAsBFloat16: ElementShare(count: bfloat16Count, total: comparedCount),
            changedBeyondAbsolute: ElementShare(count: absoluteCount, total: comparedCount),
            changedBeyondRelative: ElementShare(count: relativeCount, total: comparedCount),
            stepHistogram: (steps.lastIndex { $0 > 0 }).map { steps[...$0].map(Int.init) } ?? [])
    }

    /// Nil for NaN: JSON has no such number.
    private static func number(_ value: Double) -> Double? { value.isNaN ? nil : value }

    /// The index of the element at a row-major offset.
    private static func index(of offset: Int, in dimensions: [Int]) -> [Int] {
        var rest = offset
        return dimensions.reversed().map { size in
            defer { rest /= max(1, size) }
            return rest % max(1, size)
        }.reversed()
    }
}
