public import CheckpointFormat
internal import Codecs
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// A checkpoint of GPT-2 seen under another tool's names and orientations; nothing is written.
///
/// Causal masks and a head that is the token embedding again are left out. Matrices that the two tools orient
/// differently are transposed as they are read; everything else is the same, also what GPT-2 does not have.
public struct GPT2Source: CheckpointSource {
    /// The checkpoint itself.
    public let original: any CheckpointSource
    /// Whose names the original has.
    public let originalNames: GPT2Names
    /// Whose names are seen.
    public let naming: GPT2Naming
    /// The metadata that are seen.
    public let metadata: Metadata
    /// The tensors in the original's order under their new names; then biases of zeros.
    public let tensors: [TensorDescription]
    /// The names of the original's tensors that are left out: masks, a tied head, and what was not wanted.
    public let leftOut: [String]
    /// The number of biases that the original lacks and that are seen as zeros.
    public let zeroBiasCount: Int
    private let places: [String: Place]

    /// Where a tensor's bytes come from.
    private enum Place: Sendable {
        case same(TensorDescription)
        case transposed(TensorTranspose)
        case zeros(TensorDescription)
    }

    /// Looks at a checkpoint.
    ///
    /// - Parameters:
    ///   - naming: Whose names to show.
    ///   - addsBiases: Whether to show a bias of zeros for every layer that has none, as Hugging Face and
    ///     llama.cpp demand.
    ///   - leavesOutBiases: Whether to leave out all biases.
    ///   - leavesOutOthers: Whether to leave out what is no parameter of GPT-2, for example optimiser states.
    ///   - metadata: What to show as metadata; by default the original's.
    /// - Throws: ``CheckpointError`` where the tensors are not GPT-2's, where it is ambiguous whether matrices
    ///   have to be transposed, where one is of a type that cannot be, and where a head cannot be read.
    public init(
        _ original: any CheckpointSource, naming: GPT2Naming, addsBiases: Bool = false, leavesOutBiases: Bool = false,
        leavesOutOthers: Bool = false, metadata: Metadata? = nil
    ) throws(CheckpointError) {
        guard let names = GPT2Names(original.tensors, metadata: original.metadata) else {
            throw CheckpointError(
                .invalid, path: original.path, problem: "the tensors are not those of a GPT-2 model",
                comparison: .values(
                    found: original.tensors.first.map { "for example '\($0.name)'" } ?? "no tensor",
                    expected: "names as of transformers, nanoGPT or llama.cpp, one tensor a parameter"))
        }
        guard !(names.isAmbiguous && naming == .huggingFace) else {
            throw CheckpointError(
                .invalid, path: original.path, problem: "it cannot be told whether matrices have to be transposed",
                comparison: .values(
                    found: "square matrices alone", expected: "a tensor of h.*.attn.c_attn, mlp.c_fc or mlp.c_proj"))
        }
        self.original = original
        originalNames = names
        self.naming = naming
        self.metadata = metadata ?? original.metadata
        let isTied = try Self.hasTiedHead(original, names)
        var (tensors, places, leftOut): ([TensorDescription], [String: Place], [String]) = ([], [:], [])
        for tensor in original.tensors {
            let (seen, place): (TensorDescription, Place)
            switch names.meaning(of: tensor.name) {
            case .causalMask:
                leftOut.append(tensor.name)
                continue
            case .parameter(let parameter):
                if (parameter.module == .head && isTied) || (leavesOutBiases && parameter.part == .bias) {
                    leftOut.append(tensor.name)
                    continue
                }
                let name = naming.name(of: parameter)
                if names.naming.isTransposed(parameter) != naming.isTransposed(parameter) {
                    let transpose = try TensorTranspose(of: tensor, in: original, name: name)
                    (seen, place) = (transpose.description, .transposed(transpose))
                } else {
                    (seen, place) = (tensor.renamed(name), .same(tensor))
                }
            case nil:
                if leavesOutOthers {
                    leftOut.append(tensor.name)
                    continue
                }
                (seen, place) = (tensor, .same(tensor))
            }
            guard places.updateValue(place, forKey: seen.name) == nil else {
                throw CheckpointError(
                    .invalid, path: original.path, place: CheckpointPlace(tensor: tensor.name),
                    problem: "two tensors would have the name '\(seen.name)'")
            }
            tensors.append(seen)
        }
        var zeroBiasCount = 0
        if addsBiases {
            for bias in try Self.missingBiases(original, names, naming) {
                places[bias.name] = .zeros(bias)
                tensors.append(bias)
                zeroBiasCount += 1
            }
        }
        self.tensors = tensors
        self.places = places
        self.leftOut = leftOut
        self.zeroBiasCount = zeroBiasCount
    }

    /// The original's file.
    public var path: FilePath { original.path }
    /// The original's format.
    public var format: CheckpointFileFormat { original.format }
    /// The original's version.
    public var formatVersion: String? { original.formatVersion }
    /// The size of the original's file or files in bytes.
    public var fileByteCount: Int { original.fileByteCount }
    /// What the original does not hand on.
    public var omissions: [Omission] { original.omissions }

    /// The tensor of that name.
    public func tensor(named name: String) -> TensorDescription? {
        switch places[name] {
        case .same(let tensor): tensor.renamed(name)
        case .transposed(let transpose): transpose.description
        case .zeros(let tensor): tensor
        case nil: nil
        }
    }

    /// How a tensor is stored; one that is transposed has chunks of its own and no digest.
    public func storage(of tensor: TensorDescription) -> TensorStorage {
        switch places[tensor.name] {
        case .same(let tensor): original.storage(of: tensor)
        case .transposed(let transpose): transpose.storage
        case .zeros: TensorStorage(storedByteCount: 0, chunkCount: 1, codecNames: ["zeros"], digest: nil)
        case nil: TensorStorage(storedByteCount: 0, chunkCount: 0, codecNames: [], digest: nil)
        }
    }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    public func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        switch places[tensor.name] {
        case .same(let tensor): try original.readChunk(chunk, of: tensor, into: &buffer)
        case .transposed(let transpose): try transpose.readChunk(chunk, into: &buffer)
        case .zeros where chunk == 0: buffer = [UInt8](repeating: 0, count: tensor.byteCount)
        case .zeros, nil:
            throw CheckpointError(
                .missing, path: path, place: CheckpointPlace(tensor: tensor.name, chunk: chunk),
                problem: "no such chunk")
        }
    }

    /// Whether the checkpoint stores a head that is its token embedding again, bit for bit.
    private static func hasTiedHead(
        _ source: any CheckpointSource, _ names: GPT2Names
    ) throws(CheckpointError) -> Bool {
        func tensor(_ module: GPT2Parameter.Module) -> TensorDescription? {
            GPT2Parameter(module).flatMap { names.name(of: $0) }.flatMap { source.tensor(named: $0) }
        }
        guard let head = tensor(.head), let embedding = tensor(.tokenEmbedding) else { return false }
        guard head.dtype == embedding.dtype, head.shape == embedding.shape else { return false }
        return try source.digest(of: head) == source.digest(of: embedding)
    }

    /// Biases of zeros for the layers whose weight has none beside it, of the weight's type.
    private static func missingBiases(
        _ source: any CheckpointSource, _ names: GPT2Names, _ naming: GPT2Naming
    ) throws(CheckpointError) -> [TensorDescription] {
        var biases: [TensorDescription] = []
        for tensor in source.tensors {
            guard let weight = names.parameter(of: tensor.name), weight.part == .weight,
                let bias = GPT2Parameter(weight.module, block: weight.block, .bias), names.name(of: bias) == nil
            else { continue }
            let isInOut = names.naming.isTransposed(weight)
            guard let size = isInOut ? tensor.shape.dimensions.last : tensor.shape.dimensions.first else { continue }
            let dtype: DType = tensor.dtype.isBlockQuantised ? .f32 : tensor.dtype
            guard
                let description = try? TensorDescription(name: naming.name(of: bias), dtype: dtype, shape: [size])
            else {
                throw CheckpointError(
                    .invalid, path: source.path, place: CheckpointPlace(tensor: tensor.name),
                    problem: "no bias of its size can be made")
            }
            biases.append(description)
        }
        return biases
    }
}

extension TensorDescription {
    /// The same tensor under another name.
    func renamed(_ name: String) -> TensorDescription {
        // The same shape has the same size: this cannot fail.
        (try? TensorDescription(name: name, dtype: dtype, shape: shape, role: role)) ?? self
    }
}
