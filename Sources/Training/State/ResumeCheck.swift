import CheckpointFormat
import LanguageModel
public import SystemPackage

/// Whether a checkpoint's run may go on with the settings of this one.
struct ResumeCheck {
    private let path: FilePath
    private var differences: [String] = []

    /// Compares the kind of run.
    ///
    /// - Throws: ``TrainingError`` where the file was written by another command, or by none.
    init(_ reader: CheckpointReader, kind: String) throws(TrainingError) {
        path = reader.path
        expect(MetadataKey.kind, stored: try reader.string(MetadataKey.kind), current: kind)
        try finish()
    }

    /// Compares one property.
    mutating func expect(_ name: String, stored: String, current: String) {
        if stored != current { differences.append("\(name): \(stored) in the checkpoint, \(current) in this run") }
    }

    /// Compares the model's size and tokenizer.
    mutating func expect(
        _ stored: LanguageModelCheckpoint, configuration: ModelConfiguration, tokenizer: Tokenizer
    ) {
        expect(
            MetadataKey.tokenizerVocabulary, stored: "\(stored.tokenizer.vocabulary)",
            current: "\(tokenizer.vocabulary)")
        expect("model", stored: "\(stored.model.configuration)", current: "\(configuration)")
    }

    /// Compares all settings that may not change.
    ///
    /// - Throws: ``ConfigurationError`` where the stored configuration cannot be read.
    mutating func expect<Configuration: RunConfiguration>(
        _ current: Configuration, stored yaml: String
    ) throws(ConfigurationError) {
        let stored: Configuration = try ConfigurationLoader.load(
            yaml: yaml, fileName: "\(path.string): \(MetadataKey.configuration)")
        differences += current.differencesOnResume(from: stored).map(\.description)
    }

    /// - Throws: ``TrainingError`` naming every difference, if there is one.
    func finish() throws(TrainingError) {
        guard differences.isEmpty else {
            throw TrainingError(.resumeRefused(path: path.string, differences: differences))
        }
    }
}

extension ConfigurationLoader {
    /// The configuration of the run that wrote a checkpoint, for a resume without a configuration file.
    ///
    /// - Parameter overrides: As in ``load(_:yaml:fileName:overrides:)``.
    /// - Throws: ``CheckpointError``; ``TrainingError`` where the file was written by another command or holds no
    ///   configuration; ``ConfigurationError`` where the configuration or an override cannot be read.
    public static func stored<Configuration: RunConfiguration>(
        _ type: Configuration.Type = Configuration.self, inCheckpoint path: FilePath, overrides: [String] = []
    ) throws -> Configuration {
        let reader = try CheckpointReader(path: path)
        try ResumeCheck(reader, kind: Configuration.checkpointKind).finish()
        return try load(
            yaml: try reader.string(MetadataKey.configuration),
            fileName: "\(path.string): \(MetadataKey.configuration)", overrides: overrides)
    }

    /// N of pre-training, from the configuration that a checkpoint stores; nil where it does not say.
    public static func trainedDigits(inStored yaml: String) -> Int? {
        if let configuration = try? load(PretrainingConfiguration.self, yaml: yaml) { return configuration.task.digits }
        return try? load(FineTuningConfiguration.self, yaml: yaml).task.trainedDigits
    }
}
