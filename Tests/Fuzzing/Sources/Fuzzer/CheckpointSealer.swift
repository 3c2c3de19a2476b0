import CheckpointFormat
import Codecs

/// Makes the checksums of a .crux file right again after its bytes were changed, wherever sizes and offsets still
/// allow it (spec sections 3, 4, 6, 8 and 10).
enum CheckpointSealer {
    private static let block = 64
    static let headerMagic: [UInt8] = [0x89, 0x43, 0x52, 0x58, 0x0D, 0x0A, 0x1A, 0x0A]
    private static let sectionMagic: [UInt8] = [0x8B, 0x63, 0x72, 0x78, 0x0D, 0x0A, 0x1A, 0x0A]

    static func sealed(_ input: [UInt8]) -> [UInt8] { sealing(input).bytes }

    /// The sealed file, and the names and digests of the weights in it. Its own digest of weights is of these and of others
    /// that lie elsewhere.
    static func sealing(
        _ input: [UInt8], otherWeights: [(name: String, digest: Digest128)] = []
    ) -> (bytes: [UInt8], weights: [(name: String, digest: Digest128)]) {
        var bytes = input
        let trailer = bytes.count - block
        guard trailer >= block else { return (bytes, []) }
        sealBlock(&bytes, at: 0, checksumAt: 56)
        for offset in stride(from: block, to: trailer, by: block) where bytes[offset...].starts(with: sectionMagic) {
            sealSection(&bytes, at: offset)
        }
        let weights = sealIndex(&bytes, trailer: trailer, otherWeights: otherWeights)
        return (bytes, weights)
    }

    /// Where the body of the first section of that kind lies.
    static func body(ofSection kind: String, in bytes: [UInt8]) -> Range<Int>? {
        for offset in stride(from: block, to: bytes.count - block, by: block)
        where bytes[offset...].starts(with: sectionMagic + Array(kind.utf8)) {
            return body(bytes, at: offset)
        }
        return nil
    }

    /// A file whose index has this body; the sections that it may describe are zeros.
    static func file(indexBody body: [UInt8]) -> [UInt8] {
        // The last entry says where it ends: 40 bytes without a detail, as writers put the metadata last.
        let last = body.count - 40
        var end = block
        if last >= 0, let offset = number(body, at: last + 8), let size = number(body, at: last + 16),
            offset <= 1 << 20, size <= 1 << 20
        {
            end = max(block, (offset + size + block - 1) / block * block)
        }
        var bytes = headerMagic + [1, 0, 1, 0]
        bytes += [UInt8](repeating: 0, count: end - bytes.count)
        sealBlock(&bytes, at: 0, checksumAt: 56)
        var section = sectionMagic + Array("INDX".utf8) + [0, 0, 0, 0] + little(body.count) + little(end)
        section += [UInt8](repeating: 0, count: 32)
        bytes += section + body + [UInt8](repeating: 0, count: (block - body.count % block) % block)
        bytes += [0x8D, 0x58, 0x52, 0x43, 0x0D, 0x0A, 0x1A, 0x0A] + little(end) + little(bytes.count + block)
        bytes += [UInt8](repeating: 0, count: 32) + [0x8F, 0x78, 0x72, 0x63, 0x0D, 0x0A, 0x1A, 0x0A]
        _ = sealIndex(&bytes, trailer: bytes.count - block, otherWeights: [])
        return bytes
    }

    static func little(_ number: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func sealSection(_ bytes: inout [UInt8], at offset: Int) {
        guard let body = body(bytes, at: offset) else { return }
        put(XXH3.hash128(Array(bytes[body])).bytes, into: &bytes, at: offset + 32)
        sealBlock(&bytes, at: offset, checksumAt: offset + 56)
    }

    /// The index repeats what its sections say of themselves; then the index itself and the trailer follow.
    ///
    /// - Returns: The weights that the index lists.
    private static func sealIndex(
        _ bytes: inout [UInt8], trailer: Int, otherWeights: [(name: String, digest: Digest128)]
    ) -> [(name: String, digest: Digest128)] {
        guard let index = number(bytes, at: trailer + 8), index >= block, index <= trailer - block,
            let body = body(bytes, at: index)
        else {
            sealBlock(&bytes, at: trailer, checksumAt: trailer + 48)
            return []
        }
        if body.count >= 40 { put(Array(bytes[56..<64]), into: &bytes, at: body.lowerBound + 32) }
        var entry = body.lowerBound + 48
        var weights: [(name: String, digest: Digest128)] = []
        while entry + 40 <= body.upperBound {
            let detail = Int(bytes[entry + 4]) | Int(bytes[entry + 5]) << 8 | Int(bytes[entry + 6]) << 16
            guard entry + 40 + detail <= body.upperBound else { break }
            if bytes[entry..<entry + 4].elementsEqual("TENS".utf8) {
                if let weight = sealTensor(&bytes, entry: entry, detail: detail) { weights.append(weight) }
            } else if let offset = number(bytes, at: entry + 8), let section = Self.body(bytes, at: offset) {
                put(XXH3.hash128(Array(bytes[section])).bytes, into: &bytes, at: entry + 24)
            }
            entry += 40 + detail
        }
        if body.count >= 40 {
            put(ContentDigest.weights(of: weights + otherWeights).bytes, into: &bytes, at: body.lowerBound + 16)
        }
        sealSection(&bytes, at: index)
        put(XXH3.hash128(Array(bytes[index..<trailer])).bytes, into: &bytes, at: trailer + 24)
        sealBlock(&bytes, at: trailer, checksumAt: trailer + 48)
        return weights
    }

    /// Seals head, chunk table and stored chunks as the index describes them.
    ///
    /// - Returns: Name and digest where the tensor is a weight.
    private static func sealTensor(
        _ bytes: inout [UInt8], entry: Int, detail: Int
    ) -> (name: String, digest: Digest128)? {
        guard let sizes = number(bytes, at: entry + 40), detail >= 8 else { return nil }
        let (head, headCount, tableCount) = (entry + 48, sizes & 0xFFFF_FFFF, sizes >> 32)
        guard headCount >= 40, tableCount >= 64, headCount + tableCount <= detail - 8 else { return nil }
        let table = head + headCount
        // The chunks follow the head's section in the record.
        if var offset = number(bytes, at: entry + 8), offset <= bytes.count {
            offset += block + (headCount + 63) / 64 * 64
            for chunk in stride(from: table + 64, through: table + tableCount - 40, by: 40) {
                let count = Int(bytes[chunk + 4]) | Int(bytes[chunk + 5]) << 8 | Int(bytes[chunk + 6]) << 16
                guard offset + count <= bytes.count else { break }
                put(XXH3.hash128(Array(bytes[offset..<offset + count])).bytes, into: &bytes, at: chunk + 8)
                // A raw chunk is its own content.
                if bytes[chunk] == 0 { put(Array(bytes[chunk + 8..<chunk + 24]), into: &bytes, at: chunk + 24) }
                offset += count
            }
        }
        let digest = XXH3.hash128(Array(bytes[head..<table])).bytes
        put(digest, into: &bytes, at: entry + 24)
        put(digest, into: &bytes, at: table + 48)
        let name = head + 40 + 8 * Int(bytes[head + 3])
        let nameCount = Int(bytes[head + 4]) | Int(bytes[head + 5]) << 8
        guard bytes[head + 2] == 0, name + nameCount <= table,
            let stored = Digest128(bytes: Array(bytes[table + 32..<table + 48]))
        else { return nil }
        return (String(decoding: bytes[name..<name + nameCount], as: UTF8.self), stored)
    }

    private static func body(_ bytes: [UInt8], at offset: Int) -> Range<Int>? {
        guard offset >= 0, offset <= bytes.count - block, let count = number(bytes, at: offset + 16),
            count <= bytes.count - block - offset
        else { return nil }
        return offset + block..<offset + block + count
    }

    static func number(_ bytes: [UInt8], at offset: Int) -> Int? {
        guard offset >= 0, offset + 8 <= bytes.count else { return nil }
        return Int(exactly: (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) })
    }

    private static func sealBlock(_ bytes: inout [UInt8], at offset: Int, checksumAt checksum: Int) {
        let part = Array(bytes[offset..<checksum])
        let hash = XXH3.hash64(part.span.bytes)
        put((0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) }, into: &bytes, at: checksum)
    }

    static func put(_ part: [UInt8], into bytes: inout [UInt8], at offset: Int) {
        bytes.replaceSubrange(offset..<offset + part.count, with: part)
    }
}
