public import CheckpointFormat
public import OrderedCollections
public import TensorCore

/// What each tensor of a checkpoint is in GPT-2, and whose names they are.
///
/// Hugging Face and nanoGPT use the same names for transposed matrices, so the shapes of the linear layers
/// decide between them, or metadata where only square ones are there; else it is ``isAmbiguous``.
public struct GPT2Names: Sendable {
    /// Whose names and orientations they are; of those that are possible, nanoGPT's where it is ambiguous.
    public let naming: GPT2Naming
    /// Whether ``GPT2Naming/huggingFace`` fits as well as ``GPT2Naming/nanoGPT``: square matrices could be either.
    public let isAmbiguous: Bool
    /// What decided, in words.
    public let evidence: String
    private let meanings: [String: GPT2Naming.Meaning]
    private let names: [GPT2Parameter: String]

    /// Recognises the tensors; nil where they are not GPT-2's: none is named so, two have the same meaning,
    /// shapes contradict each other, or the metadata name another architecture.
    ///
    /// Tensors that are no weights (``TensorRole``) have no meaning here.
    public init?(_ tensors: some Sequence<TensorDescription>, metadata: Metadata = [:]) {
        for key in [MetadataKey.architecture, "general.architecture"] {
            guard metadata[key]?.stringValue ?? "gpt2" == "gpt2" else { return nil }
        }
        let weights = tensors.filter { $0.role == .weight }
        let usesLlamaCpp = weights.contains { GPT2Naming.llamaCpp.meaning(of: $0.name) != nil }
        let spelling: GPT2Naming = usesLlamaCpp ? .llamaCpp : .nanoGPT
        var meanings: [String: GPT2Naming.Meaning] = [:]
        var names: [GPT2Parameter: String] = [:]
        var orientations: Set<GPT2Naming> = []
        for tensor in weights {
            guard let meaning = spelling.meaning(of: tensor.name) else { continue }
            meanings[tensor.name] = meaning
            guard case .parameter(let parameter) = meaning else { continue }
            guard names.updateValue(tensor.name, forKey: parameter) == nil else { return nil }
            if let orientation = Self.orientation(of: parameter, tensor.shape) { orientations.insert(orientation) }
        }
        // Norms and feed-forward layers alone could be any transformer's.
        guard names.keys.contains(where: { [.tokenEmbedding, .positionEmbedding, .attention].contains($0.module) }),
            orientations.count < 2, !(usesLlamaCpp && orientations.contains(.huggingFace))
        else { return nil }
        self.meanings = meanings
        self.names = names
        if usesLlamaCpp {
            (naming, isAmbiguous, evidence) = (.llamaCpp, false, "the names are llama.cpp's")
        } else if let orientation = orientations.first {
            (naming, isAmbiguous, evidence) = (orientation, false, "the shapes of the linear layers")
        } else if metadata[MetadataKey.architecture] != nil {
            (naming, isAmbiguous, evidence) = (.nanoGPT, false, "the metadata are crux's")
        } else {
            let hasSquare = names.keys.contains { $0.module.isLinear && $0.part == .weight }
            naming = .nanoGPT
            isAmbiguous = hasSquare
            evidence =
                hasSquare
                ? "nothing: there are only square matrices" : "there is no matrix that tools orient differently"
        }
    }

    /// What a tensor is; nil for one that GPT-2 does not have.
    public func meaning(of tensorName: String) -> GPT2Naming.Meaning? { meanings[tensorName] }

    /// The parameter that a tensor holds; nil for masks and for what GPT-2 does not have.
    public func parameter(of tensorName: String) -> GPT2Parameter? {
        guard case .parameter(let parameter) = meanings[tensorName] else { return nil }
        return parameter
    }

    /// The name of the tensor that holds a parameter.
    public func name(of parameter: GPT2Parameter) -> String? { names[parameter] }

    /// The parameters that are there, in no order.
    public var parameters: some Collection<GPT2Parameter> { names.keys }

    /// Whose orientation the shape of a matrix shows; nil for square ones and what is oriented alike.
    private static func orientation(of parameter: GPT2Parameter, _ shape: Shape) -> GPT2Naming? {
        guard parameter.part == .weight, shape.rank == 2 else { return nil }
        let (rows, columns) = (shape.dimensions[0], shape.dimensions[1])
        guard rows != columns else { return nil }
        return switch parameter.module {
        case .attention, .expansion: rows > columns ? .nanoGPT : .huggingFace
        case .contraction: rows < columns ? .nanoGPT : .huggingFace
        default: nil
        }
    }
}
