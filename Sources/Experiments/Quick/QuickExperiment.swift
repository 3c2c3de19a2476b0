public import Analysis
internal import CheckpointFormat
internal import CheckpointInterop
internal import Codecs
internal import Foundation
public import Kernels
internal import LanguageModel
public import SystemPackage
internal import Tasks
internal import TensorCore
public import Training

/// The main job from end to end: pre-train, fine-tune under both penalties with several seeds, verify, compare.
///
/// Everything is written below one folder. What is finished there is not done again, and what was interrupted goes on
/// from its last checkpoint.
public struct QuickExperiment: Sendable {
    /// What to run.
    public struct Plan: Sendable {
        /// Where everything is written.
        public var folder: FilePath
        /// The model that is pre-trained live.
        public var live: PretrainingConfiguration
        /// The reference that comes with the project; nil pre-trains it, by ``reference``.
        public var shippedReference: FilePath?
        /// How the reference is pre-trained where it is made from scratch.
        public var reference: PretrainingConfiguration
        /// The settings of both arms; the seed is replaced by each of ``seeds``.
        public var arms: [PenaltyKind: FineTuningConfiguration]
        /// One run of each arm for each.
        public var seeds: [UInt64]
        /// Questions of each evaluation.
        public var exampleCount: Int
        /// Answers that the per-token comparison is made of.
        public var divergencePromptCount: Int

        /// A plan.
        public init(
            folder: FilePath, live: PretrainingConfiguration, shippedReference: FilePath?,
            reference: PretrainingConfiguration, arms: [PenaltyKind: FineTuningConfiguration], seeds: [UInt64],
            exampleCount: Int, divergencePromptCount: Int
        ) {
            self.folder = folder
            self.live = live
            self.shippedReference = shippedReference
            self.reference = reference
            self.arms = arms
            self.seeds = seeds
            self.exampleCount = exampleCount
            self.divergencePromptCount = divergencePromptCount
        }
    }

    /// What is under way.
    public enum Event: Sendable {
        /// A part of the experiment starts.
        case started(Stage)
        /// A training went one step on.
        case training(Stage, ProgressEvent)
    }

    /// A part of the experiment.
    public enum Stage: Hashable, Sendable, CustomStringConvertible {
        /// Pre-training of the small model, live.
        case livePretraining
        /// Pre-training of the reference from scratch.
        case referencePretraining
        /// Questions to the reference.
        case referenceEvaluation
        /// One fine-tuning run.
        case fineTuning(PenaltyKind, seed: UInt64)
        /// Verification, questions and comparisons of one policy.
        case comparison(PenaltyKind, seed: UInt64)

        /// In words.
        public var description: String {
            switch self {
            case .livePretraining: "pre-train a small model"
            case .referencePretraining: "pre-train the reference"
            case .referenceEvaluation: "evaluate the reference"
            case .fineTuning(let arm, let seed): "fine-tune, \(arm.rawValue) penalty, seed \(seed)"
            case .comparison(let arm, let seed): "verify and compare, \(arm.rawValue) penalty, seed \(seed)"
            }
        }
    }

    /// The figures, and the two comparisons that the report shows in full.
    public struct Outcome: Sendable {
        /// All figures.
        public let result: QuickExperimentResult
        /// Token by token, of each arm's first seed.
        public let divergences: [PenaltyKind: KLReport]
        /// Weight by weight, of each arm's first seed.
        public let diffs: [PenaltyKind: WeightDiff]
    }

    private let plan: Plan
    private let pool: WorkerPool
    private let stop: StopFlag
    private let report: @Sendable (Event) -> Void

    /// An experiment.
    ///
    /// - Parameters:
    ///   - stop: When set, the training under way saves and ``run()`` throws ``ExperimentInterrupted``.
    ///   - report: Called as the work goes on, on the calling thread.
    public init(plan: Plan, pool: WorkerPool, stop: StopFlag, report: @escaping @Sendable (Event) -> Void) {
        self.plan = plan
        self.pool = pool
        self.stop = stop
        self.report = report
    }

    /// Runs what is not finished yet, and compares.
    ///
    /// - Throws: ``ExperimentInterrupted``, and whatever training, checkpoints and comparisons throw.
    public func run() throws -> Outcome {
        try FileManager.default.createDirectory(atPath: plan.folder.string, withIntermediateDirectories: true)
        let live = try runLivePretraining()
        let (referencePath, reference) = try prepareReference()
        var runs: [PolicyRun] = []
        var divergences: [PenaltyKind: KLReport] = [:]
        var diffs: [PenaltyKind: WeightDiff] = [:]
        // Seed by seed, so that an interrupted experiment has compared whole pairs.
        for seed in plan.seeds {
            for arm in PenaltyKind.allCases {
                guard let configuration = plan.arms[arm] else { continue }
                let path = try fineTune(arm, configuration, seed: seed, reference: referencePath)
                let (run, divergence, diff) = try compare(
                    arm, configuration, seed: seed, policy: path, reference: reference, referencePath: referencePath)
                runs.append(run)
                if divergences[arm] == nil { divergences[arm] = divergence }
                if diffs[arm] == nil { diffs[arm] = diff }
            }
        }
        let result = QuickExperimentResult(
            schemaVersion: QuickExperimentResult.currentSchemaVersion, live: live, reference: reference, runs: runs,
            comparisons: Self.comparisons(of: runs), sizes: try sizes(of: referencePath))
        return Outcome(result: result, divergences: divergences, diffs: diffs)
    }

    // MARK: Pre-training

    private func runLivePretraining() throws -> QuickExperimentResult.LivePretraining {
        let path = plan.folder.appending("pretrained-small.crux")
        try pretrain(plan.live, path, stage: .livePretraining)
        let checkpoint = try LanguageModelCheckpoint(reading: CheckpointReader(path: path))
        return QuickExperimentResult.LivePretraining(
            checkpoint: path.string, trainedDigits: plan.live.task.digits,
            parameterCount: checkpoint.model.layout.count,
            accuracies: try accuracies(of: checkpoint, trainedDigits: plan.live.task.digits),
            history: try MetricsHistory(path: path.metricsFile))
    }

    private func prepareReference() throws -> (FilePath, QuickExperimentResult.Reference) {
        let path: FilePath
        if let shipped = plan.shippedReference {
            path = shipped
        } else {
            path = plan.folder.appending("pretrained.crux")
            try pretrain(plan.reference, path, stage: .referencePretraining)
        }
        report(.started(.referenceEvaluation))
        let reader = try CheckpointReader(path: path)
        let configuration = try ConfigurationLoader.stored(PretrainingConfiguration.self, inCheckpoint: path)
        let checkpoint = try LanguageModelCheckpoint(reading: reader)
        return (
            path,
            QuickExperimentResult.Reference(
                checkpoint: path.string, isFromScratch: plan.shippedReference == nil,
                weightsDigest: reader.weightsDigest.hex, trainedDigits: configuration.task.digits,
                parameterCount: checkpoint.model.layout.count, configuration: configuration.yaml,
                accuracies: try accuracies(of: checkpoint, trainedDigits: configuration.task.digits))
        )
    }

    private func pretrain(_ configuration: PretrainingConfiguration, _ path: FilePath, stage: Stage) throws {
        report(.started(stage))
        try train(.pretraining(configuration), path, stage: stage)
    }

    // MARK: Fine-tuning

    private func fineTune(
        _ arm: PenaltyKind, _ configuration: FineTuningConfiguration, seed: UInt64, reference: FilePath
    ) throws -> FilePath {
        let stage = Stage.fineTuning(arm, seed: seed)
        report(.started(stage))
        var configuration = configuration
        configuration.seed = seed
        // The comparison asks every policy the same questions afterwards.
        configuration.evaluation.examples = 0
        let path = plan.folder.appending("policy-\(arm.rawValue)-seed\(seed).crux")
        try train(.fineTuning(configuration, .checkpoint(reference)), path, stage: stage)
        return path
    }

    /// Trains with all cores: one run after the other, as a reader watches them.
    private func train(_ work: ExperimentRun.Work, _ path: FilePath, stage: Stage) throws {
        let isDone = try work.train(
            checkpoint: path, metrics: path.metricsFile, in: ExperimentFolder(plan.folder), workers: nil, stop: stop
        ) { report(.training(stage, $0)) }
        guard isDone else { throw ExperimentInterrupted() }
    }

    private func compare(
        _ arm: PenaltyKind, _ configuration: FineTuningConfiguration, seed: UInt64, policy path: FilePath,
        reference: QuickExperimentResult.Reference, referencePath: FilePath
    ) throws -> (PolicyRun, KLReport, WeightDiff) {
        report(.started(.comparison(arm, seed: seed)))
        if stop.isSet { throw ExperimentInterrupted() }
        let verification = Verifier.verify(path: path)
        let policySource = try CheckpointOpener.open(path)
        let referenceSource = try CheckpointOpener.open(referencePath)
        let policy = try LoadedModel(policySource)
        let digits = reference.trainedDigits + configuration.task.additionalDigits
        var options = KLMeasurement.Options(
            temperature: Float(configuration.rollout.temperature), seed: ExperimentRun.questionSeed,
            shiftedTokenCount: 12)
        if case .prioritised(_, let beta, _) = configuration.penalty.weight { options.beta = beta }
        let measurement = try KLMeasurement(
            reference: LoadedModel(referenceSource),
            input: .additions(
                .init(
                    setup: .varying(digits: digits), count: plan.divergencePromptCount,
                    trainedDigits: reference.trainedDigits)), source: .policySamples, options: options, pool: pool)
        let divergence = try measurement.measure(policy)
        let diff = try WeightDiff.compare(
            base: referenceSource, policy: policySource, options: .init(roles: [.weight]), pool: pool)
        let reader = try CheckpointReader(path: path)
        let run = PolicyRun(
            penalty: arm, seed: seed, checkpoint: path.string, byteCount: verification.byteCount,
            weightsDigest: reader.weightsDigest.hex, isVerified: verification.isValid,
            accuracies: try accuracies(
                of: LanguageModelCheckpoint(reading: reader), trainedDigits: reference.trainedDigits),
            history: try MetricsHistory(path: path.metricsFile), divergence: divergence.summary,
            criticalDivergence: divergence.summary(of: "critical"), relativeWeightChange: diff.weights?.relativeChange)
        return (run, measurement.report([divergence]), diff)
    }

    // MARK: Figures

    private func accuracies(
        of checkpoint: LanguageModelCheckpoint, trainedDigits: Int
    ) throws -> AdditionAccuracies {
        try AdditionAccuracies(
            of: checkpoint, trainedDigits: trainedDigits,
            setups: AdditionAccuracies.standardSetups(trainedDigits: trainedDigits), exampleCount: plan.exampleCount,
            seed: ExperimentRun.questionSeed, pool: pool)
    }

    /// The figures of both arms, seed by seed.
    static func comparisons(of runs: [PolicyRun]) -> [QuickExperimentResult.Comparison] {
        func compare(
            _ figure: String, _ unit: FigureUnit, _ value: (PolicyRun) -> Double?
        ) -> QuickExperimentResult.Comparison? {
            let standard = runs.filter { $0.penalty == .standard }.compactMap(value)
            let prioritised = runs.filter { $0.penalty == .prioritised }.compactMap(value)
            guard !standard.isEmpty, standard.count == prioritised.count else { return nil }
            return QuickExperimentResult.Comparison(
                figure: figure, standard: MeanInterval(standard), prioritised: MeanInterval(prioritised),
                difference: .paired(treatment: prioritised, control: standard), unit: unit)
        }
        return [
            compare("accuracy on N+1 digits, varying", .share) { $0.accuracies.beyond?.mean },
            compare("accuracy on N+1 digits, fixed", .share) { $0.accuracies.cells.last?.accuracy.mean },
            compare("accuracy inside the trained lengths", .share) { $0.accuracies.inside?.mean },
            compare("success while practising, last five updates", .share) {
                $0.history.mean(of: "success_rate", last: 5)
            },
            compare("success while practising, all updates", .share) {
                $0.history.mean(of: "success_rate", last: .max)
            },
            compare("exact KL(policy ‖ reference), mean over tokens", .nats) {
                $0.divergence.exactKLPolicyReference.mean
            },
            compare("the same on critical tokens", .nats) { $0.criticalDivergence?.exactKLPolicyReference.mean },
        ].compactMap(\.self)
    }

    /// Writes the reference's weights alone in both formats and compares the files.
    private func sizes(of path: FilePath) throws -> QuickExperimentResult.Sizes {
        let checkpoint = try LanguageModelCheckpoint(reading: CheckpointReader(path: path))
        let cruxPath = plan.folder.appending("reference-weights.crux")
        let writer = try CheckpointWriter.create(at: cruxPath)
        try checkpoint.write(to: writer)
        let crux = try writer.finish()
        let safetensorsPath = plan.folder.appending("reference-weights.safetensors")
        let conversion = Conversion(try CheckpointOpener.open(cruxPath), to: .safetensors)
        _ = try conversion.run(to: safetensorsPath)
        let attributes = try FileManager.default.attributesOfItem(atPath: safetensorsPath.string)
        return QuickExperimentResult.Sizes(crux: crux.byteCount, safetensors: attributes[.size] as? Int ?? 0)
    }
}
