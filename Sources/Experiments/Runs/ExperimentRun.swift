public import SystemPackage
public import Tasks
public import Training

/// One training of an experiment, or one model that is there already, and the questions that it is asked afterwards.
public struct ExperimentRun: Hashable, Sendable {
    /// Where a fine-tuning starts, and what holds it.
    public enum Reference: Hashable, Sendable {
        /// A checkpoint that is there already.
        case checkpoint(FilePath)
        /// The outcome of another run of the experiment, by its name.
        case run(String)
    }

    /// How the run comes to its model.
    public enum Work: Hashable, Sendable {
        /// Supervised pre-training.
        case pretraining(PretrainingConfiguration)
        /// RL.
        case fineTuning(FineTuningConfiguration, Reference)
        /// Nothing is trained: the model is there already.
        case given(FilePath)
    }

    /// The run's name, which is that of its folder: letters, digits and hyphens.
    public let name: String
    /// How the run comes to its model.
    public let work: Work
    /// N, the digits that pre-training shows.
    public let trainedDigits: Int
    /// The additions that the model is asked at the end.
    public let setups: [AdditionSetup]
    /// The questions of each set-up.
    public let exampleCount: Int

    /// A run.
    public init(name: String, work: Work, trainedDigits: Int, setups: [AdditionSetup], exampleCount: Int) {
        self.name = name
        self.work = work
        self.trainedDigits = trainedDigits
        self.setups = setups
        self.exampleCount = exampleCount
    }

    /// The seed of all questions: the same for every model, and none that a run trains with.
    static let questionSeed: UInt64 = 20_250_206

    /// The seed of the training; nil where nothing is trained.
    public var seed: UInt64? {
        switch work {
        case .pretraining(let configuration): configuration.seed
        case .fineTuning(let configuration, _): configuration.seed
        case .given: nil
        }
    }

    /// The training's steps; 0 where nothing is trained.
    public var steps: Int {
        switch work {
        case .pretraining(let configuration): configuration.steps
        case .fineTuning(let configuration, _): configuration.steps
        case .given: 0
        }
    }

    /// The run that has to be finished before this one starts.
    var dependency: String? {
        if case .fineTuning(_, .run(let name)) = work { name } else { nil }
    }

    /// The resolved configuration as YAML, with as many threads as the queue gives; empty where nothing is trained.
    public var configuration: String {
        switch work {
        case .pretraining(var configuration):
            configuration.workers = nil
            return configuration.yaml
        case .fineTuning(var configuration, _):
            configuration.workers = nil
            return configuration.yaml
        case .given: return ""
        }
    }

    /// Whether a stored configuration is this run's, whatever settings have come or gone since at their defaults.
    func hasConfiguration(_ stored: String) -> Bool {
        switch work {
        case .pretraining(let configuration):
            guard let stored = try? ConfigurationLoader.load(PretrainingConfiguration.self, yaml: stored) else {
                return false
            }
            return stored.steps == configuration.steps && configuration.differencesOnResume(from: stored).isEmpty
        case .fineTuning(let configuration, _):
            guard let stored = try? ConfigurationLoader.load(FineTuningConfiguration.self, yaml: stored) else {
                return false
            }
            return stored.steps == configuration.steps && configuration.differencesOnResume(from: stored).isEmpty
        case .given: return stored.isEmpty
        }
    }
}
