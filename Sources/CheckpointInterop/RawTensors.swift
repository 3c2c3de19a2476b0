internal import CheckpointFormat
internal import SystemPackage
internal import TensorCore

/// Tensors whose bytes lie in a file as they are, each in one run.
struct RawTensors: Sendable {
    let file: InputFile
    /// The tensors in the order in which they were given.
    let tensors: [TensorDescription]
    /// Each tensor's index in ``tensors`` and its bytes in the file.
    private let places: [String: (index: Int, range: Range<Int>)]

    /// Takes tensors of different names and ranges that lie inside the file.
    init(_ tensors: [(description: TensorDescription, range: Range<Int>)], in file: InputFile) {
        self.file = file
        self.tensors = tensors.map(\.description)
        var places: [String: (index: Int, range: Range<Int>)] = [:]
        places.reserveCapacity(tensors.count)
        for (index, tensor) in tensors.enumerated() { places[tensor.description.name] = (index, tensor.range) }
        self.places = places
    }

    /// The tensor of that name.
    func tensor(named name: String) -> TensorDescription? { places[name].map { tensors[$0.index] } }

    /// How a tensor is stored.
    func storage(of tensor: TensorDescription) -> TensorStorage {
        TensorStorage(
            storedByteCount: tensor.byteCount, chunkCount: Self.chunkCount(of: tensor), codecNames: ["raw"],
            digest: nil, chunkByteCount: Self.chunkByteCount(of: tensor))
    }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        guard let place = places[tensor.name], tensors[place.index] == tensor,
            (0..<Self.chunkCount(of: tensor)).contains(chunk)
        else {
            throw CheckpointError.noSuchChunk(chunk, of: tensor, path: file.path)
        }
        let size = Self.chunkByteCount(of: tensor)
        let start = place.range.lowerBound + chunk * size
        try file.read(start..<min(place.range.upperBound, start + size), into: &buffer)
    }

    /// Chunks are ours, as such formats have none: about 1 MiB of whole blocks.
    static func chunkByteCount(of tensor: TensorDescription) -> Int {
        let block = tensor.dtype.block.byteCount
        return (1 << 20) / block * block
    }

    /// The number of chunks of ``chunkByteCount(of:)``.
    static func chunkCount(of tensor: TensorDescription) -> Int {
        let size = chunkByteCount(of: tensor)
        return tensor.byteCount / size + (tensor.byteCount % size == 0 ? 0 : 1)
    }
}

extension InputFile {
    /// Replaces the buffer's content by a range that lies inside the file.
    func read(_ range: Range<Int>, into buffer: inout [UInt8]) throws(CheckpointError) {
        if buffer.count != range.count { buffer = [UInt8](repeating: 0, count: range.count) }
        var span = buffer.mutableSpan
        var bytes = unsafe span.mutableBytes
        try read(from: range.lowerBound, into: &bytes)
    }
}

extension CheckpointError {
    /// A chunk was asked for that the checkpoint does not have.
    static func noSuchChunk(_ chunk: Int, of tensor: TensorDescription, path: FilePath) -> CheckpointError {
        CheckpointError(
            .missing, path: path, place: CheckpointPlace(tensor: tensor.name, chunk: chunk), problem: "no such chunk")
    }
}
