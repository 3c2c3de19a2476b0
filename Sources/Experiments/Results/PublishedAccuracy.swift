/// What the paper reports of pre-training (arXiv 2502.06533, section 5.2): accuracy in per cent, of a model a hundred
/// times the size of ours here.
public struct PublishedAccuracy: Hashable, Sendable {
    /// N.
    public let trainedDigits: Int
    /// Digits beyond N that were asked.
    public let excess: Int
    /// Whether both operands have that many digits.
    public let isFixed: Bool
    /// Per cent, and half of the 95 % interval.
    public let percent: Double
    /// Half of the 95 % interval, in points.
    public let margin: Double

    /// All cells of the table.
    public static let all: [PublishedAccuracy] = [
        cells(7, true, [(98.9, 0.7), (48.8, 3.0), (0, 0), (0, 0)]),
        cells(7, false, [(100, 0), (69.0, 2.4), (0, 0), (0, 0)]),
        cells(9, true, [(96.4, 0.6), (78.9, 2.4), (0.5, 0.5), (0, 0)]),
        cells(9, false, [(97.0, 0.6), (89.4, 1.8), (6.9, 1.3), (0, 0)]),
        cells(11, true, [(91.2, 1.3), (75.1, 2.7), (30.7, 2.4), (0.2, 0.3)]),
        cells(11, false, [(94.4, 1.4), (87.0, 2.1), (53.7, 3.2), (7.3, 1.6)]),
        cells(13, true, [(93.0, 1.6), (88.9, 2.1), (67.7, 3.1), (20.4, 2.4)]),
        cells(13, false, [(95.6, 1.4), (92.5, 1.9), (84.7, 2.4), (51.8, 3.2)]),
    ].flatMap(\.self)

    private static func cells(_ digits: Int, _ isFixed: Bool, _ row: [(Double, Double)]) -> [PublishedAccuracy] {
        row.enumerated().map { excess, cell in
            PublishedAccuracy(
                trainedDigits: digits, excess: excess, isFixed: isFixed, percent: cell.0, margin: cell.1)
        }
    }
}
