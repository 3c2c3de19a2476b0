public import CheckpointFormat
public import CheckpointInterop
internal import Foundation
public import SystemPackage
internal import TensorCore
internal import Training

/// The figures of a run, step by step, as its metrics file holds them.
public struct MetricsHistory: Hashable, Codable, Sendable {
    /// One step's figures by name.
    public struct Record: Hashable, Codable, Sendable {
        /// The step after which they were taken.
        public let step: Int
        /// The figures by name.
        public let figures: [String: Double]
    }

    /// The steps in order.
    public let records: [Record]

    /// A history of these steps.
    init(records: [Record]) { self.records = records }

    /// Reads JSON lines as the training commands write them.
    ///
    /// - Parameter allowsCutLine: Whether a last line without its end is left out, as a run that is under way, or was
    ///   killed, may show it.
    /// - Throws: `CheckpointError` where the file cannot be read or a line is not an object of numbers with a step.
    public init(path: FilePath, allowsCutLine: Bool = false) throws(CheckpointError) {
        let file = try InputFile(path: path)
        var bytes = try file.read(0..<file.byteCount)
        if allowsCutLine {
            bytes.removeLast(bytes.count - (bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0))
        }
        try self.init(bytes, path: path)
    }

    /// Reads the history that a training stores in its checkpoints; nil where a checkpoint has none.
    ///
    /// - Throws: `CheckpointError` as ``init(path:)``.
    public init?(storedIn source: any CheckpointSource) throws(CheckpointError) {
        guard let tensor = source.tensor(named: MetricsRecord.tensorName), tensor.role == .state else { return nil }
        try self.init(source.readBytes(of: tensor), path: source.path)
    }

    private init(_ bytes: [UInt8], path: FilePath) throws(CheckpointError) {
        var records: [Record] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
            guard var figures = try? JSONDecoder().decode([String: Double].self, from: Data(line)),
                let step = figures.removeValue(forKey: "step"), let step = Int(exactly: step)
            else {
                throw CheckpointError(
                    .invalid, path: path, place: CheckpointPlace(field: "line \(index + 1)"),
                    problem: "not a line of metrics",
                    comparison: .values(
                        found: String(decoding: line.prefix(60), as: UTF8.self),
                        expected: "a JSON object of numbers with a step"))
            }
            records.append(Record(step: step, figures: figures))
        }
        self.records = records
    }

    /// The points of one figure, at the steps that have it.
    public func points(of figure: String) -> [(step: Int, value: Double)] {
        records.compactMap { record in record.figures[figure].map { (record.step, $0) } }
    }

    /// The mean of a figure over the last `count` steps that have it; nil where none has.
    public func mean(of figure: String, last count: Int) -> Double? {
        let values = points(of: figure).suffix(count).map(\.value)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
