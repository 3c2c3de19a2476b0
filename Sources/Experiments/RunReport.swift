public import Analysis
internal import CheckpointFormat
internal import CheckpointInterop
public import Kernels
internal import SystemPackage
internal import Training

/// What RL did in one folder of checkpoints: learning curves, changed weights and changed behaviour, side by side.
public struct RunReport: Codable, Sendable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    public static let currentSchemaVersion = 1

    /// The learning curves of one run.
    public struct Curve: Codable, Hashable, Sendable {
        /// The checkpoint or metrics file that holds them.
        public let path: String
        /// The figures, step by step.
        public let history: MetricsHistory
    }

    /// ``currentSchemaVersion`` of the writer.
    public let schemaVersion: Int
    /// The folder.
    public let folder: String
    /// What the policies are compared with.
    public let reference: CheckpointIdentity
    /// The curves of each run that has any.
    public let curves: [Curve]
    /// What changed in the weights from the reference to each policy, in the order of ``kl``.
    public let diffs: [WeightDiff]
    /// What changed in the behaviour; nil where nothing could be compared, or was not to be.
    public let kl: KLReport?
    /// Why a comparison was not made, one line for each; empty where all were.
    public let gaps: [String]
    /// Files of the folder that are not part of the report.
    public let leftOut: [RunFolder.LeftOut]

    /// On which text the behaviour is compared.
    public struct Text: Sendable {
        let input: KLInput
        let source: TextSource
        let options: KLMeasurement.Options

        /// A text, its writer, and how to compare.
        public init(_ input: KLInput, source: TextSource, options: KLMeasurement.Options) {
            self.input = input
            self.source = source
            self.options = options
        }
    }

    /// What is under way.
    public enum Stage: Sendable {
        /// The weights of a policy are compared.
        case weights(path: String)
        /// The behaviour is compared.
        case behaviour(path: String, KLMeasurement.Stage)
    }

    /// Called from any worker: a stage, how much of it is done, and how much there is.
    public typealias Progress = @Sendable (Stage, _ done: Int, _ total: Int) -> Void

    /// Compares every policy of a folder with the reference.
    ///
    /// A policy whose behaviour cannot be compared, as one with another vocabulary, is left out of ``kl`` and named in
    /// ``gaps``; its weights are compared all the same.
    ///
    /// - Parameter text: Nil to compare weights alone.
    /// - Throws: `CheckpointError` where a file is damaged or cannot be read.
    public init(
        _ folder: RunFolder, text: Text?, pool: WorkerPool, progress: @escaping Progress = { _, _, _ in }
    ) throws {
        schemaVersion = Self.currentSchemaVersion
        self.folder = folder.path.string
        reference = CheckpointIdentity(folder.reference)
        leftOut = folder.leftOut
        var gaps: [String] = []
        curves = try Self.curves(of: folder)
        diffs = try folder.policies.map { policy in
            try WeightDiff.compare(base: folder.reference, policy: policy, pool: pool) {
                progress(.weights(path: policy.path.string), $0, $1)
            }
        }
        kl = text.flatMap { text in Self.behaviour(of: folder, text, pool: pool, gaps: &gaps, progress: progress) }
        self.gaps = gaps
    }

    private static func behaviour(
        of folder: RunFolder, _ text: Text, pool: WorkerPool, gaps: inout [String], progress: @escaping Progress
    ) -> KLReport? {
        do throws(AnalysisError) {
            let subject = CurrentSubject(folder.reference.path.string)
            let measurement = try KLMeasurement(
                reference: LoadedModel(folder.reference), input: text.input, source: text.source,
                options: text.options, pool: pool
            ) { stage, done, total in progress(.behaviour(path: subject.name ?? "", stage), done, total) }
            var measured: [PolicyDivergence] = []
            for policy in folder.policies {
                subject.name = policy.path.string
                do throws(AnalysisError) {
                    measured.append(try measurement.measure(LoadedModel(policy)))
                } catch {
                    gaps.append("\(error)")
                }
            }
            return measured.isEmpty ? nil : measurement.report(measured)
        } catch {
            gaps.append("\(error)")
            return nil
        }
    }

    /// The longest history of each run.
    private static func curves(of folder: RunFolder) throws(CheckpointError) -> [Curve] {
        var runs: [[String]] = []
        var longest: [Curve?] = []
        for policy in folder.policies {
            var curve = try MetricsHistory(storedIn: policy).map { Curve(path: policy.path.string, history: $0) }
            let file = policy.path.metricsFile
            if curve == nil, (try? InputFile(path: file)) != nil {
                curve = Curve(path: file.string, history: try MetricsHistory(path: file))
            }
            guard let curve, !curve.history.records.isEmpty else { continue }
            let run = RunFolder.run(of: policy)
            if let index = runs.firstIndex(of: run) {
                if curve.history.records.count > longest[index]?.history.records.count ?? 0 { longest[index] = curve }
            } else {
                runs.append(run)
                longest.append(curve)
            }
        }
        return longest.compactMap(\.self)
    }
}
