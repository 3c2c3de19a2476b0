internal import CheckpointFormat
internal import Foundation
internal import OrderedCollections
internal import SystemPackage

/// How far a run has come, as its folder shows it.
public struct RunState: Sendable {
    /// How far a run has come.
    public enum Progress: Hashable, Sendable {
        /// Nothing of it is there.
        case waiting
        /// Steps that are saved; the rest is still to do.
        case trained(step: Int)
        /// Trained and measured: nothing is left to do.
        case finished
    }

    /// The run.
    public let run: ExperimentRun
    /// How far it has come.
    public let progress: Progress
    /// What its model answered; nil before the end.
    public let measures: RunMeasures?
    /// The figures of training so far; empty where there are none.
    public let history: MetricsHistory

    /// Looks at a run's folder.
    ///
    /// - Throws: Where a file of it cannot be read.
    public init(_ run: ExperimentRun, in folder: ExperimentFolder) throws {
        self.run = run
        let place = folder.run(run.name)
        let measures = try RunMeasures.read(place)
        history =
            FileManager.default.fileExists(atPath: place.metrics.string)
            ? try MetricsHistory(path: place.metrics, allowsCutLine: true) : MetricsHistory(records: [])
        if let measures, measures.areComplete(for: run) {
            progress = .finished
            self.measures = measures
        } else {
            self.measures = nil
            let isThere = FileManager.default.fileExists(atPath: place.checkpoint.string)
            let step = isThere ? try CheckpointReader(path: place.checkpoint).metadata[MetadataKey.step]?.intValue : nil
            progress = step.map { .trained(step: $0) } ?? .waiting
        }
    }

    /// Whether all steps of the training are done.
    public var isTrained: Bool { isFinished || (run.steps > 0 && (history.records.last?.step ?? 0) >= run.steps) }

    /// Whether nothing is left to do.
    public var isFinished: Bool { progress == .finished }

    /// The seconds that training took, in all processes that worked at it, without evaluations.
    public var trainingSeconds: Double {
        history.records.reduce(0) { sum, record in
            guard let tokens = record.figures["tokens"], let speed = record.figures["tokens_per_second"], speed > 0
            else { return sum }
            return sum + tokens / speed
        }
    }
}
