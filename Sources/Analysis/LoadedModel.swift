internal import SystemPackage
internal import CheckpointFormat
public import CheckpointInterop
public import Kernels
public import LanguageModel
internal import OrderedCollections
internal import TensorCore

/// A language model read from a checkpoint of any format: one that carries the `model.*` and tokenizer metadata, or
/// a GPT-2 model of `transformers` (with its `config.json` and tokenizer beside it) or llama.cpp.
public struct LoadedModel: Sendable {
    /// Which checkpoint it is.
    public let identity: CheckpointIdentity
    /// The resolved configuration of the run that wrote it, YAML text; nil where the metadata has none.
    public let configuration: String?
    /// The model.
    public let model: GPT
    /// The tokenizer stored with it.
    public let tokenizer: Tokenizer
    /// The parameters in the order of the model's layout.
    public let parameters: FloatSlice
    /// The critic stored beside them; nil where there is none.
    let valueHead: ValueHead?

    /// Reads a model.
    ///
    /// - Throws: ``AnalysisError`` naming all metadata that is missing, a tensor that is missing or of another
    ///   shape, and what ``CheckpointSource/readChunk(_:of:into:)`` throws.
    public init(_ stored: any CheckpointSource) throws(AnalysisError) {
        let file = stored.path.string
        let source: any CheckpointSource
        do throws(CheckpointError) {
            source = try GPT2Source.model(stored)
        } catch {
            throw .checkpoint(error)
        }
        let metadata = ModelMetadata(source.metadata)
        guard metadata.missingKeys.isEmpty else {
            throw .unsuitable(
                subject: file, found: "no \(metadata.missingKeys.joined(separator: ", ")) in the metadata",
                expected: "a checkpoint that says what model its weights are, as those written by crux")
        }
        do throws(ModelError) {
            model = try GPT(metadata.configuration())
            tokenizer = try Tokenizer(metadata: source.metadata)
        } catch {
            throw .model(error, subject: file)
        }
        let tokenCount = tokenizer.vocabulary.count
        guard tokenCount == model.configuration.vocabularySize else {
            throw .unsuitable(
                subject: "\(file): \(MetadataKey.tokenizerVocabulary)",
                found: "\(tokenCount) tokens",
                expected: "\(model.configuration.vocabularySize), the model's vocabulary")
        }
        // Every tensor is checked before the memory for all of them is taken.
        let tensors = try model.layout.entries.map { entry throws(AnalysisError) in try Self.tensor(entry, of: source) }
        identity = CheckpointIdentity(stored)
        configuration = source.metadata[MetadataKey.configuration]?.stringValue
        parameters = FloatArena(count: model.layout.count).all
        for (entry, tensor) in zip(model.layout.entries, tensors) {
            try Self.read(tensor, of: source, into: parameters[entry.range])
        }
        valueHead = try ValueHead(stored, inputSize: model.configuration.embeddingSize)
    }

    /// The tensor of a parameter.
    static func tensor(
        _ entry: ParameterLayout.Entry, of source: any CheckpointSource
    ) throws(AnalysisError) -> TensorDescription {
        let subject = "\(source.path.string): tensor '\(entry.name)'"
        guard let tensor = source.tensor(named: entry.name) else {
            throw .unsuitable(subject: subject, found: "no such tensor", expected: "shape \(entry.shape)")
        }
        guard tensor.shape == entry.shape else {
            throw .unsuitable(subject: subject, found: "shape \(tensor.shape)", expected: "\(entry.shape)")
        }
        guard ElementValues.isFloatingPoint(tensor.dtype) else {
            throw .unsuitable(
                subject: subject, found: tensor.dtype.rawValue, expected: "a floating-point type, for example F32")
        }
        return tensor
    }

    /// Fills a slice with a tensor's values, rounded to single precision.
    static func read(
        _ tensor: TensorDescription, of source: any CheckpointSource, into slice: FloatSlice
    ) throws(AnalysisError) {
        var values = [Double](repeating: 0, count: 8192)
        var bytes: [UInt8] = []
        var cursor = TensorCursor(tensor, in: source)
        var offset = 0
        while true {
            do throws(CheckpointError) {
                try cursor.read(values.count * tensor.dtype.block.byteCount, into: &bytes)
            } catch {
                throw .checkpoint(error)
            }
            guard !bytes.isEmpty else { break }
            let count = unsafe ElementValues.read(bytes.span.bytes, as: tensor.dtype, into: &values)
            slice[offset..<(offset + count)].withMutableSpan { parameters in
                for index in 0..<count { parameters[index] = Float(values[index]) }
            }
            offset += count
        }
    }
}
