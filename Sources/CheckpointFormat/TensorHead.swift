internal import Codecs
internal import SystemPackage
internal import TensorCore

/// What a tensor's record says before its chunks.
struct TensorHead: Equatable {
    var description: TensorDescription
    var chunkByteCount: Int
    var baseDigest: Digest128?

    /// How many chunks the content makes.
    var chunkCount: Int {
        description.byteCount / chunkByteCount + (description.byteCount % chunkByteCount == 0 ? 0 : 1)
    }

    /// The size of ``encoded()``.
    var encodedByteCount: Int {
        let byteCount = 40 + 8 * description.shape.rank + description.name.utf8.count
        return byteCount + byteCount.paddingCount(to: 8)
    }

    func encoded() -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.integer(description.dtype.code)
        encoder.integer(description.role.rawValue)
        encoder.integer(UInt8(truncatingIfNeeded: description.shape.rank))
        encoder.integer(UInt32(truncatingIfNeeded: description.name.utf8.count))
        encoder.integer(UInt32(truncatingIfNeeded: chunkByteCount))
        encoder.integer(UInt32(0))
        encoder.integer(UInt64(description.byteCount))
        encoder.digest(baseDigest ?? .zero)
        for size in description.shape.dimensions { encoder.integer(UInt64(size)) }
        encoder.raw(description.name.utf8)
        encoder.pad(to: 8)
        return encoder.bytes
    }

    static func decode(_ decoder: inout ByteDecoder, features: CheckpointFeatures) throws(CheckpointError) -> TensorHead
    {
        let start = decoder.position
        let code: UInt16 = try decoder.integer("dtype")
        guard let dtype = DType(code: code) else {
            throw decoder.failure(
                .unsupportedVersion, field: "dtype", from: start, "unknown element type \(code)")
        }
        let roleCode: UInt8 = try decoder.integer("role")
        guard let role = TensorRole(rawValue: roleCode) else {
            throw decoder.failure(.unsupportedVersion, field: "role", from: start + 2, "unknown role \(roleCode)")
        }
        let rank = Int(try decoder.integer("rank", as: UInt8.self))
        guard rank <= Format.maximumRank else {
            throw decoder.failure(
                field: "rank", from: start + 3, "the rank is too large", found: "\(rank)",
                expected: "at most \(Format.maximumRank)")
        }
        let nameByteCount = Int(try decoder.integer("name byte count", as: UInt32.self))
        guard nameByteCount <= Format.maximumNameByteCount else {
            throw decoder.failure(
                field: "name byte count", from: start + 4, "the name is too long", found: "\(nameByteCount)",
                expected: "at most \(Format.maximumNameByteCount)")
        }
        let chunkByteCount = Int(try decoder.integer("chunk byte count", as: UInt32.self))
        guard Format.chunkByteCounts.contains(chunkByteCount), chunkByteCount % Format.alignment == 0 else {
            throw decoder.failure(
                field: "chunk byte count", from: start + 8, "not an allowed chunk size", found: "\(chunkByteCount)",
                expected: "a multiple of 64 in 64 … \(Format.chunkByteCounts.upperBound)")
        }
        try decoder.constant(UInt32(0), "reserved")
        let byteCount = try decoder.count("byte count")
        let base = try decoder.digest("base digest")
        guard base == .zero || features.contains(.deltas) else {
            throw decoder.failure(
                field: "base digest", from: start + 24, "a base without the required feature 'deltas'",
                found: base.hex, expected: Digest128.zero.hex)
        }
        var dimensions: [Int] = []
        for _ in 0..<rank { dimensions.append(try decoder.count("dimension")) }
        let nameStart = decoder.position
        let name = try decoder.string(nameByteCount, "name")
        decoder.place.tensor = name
        try decoder.zeros((decoder.position - start).paddingCount(to: 8), "padding")

        let description: TensorDescription
        do {
            description = try TensorDescription(name: name, dtype: dtype, shape: Shape(dimensions), role: role)
        } catch {
            throw decoder.failure(field: "shape", from: start + 40, error.problem.text)
        }
        guard description.byteCount == byteCount else {
            throw CheckpointError(
                .invalid, path: decoder.path,
                place: CheckpointPlace(
                    section: decoder.place.section, tensor: name, field: "byte count",
                    byteRange: decoder.fileOffset + start + 16..<decoder.fileOffset + start + 24),
                problem: "the size does not follow from type and shape",
                comparison: .values(found: "\(byteCount)", expected: "\(description.byteCount)"))
        }
        guard !name.utf8.contains(0) else {
            throw decoder.failure(field: "name", from: nameStart, "the name contains U+0000")
        }
        return TensorHead(
            description: description, chunkByteCount: chunkByteCount, baseDigest: base == .zero ? nil : base)
    }
}

extension TensorError.Problem {
    /// The problem without the tensor's name.
    var text: String {
        switch self {
        case .unrepresentableShape(let shape):
            "shape \(shape) has more elements than can be addressed"
        case .partialBlock(let dtype, let shape):
            "shape \(shape) does not fill whole blocks of \(dtype.block.elementCount) \(dtype.rawValue) elements"
        }
    }
}
