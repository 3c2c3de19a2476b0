internal import Codecs
internal import SystemPackage

/// Reads, checks and decodes chunks. One thread at a time, and so sent between threads by those who keep to it.
final class ChunkDecoder: @unchecked Sendable {
    private var zstd: ZstdDecompressor?
    private let stored = ScratchBuffer()
    private let planes = ScratchBuffer()
    /// What reading the base takes.
    private let baseScratch = BaseScratch()

    /// Reads a chunk from its file into `content`, which has the chunk's size, and checks both digests.
    ///
    /// - Parameter base: The base of a delta.
    func read(
        _ chunk: StoredChunk, of tensor: StoredTensor, from file: InputFile, base: (any DeltaBase)?,
        into content: inout MutableRawSpan
    ) throws(CheckpointError) {
        let name = tensor.name
        if chunk.codec == .raw {
            // Stored bytes and content are the same and have one digest.
            try file.read(from: chunk.byteRange.lowerBound, into: &content)
            try Self.check(content.bytes, chunk.storedDigest, of: nil, chunk, name, file.path)
            return
        }
        try checkStored(chunk, ofTensor: name, from: file)
        if chunk.codec.needsBase { try readBase(chunk, of: tensor, from: file, base: base, into: &content) }
        do {
            try stored.withBytes { bytes throws in try decode(bytes, as: chunk.codec, into: &content) }
        } catch {
            throw CheckpointError(
                .invalid, path: file.path, place: Self.place(chunk, name),
                problem: "the chunk cannot be decoded as '\(chunk.codec)': \(error)")
        }
        try Self.check(content.bytes, chunk.contentDigest, of: "the decoded content", chunk, name, file.path)
    }

    /// Fills `content` with the base's.
    private func readBase(
        _ chunk: StoredChunk, of tensor: StoredTensor, from file: InputFile, base: (any DeltaBase)?,
        into content: inout MutableRawSpan
    ) throws(CheckpointError) {
        guard let base else {
            throw CheckpointError(
                .missing, path: file.path, place: Self.place(chunk, tensor.name),
                problem: "the content is a difference from a base that is not there")
        }
        do {
            try base.readContent(
                chunk.contentRange, ofTensor: tensor.name, into: &content, scratch: baseScratch)
        } catch {
            throw CheckpointError(
                error.kind, path: file.path, place: Self.place(chunk, tensor.name),
                problem: "the base cannot be read: \(error)")
        }
    }

    /// Checks the digest of a chunk's stored bytes.
    func checkDigest(
        _ chunk: StoredChunk, ofTensor name: String, in file: InputFile
    ) throws(CheckpointError) {
        // Bytes that are in memory are hashed where they are; nothing but their hash depends on them, and so nobody
        // suffers from a change meanwhile.
        let computed = file.withResidentBytes(chunk.byteRange) { XXH3.hash128($0) }
        guard computed != chunk.storedDigest else { return }
        // Once more, as for the content: errors of the disk are reported by reading.
        try checkStored(chunk, ofTensor: name, from: file)
    }

    /// Reads a chunk's stored bytes and checks their digest.
    func checkStored(
        _ chunk: StoredChunk, ofTensor name: String, from file: InputFile
    ) throws(CheckpointError) {
        try stored.withMutableBytes(count: chunk.byteRange.count) { bytes throws(CheckpointError) in
            try file.read(from: chunk.byteRange.lowerBound, into: &bytes)
            try Self.check(bytes.bytes, chunk.storedDigest, of: nil, chunk, name, file.path)
        }
    }

    private func decode(_ bytes: RawSpan, as codec: ChunkCodec, into content: inout MutableRawSpan) throws {
        switch codec {
        case .raw: content.copy(bytes)
        case .constant: content.fill(repeating: bytes)
        case .zstd: try decompress(bytes, into: &content)
        case .planes(let width, let isRotated):
            try planes.withMutableBytes(count: content.byteCount) { planes throws in
                try decompress(bytes, into: &planes)
                try BytePlanes.join(planes.bytes, width: width, isRotated: isRotated, into: &content)
            }
        case .same: break
        case .difference(let width):
            try planes.withMutableBytes(count: content.byteCount) { planes throws in
                try decompress(bytes, into: &planes)
                try BitDifference.join(planes.bytes, width: width, ontoBase: &content)
            }
        case .sparseDifference(let width):
            let maximum = SparseDifference.maximumByteCount(wordCount: content.byteCount / width, width: width)
            let byteCount = try ZstdDecompressor.contentByteCount(of: bytes, atMost: maximum)
            try planes.withMutableBytes(count: byteCount) { planes throws in
                try decompress(bytes, into: &planes)
                try SparseDifference.decode(planes.bytes, width: width, ontoBase: &content)
            }
        }
    }

    private func decompress(_ frame: RawSpan, into output: inout MutableRawSpan) throws(ZstdError) {
        if zstd == nil { zstd = try ZstdDecompressor.make() }
        try zstd?.decompress(frame, into: &output)
    }

    private static func check(
        _ bytes: RawSpan, _ stored: Digest128, of what: String?, _ chunk: StoredChunk, _ name: String, _ path: FilePath
    ) throws(CheckpointError) {
        let computed = XXH3.hash128(bytes)
        guard computed == stored else {
            throw CheckpointError.checksumMismatch(
                path: path, place: place(chunk, name), of: what, stored: stored.hex, computed: computed.hex)
        }
    }

    static func place(_ chunk: StoredChunk, _ name: String) -> CheckpointPlace {
        CheckpointPlace(
            tensor: name, chunk: chunk.index, byteRange: chunk.byteRange.isEmpty ? nil : chunk.byteRange)
    }
}

extension MutableRawSpan {
    /// Copies as many bytes as both have.
    mutating func copy(_ source: RawSpan) {
        unsafe source.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes { target in
                let count = min(source.count, target.count)
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
            }
        }
    }

    /// Repeats a pattern to the end; the last copy may be cut off.
    mutating func fill(repeating pattern: RawSpan) {
        unsafe pattern.withUnsafeBytes { pattern in
            unsafe withUnsafeMutableBytes { target in
                guard pattern.count > 0, let start = target.baseAddress else { return }
                var done = min(pattern.count, target.count)
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: pattern[..<done]))
                // What is there is copied behind itself, twice as much each time; whole patterns only.
                while done < target.count {
                    let count = min(done, target.count - done)
                    unsafe (start + done).copyMemory(from: start, byteCount: count)
                    done += count
                }
            }
        }
    }
}
