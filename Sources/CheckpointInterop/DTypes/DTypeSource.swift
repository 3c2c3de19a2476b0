public import CheckpointFormat
internal import Codecs
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// A checkpoint whose weights are seen as another type; nothing is written.
///
/// Elements are converted as they are read. Values that the type cannot hold are errors; see ``DTypeConversion``.
public struct DTypeSource: CheckpointSource {
    /// The checkpoint itself.
    public let original: any CheckpointSource
    /// Which tensors get which type.
    public let conversion: DTypeConversion
    /// The tensors in the original's order with their new types.
    public let tensors: [TensorDescription]
    private let places: [String: (original: TensorDescription, converted: TensorDescription)]

    /// Looks at a checkpoint.
    public init(_ original: any CheckpointSource, conversion: DTypeConversion) {
        self.original = original
        self.conversion = conversion
        var tensors: [TensorDescription] = []
        var places: [String: (original: TensorDescription, converted: TensorDescription)] = [:]
        for tensor in original.tensors {
            let dtype = conversion.dtype(of: tensor)
            // A size that cannot be represented would not fit a file either: such a tensor stays as it is.
            let converted =
                (try? TensorDescription(name: tensor.name, dtype: dtype, shape: tensor.shape, role: tensor.role))
                ?? tensor
            tensors.append(converted)
            places[tensor.name] = (tensor, converted)
        }
        self.tensors = tensors
        self.places = places
    }

    /// How many tensors of each type get another one, in the order in which they come.
    public var changes: [DTypeChange] {
        var counts: OrderedDictionary<[DType], Int> = [:]
        for tensor in tensors {
            guard let place = places[tensor.name], place.original.dtype != tensor.dtype else { continue }
            counts[[place.original.dtype, tensor.dtype], default: 0] += 1
        }
        return counts.map { DTypeChange(from: $0.key[0], to: $0.key[1], tensorCount: $0.value) }
    }

    /// The original's file.
    public var path: FilePath { original.path }
    /// The original's format.
    public var format: CheckpointFileFormat { original.format }
    /// The original's version.
    public var formatVersion: String? { original.formatVersion }
    /// The original's metadata.
    public var metadata: Metadata { original.metadata }
    /// The size of the original's file or files in bytes.
    public var fileByteCount: Int { original.fileByteCount }
    /// What the original does not hand on.
    public var omissions: [Omission] { original.omissions }

    /// The tensor of that name.
    public func tensor(named name: String) -> TensorDescription? { places[name]?.converted }

    /// How a tensor is stored; one that is converted has chunks of its own and no digest.
    public func storage(of tensor: TensorDescription) -> TensorStorage {
        guard let place = places[tensor.name] else {
            return TensorStorage(storedByteCount: 0, chunkCount: 0, codecNames: [], digest: nil)
        }
        let stored = original.storage(of: place.original)
        guard place.original.dtype != place.converted.dtype else { return stored }
        let size = chunkElementCount(place.original, place.converted.dtype)
        return TensorStorage(
            storedByteCount: stored.storedByteCount, chunkCount: (tensor.elementCount + size - 1) / size,
            codecNames: stored.codecNames, digest: nil,
            chunkByteCount: size / tensor.dtype.block.elementCount * tensor.dtype.block.byteCount)
    }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    public func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        guard let place = places[tensor.name], place.converted == tensor else {
            throw CheckpointError.noSuchChunk(chunk, of: tensor, path: path)
        }
        guard place.original.dtype != tensor.dtype else {
            return try original.readChunk(chunk, of: place.original, into: &buffer)
        }
        guard (0..<storage(of: tensor).chunkCount).contains(chunk) else {
            throw CheckpointError.noSuchChunk(chunk, of: tensor, path: path)
        }
        let size = chunkElementCount(place.original, tensor.dtype)
        let elements = chunk * size..<min(tensor.elementCount, (chunk + 1) * size)
        let bytes = elements.byteRange(of: place.original.dtype)
        var stored: [UInt8] = []
        var cursor = try TensorCursor(place.original, in: original, bytes: bytes)
        try cursor.read(bytes.count, into: &stored)
        var values: [Float] = []
        unsafe FloatElements.decode(
            stored.span.bytes, as: place.original.dtype, roundsOnce: tensor.dtype.block.byteCount == 2, into: &values)
        guard values.count == elements.count else {
            throw CheckpointError(
                .truncated, path: path, place: CheckpointPlace(tensor: tensor.name), problem: "the tensor ends early")
        }
        do throws(FloatElements.Failure) {
            try FloatElements.encode(
                values, as: tensor.dtype, allowsInfinities: conversion.allowsInfinities, into: &buffer)
        } catch {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(tensor: tensor.name),
                problem: "element \(elements.lowerBound + error.index) cannot be converted",
                comparison: .values(
                    found: "\(error.value)", expected: "a value that \(tensor.dtype.rawValue) can hold"))
        }
    }

    /// The elements of a chunk: those of one of the original's chunks where it has whole blocks of both types, else of
    /// about 4 MiB, so that few of the original's chunks are read twice.
    private func chunkElementCount(_ tensor: TensorDescription, _ dtype: DType) -> Int {
        let block = tensor.dtype.block
        // Every block size divides the largest one.
        let unit = max(block.elementCount, dtype.block.elementCount)
        let unitByteCount = unit / block.elementCount * block.byteCount
        if let size = original.storage(of: tensor).chunkByteCount, size >= 1 << 16, size % unitByteCount == 0 {
            return size / unitByteCount * unit
        }
        return (1 << 22) / unitByteCount * unit
    }
}

/// Tensors of one type that get another.
public struct DTypeChange: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The type of the original.
    public let from: DType
    /// The type that is seen.
    public let to: DType
    /// How many tensors.
    public let tensorCount: Int

    /// For example `148 tensors F32 → F16`.
    public var description: String {
        "\(tensorCount) tensor\(tensorCount == 1 ? "" : "s") \(from.rawValue) → \(to.rawValue)"
    }
}

extension Range<Int> {
    /// The bytes of a range of elements that is whole blocks.
    fileprivate func byteRange(of dtype: DType) -> Range<Int> {
        let block = dtype.block
        return lowerBound / block.elementCount * block.byteCount..<upperBound / block.elementCount * block.byteCount
    }
}
