public import CheckpointFormat
public import Kernels
internal import OrderedCollections
public import TensorCore

/// A model with its weights and tokenizer, as a checkpoint keeps them.
public struct LanguageModelCheckpoint: Sendable {
    /// The model.
    public let model: GPT
    /// Its tokenizer.
    public let tokenizer: Tokenizer
    /// Its weights, in the order of the model's layout.
    public let parameters: FloatSlice

    /// Puts the three together.
    ///
    /// - Throws: ``ModelError`` where they are of different sizes.
    public init(model: GPT, tokenizer: Tokenizer, parameters: FloatSlice) throws(ModelError) {
        try Self.check(tokenizer, fits: model.configuration)
        guard parameters.count == model.layout.count else {
            throw ModelError(
                field: "parameters", found: "\(parameters.count) floats", expected: "\(model.layout.count)")
        }
        self.model = model
        self.tokenizer = tokenizer
        self.parameters = parameters
    }

    /// Puts the three together, where a token is a character.
    ///
    /// - Throws: ``ModelError`` where they are of different sizes.
    public init(model: GPT, tokenizer: CharacterTokenizer, parameters: FloatSlice) throws(ModelError) {
        try self.init(model: model, tokenizer: .character(tokenizer), parameters: parameters)
    }

    private static func check(_ tokenizer: Tokenizer, fits configuration: ModelConfiguration) throws(ModelError) {
        let count = tokenizer.vocabulary.count
        guard count == configuration.vocabularySize else {
            throw ModelError(
                field: MetadataKey.tokenizerVocabulary, found: "\(count) tokens",
                expected: "\(configuration.vocabularySize) (\(MetadataKey.vocabularySize))")
        }
    }

    /// Reads a model: metadata `model.*` and `tokenizer.*`, and one weight tensor for each parameter.
    ///
    /// Weights may be F32, F16, BF16 or F64; they become F32. Tensors beyond the model's own are left alone.
    ///
    /// - Throws: ``CheckpointError`` naming file, key or tensor, what was found and what was expected.
    public init(reading reader: CheckpointReader) throws(CheckpointError) {
        let metadata = ModelMetadata(reader: reader)
        try metadata.require(MetadataKey.architecture, is: "gpt2")
        let configuration = ModelConfiguration(
            vocabularySize: try metadata.integer(MetadataKey.vocabularySize),
            contextLength: try metadata.integer(MetadataKey.contextLength),
            layerCount: try metadata.integer(MetadataKey.layerCount),
            headCount: try metadata.integer(MetadataKey.headCount),
            embeddingSize: try metadata.integer(MetadataKey.embeddingSize),
            usesBiases: try metadata.value(MetadataKey.usesBiases, "a bool", \.boolValue),
            layerNormEpsilon: Float(try metadata.value(MetadataKey.layerNormEpsilon, "a number", \.doubleValue)))
        _ = try metadata.value(MetadataKey.tokenizerModel, "a string", \.stringValue)
        _ = try metadata.value(MetadataKey.tokenizerVocabulary, "an array of strings", \.stringArrayValue)
        do throws(ModelError) {
            try configuration.validate()
            let tokenizer = try Tokenizer(metadata: reader.metadata)
            try Self.check(tokenizer, fits: configuration)
            model = try GPT(configuration)
            self.tokenizer = tokenizer
        } catch {
            throw CheckpointError(
                .invalid, path: reader.path, place: CheckpointPlace(field: error.field),
                problem: "not a model that can be built",
                comparison: .values(found: error.found, expected: error.expected))
        }
        parameters = try Self.readParameters(model.layout, from: reader)
    }

    /// Writes metadata and weights; the caller adds what else the checkpoint holds and finishes it.
    ///
    /// - Throws: ``CheckpointError`` of the writer.
    public func write(to writer: CheckpointWriter) throws(CheckpointError) {
        writeMetadata(to: writer)
        for description in model.layout.tensorDescriptions(role: .weight) {
            guard let entry = model.layout[description.name] else { continue }
            try parameters[entry.range].withBytes { bytes throws(CheckpointError) in
                try writer.append(description, bytes: bytes)
            }
        }
    }

    /// Sets the metadata that describe model and tokenizer.
    public func writeMetadata(to writer: CheckpointWriter) {
        let configuration = model.configuration
        writer.setMetadata(MetadataKey.architecture, .string("gpt2"))
        let sizes = [
            (MetadataKey.contextLength, configuration.contextLength),
            (MetadataKey.embeddingSize, configuration.embeddingSize),
            (MetadataKey.layerCount, configuration.layerCount),
            (MetadataKey.headCount, configuration.headCount),
            (MetadataKey.vocabularySize, configuration.vocabularySize),
        ]
        for (key, size) in sizes { writer.setMetadata(key, .uint32(UInt32(clamping: size))) }
        writer.setMetadata(MetadataKey.usesBiases, .bool(configuration.usesBiases))
        writer.setMetadata(MetadataKey.layerNormEpsilon, .float32(configuration.layerNormEpsilon))
        for (key, value) in tokenizer.metadata { writer.setMetadata(key, value) }
    }

    /// Checks every tensor before the memory for all of them is taken, then reads them.
    private static func readParameters(
        _ layout: ParameterLayout, from reader: CheckpointReader
    ) throws(CheckpointError) -> FloatSlice {
        for entry in layout.entries {
            let stored = try reader.requiredTensor(named: entry.name).description
            guard stored.shape == entry.shape else {
                throw CheckpointError(
                    .invalid, path: reader.path, place: CheckpointPlace(tensor: entry.name),
                    problem: "another shape than the model's",
                    comparison: .values(found: "\(stored.shape)", expected: "\(entry.shape)"))
            }
            guard stored.role == .weight else {
                throw CheckpointError(
                    .invalid, path: reader.path, place: CheckpointPlace(tensor: entry.name),
                    problem: "not a weight",
                    comparison: .values(found: "a tensor of role '\(stored.role.name)'", expected: "'weight'"))
            }
        }
        let parameters = FloatArena(count: layout.count).all
        for entry in layout.entries {
            parameters[entry.range].copy(from: try reader.readFloats(named: entry.name))
        }
        return parameters
    }
}

extension ParameterLayout {
    /// The tensors that hold the entries, in arena order, for weights or for the optimiser's moments.
    public func tensorDescriptions(
        dtype: DType = .f32, role: TensorRole, prefix: String = ""
    ) -> [TensorDescription] {
        // A layout's shapes are those of memory that exists, so none of them can be unrepresentable.
        entries.compactMap {
            try? TensorDescription(name: prefix + $0.name, dtype: dtype, shape: $0.shape, role: role)
        }
    }
}

/// A checkpoint's metadata, read with errors that name file and key.
private struct ModelMetadata {
    let reader: CheckpointReader

    func value<Value>(
        _ key: String, _ expected: String, _ convert: (MetadataValue) -> Value?
    ) throws(CheckpointError) -> Value {
        guard let stored = reader.metadata[key] else {
            throw CheckpointError(
                .invalid, path: reader.path, place: CheckpointPlace(field: key),
                problem: "not a model's checkpoint: metadata missing")
        }
        guard let value = convert(stored) else { throw unexpected(key, "\(stored.type)", expected) }
        return value
    }

    func integer(_ key: String) throws(CheckpointError) -> Int { try value(key, "an integer", \.intValue) }

    func require(_ key: String, is expected: String) throws(CheckpointError) {
        let found = try value(key, "a string", \.stringValue)
        guard found == expected else { throw unexpected(key, found.debugDescription, expected.debugDescription) }
    }

    private func unexpected(_ key: String, _ found: String, _ expected: String) -> CheckpointError {
        CheckpointError(
            .invalid, path: reader.path, place: CheckpointPlace(field: key), problem: "unsuitable metadata",
            comparison: .values(found: found, expected: expected))
    }
}
