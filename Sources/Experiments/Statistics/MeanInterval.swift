internal import Foundation

/// The mean of one figure over independent runs (seeds), with its 95 % interval.
public struct MeanInterval: Hashable, Codable, Sendable {
    /// The number of runs.
    public let count: Int
    /// The mean over the runs.
    public let mean: Double
    /// The lower end of the 95 % interval; NaN is never stored: with one run it equals the mean.
    public let lowerBound: Double
    /// The upper end of the 95 % interval.
    public let upperBound: Double

    /// The mean of `values` ± t₀.₉₇₅(n − 1) · s / √n, Student's interval for a mean of unknown variance.
    ///
    /// With one value there is no spread to estimate from: both ends are the value itself, and ``count`` says so.
    public init(_ values: [Double]) {
        count = values.count
        guard let first = values.first else {
            (mean, lowerBound, upperBound) = (0, 0, 0)
            return
        }
        guard values.count > 1 else {
            (mean, lowerBound, upperBound) = (first, first, first)
            return
        }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
        let half =
            Self.studentQuantile(degreesOfFreedom: values.count - 1) * (variance / Double(values.count)).squareRoot()
        self.mean = mean
        lowerBound = mean - half
        upperBound = mean + half
    }

    /// The interval of the differences `treatment[i] − control[i]`: a paired comparison, seed by seed.
    public static func paired(treatment: [Double], control: [Double]) -> MeanInterval {
        MeanInterval(zip(treatment, control).map { $0 - $1 })
    }

    /// Whether the interval leaves out zero.
    public var excludesZero: Bool { count > 1 && (lowerBound > 0 || upperBound < 0) }

    /// t₀.₉₇₅ of Student's distribution, found by bisection of its two-sided probability.
    static func studentQuantile(degreesOfFreedom: Int) -> Double {
        var (below, above) = (0.0, 1000.0)
        for _ in 0..<100 {
            let middle = (below + above) / 2
            if centralProbability(middle, degreesOfFreedom: degreesOfFreedom) < 0.95 {
                below = middle
            } else {
                above = middle
            }
        }
        return (below + above) / 2
    }

    /// P(|T| ≤ t), Abramowitz and Stegun 26.7.3 and 26.7.4, exact for a whole number of degrees of freedom.
    static func centralProbability(_ t: Double, degreesOfFreedom: Int) -> Double {
        let angle = atan(t / Double(degreesOfFreedom).squareRoot())
        let (sine, cosine) = (sin(angle), cos(angle))
        let isOdd = degreesOfFreedom % 2 == 1
        var term = isOdd ? cosine : 1
        var sum = 0.0
        // Odd: cos θ + 2/3 cos³ θ + 2·4/(3·5) cos⁵ θ + …; even: 1 + 1/2 cos² θ + 1·3/(2·4) cos⁴ θ + …
        var power = isOdd ? 1 : 0
        while power <= degreesOfFreedom - 2 {
            sum += term
            term *= cosine * cosine * Double(power + 1) / Double(power + 2)
            power += 2
        }
        return isOdd ? 2 / Double.pi * (angle + sine * sum) : sine * sum
    }
}
