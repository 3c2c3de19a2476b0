internal import Codecs
internal import OrderedCollections
public import SystemPackage
public import TensorCore

/// Writes a checkpoint in one pass, and shows it only when it is complete.
///
/// A writer that goes without ``finish()``, or whose calls threw, removes its temporary file; what was at the
/// path before stays untouched. One thread at a time.
public final class CheckpointWriter {
    private let file: OutputFile
    private let options: WriterOptions
    /// What the file is stored against, where it is a delta.
    private let base: (any DeltaBase)?
    private let encoders: [ChunkEncoder]
    private let slots: [EncodedChunk]
    private let headerChecksum: UInt64
    private var metadata = Metadata()
    private var entries: [FileIndex.Entry] = []
    private var names: Set<String> = []
    private var contentByteCount = 0
    private var state = State.betweenTensors
    /// Tensors in the order of the file that are not written to their end; the last one may be open.
    private var queue: [QueuedTensor] = []
    /// The chunks that wait to be encoded, all at once: as many as there are slots, of several tensors where these are
    /// small.
    private var queuedChunks: [QueuedChunk] = []
    /// The content of the queued chunks, and of the one that is not full.
    private let pending = ScratchBuffer()
    /// The bytes of the chunk that is not full.
    private var partialByteCount = 0

    private enum State {
        case betweenTensors
        case inTensor
        case failed
        case finished
    }

    /// A tensor that is being written.
    private final class QueuedTensor {
        let head: TensorHead
        let headDigest: Digest128
        /// Where its record begins, once that is written.
        var recordOffset: Int?
        var chunks: [ChunkTable.Entry] = []
        var receivedByteCount = 0
        /// Only where chunks are not leaves of the digest.
        var digester: TensorDigester?

        init(_ head: TensorHead, digester: consuming TensorDigester?) {
            self.head = head
            self.digester = digester
            headDigest = XXH3.hash128(head.encoded())
        }

        var description: TensorDescription { head.description }

        /// The digest of the content, all of whose chunks are there.
        var digest: Digest128 {
            digester?.finalize(dtype: description.dtype, shape: description.shape)
                ?? ContentDigest.tensor(
                    dtype: description.dtype, shape: description.shape, byteCount: description.byteCount,
                    leaves: chunks.map(\.contentDigest))
        }
    }

    private struct QueuedChunk {
        /// The tensor's place in the queue.
        let tensor: Int
        /// The chunk's place in the tensor's content.
        let contentRange: Range<Int>
        /// Its place in the bytes that are encoded.
        let range: Range<Int>
    }

    private init(file: OutputFile, options: WriterOptions, base: (any DeltaBase)?) throws(CheckpointError) {
        self.file = file
        self.base = base
        self.options = options
        guard Format.chunkByteCounts.contains(options.chunkByteCount),
            options.chunkByteCount % Format.alignment == 0
        else {
            throw CheckpointError(
                .invalid, path: file.path, place: CheckpointPlace(field: "chunk byte count"),
                problem: "not an allowed chunk size",
                comparison: .values(
                    found: "\(options.chunkByteCount)",
                    expected: "a multiple of 64 in 64 … \(Format.chunkByteCounts.upperBound)"))
        }
        do {
            var encoders: [ChunkEncoder] = []
            for _ in 0..<options.workerCount { encoders.append(try ChunkEncoder()) }
            self.encoders = encoders
        } catch {
            throw CheckpointError(.io, path: file.path, problem: "cannot compress: \(error)")
        }
        // Some chunks a worker even out differences; memory stays bounded for large chunks.
        let slotCount = max(1, min(4 * options.workerCount, (64 << 20) / options.chunkByteCount))
        slots = (0..<max(slotCount, options.workerCount)).map { _ in EncodedChunk() }
        var fields = FileHeader()
        fields.requiredFeatures = base == nil ? [] : .deltas
        let header = fields.encoded()
        headerChecksum = XXH3.hash64(unsafe header.span.bytes.extracting(first: Format.blockByteCount - 8))
        try file.write(header)
        if let base { try write(base) }
    }

    /// Begins a checkpoint at a path.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - options: How it is encoded.
    ///   - base: What the file is stored against, which makes it a delta: it can then be read only together with the
    ///     base. Tensors that the base has under the same name, with the same type and shape, become differences
    ///     where that is smaller.
    /// - Throws: ``CheckpointError`` of kind `io` where no file can be created there, and of kind `wrongBase` where
    ///   the file is the base itself.
    public static func create(
        at path: FilePath, options: WriterOptions = WriterOptions(), base: (any DeltaBase)? = nil
    ) throws(CheckpointError) -> CheckpointWriter {
        try base?.checkIsKept(whenWriting: path)
        try base?.checkDepth(of: path)
        return try CheckpointWriter(file: OutputFile.create(at: path), options: options, base: base)
    }

    /// Begins a checkpoint on a descriptor that is only ever written to: a pipe, or standard output. The
    /// caller closes it; bytes of a checkpoint that is given up stay written.
    ///
    /// - Parameters:
    ///   - descriptor: Open for writing.
    ///   - path: The name for messages.
    ///   - options: How to encode.
    public static func stream(
        to descriptor: FileDescriptor, path: FilePath, options: WriterOptions = WriterOptions(),
        base: (any DeltaBase)? = nil
    ) throws(CheckpointError) -> CheckpointWriter {
        try base?.checkDepth(of: path)
        return try CheckpointWriter(file: OutputFile.stream(to: descriptor, path: path), options: options, base: base)
    }

    /// Begins a checkpoint whose system calls are replaced, for tests.
    package static func create(
        at path: FilePath, options: WriterOptions, base: (any DeltaBase)? = nil, operations: FileOperations
    ) throws(CheckpointError) -> CheckpointWriter {
        try base?.checkIsKept(whenWriting: path)
        try base?.checkDepth(of: path)
        return try CheckpointWriter(
            file: OutputFile.create(at: path, operations: operations), options: options, base: base)
    }

    /// Writes what a delta says of its base.
    private func write(_ base: any DeltaBase) throws(CheckpointError) {
        let body = BaseReference(
            weightsDigest: try base.baseWeightsDigest(),
            pathHint: BaseReference.hint(from: file.path, to: base.path)
        ).encoded()
        let section = SectionHeader.section(.base, body: body, at: file.byteCount)
        entries.append(
            FileIndex.Entry(
                kind: .base, range: file.byteCount..<file.byteCount + section.count, bodyDigest: XXH3.hash128(body),
                tensor: nil))
        try file.write(section)
    }

    /// Sets a metadata value; a key that is set again keeps its place.
    public func setMetadata(_ key: String, _ value: MetadataValue) { metadata[key] = value }

    /// Writes a whole tensor.
    ///
    /// - Parameters:
    ///   - description: Name (unique in the file), type, shape, role.
    ///   - bytes: The little-endian row-major content.
    /// - Throws: ``CheckpointError``; the writer is of no further use then.
    public func append(_ description: TensorDescription, bytes: RawSpan) throws(CheckpointError) {
        try beginTensor(description)
        try write(bytes)
        try endTensor()
    }

    /// Writes a tensor piece by piece, each filled in by the caller.
    ///
    /// - Parameters:
    ///   - description: Name (unique in the file), type, shape, role.
    ///   - fill: Is given a range of the content and bytes, zero at first, to put it into.
    /// - Throws: ``CheckpointError``, or what `fill` throws; the writer is of no further use then.
    public func append(
        _ description: TensorDescription,
        filling fill: (_ byteRange: Range<Int>, _ bytes: inout MutableRawSpan) throws -> Void
    ) throws {
        try beginTensor(description)
        do {
            var piece = [UInt8](repeating: 0, count: min(options.chunkByteCount, description.byteCount))
            var offset = 0
            while offset < description.byteCount {
                let range = offset..<min(offset + options.chunkByteCount, description.byteCount)
                piece.resize(to: range.count)
                var span = piece.mutableSpan
                var bytes = unsafe span.mutableBytes
                try fill(range, &bytes)
                try write(bytes.bytes)
                offset = range.upperBound
            }
        } catch {
            giveUp()
            throw error
        }
        try endTensor()
    }

    /// Begins a tensor whose content follows in calls of ``write(_:)``, up to ``endTensor()``.
    public func beginTensor(_ description: TensorDescription) throws(CheckpointError) {
        try expect(.betweenTensors, "a tensor begins before the last one has ended")
        let name = description.name
        guard names.insert(name).inserted else {
            throw misuse(name, "two tensors have this name")
        }
        guard name.utf8.count <= Format.maximumNameByteCount, !name.utf8.contains(0) else {
            throw misuse(name, "the name is longer than \(Format.maximumNameByteCount) bytes or contains U+0000")
        }
        guard description.shape.rank <= Format.maximumRank else {
            throw misuse(name, "the rank \(description.shape.rank) is larger than \(Format.maximumRank)")
        }
        let head = TensorHead(
            description: description, chunkByteCount: options.chunkByteCount,
            baseDigest: try baseDigest(of: description))
        queue.append(
            QueuedTensor(head, digester: options.chunkByteCount == Format.leafByteCount ? nil : TensorDigester()))
        state = .inTensor
    }

    /// The digest of the base's tensor that this one is compared with; nil where there is none.
    private func baseDigest(of description: TensorDescription) throws(CheckpointError) -> Digest128? {
        guard let base, options.codec != .raw, description.byteCount > 0,
            let found = base.description(ofTensor: description.name),
            found.dtype == description.dtype, found.shape == description.shape
        else { return nil }
        do {
            return try base.contentDigest(ofTensor: description.name)
        } catch {
            giveUp()
            throw error
        }
    }

    /// Adds content to the tensor that was begun, in pieces of any size.
    public func write(_ bytes: RawSpan) throws(CheckpointError) {
        try expect(.inTensor, "content without a tensor")
        guard let open = queue.last else { return }
        let description = open.description
        let received = open.receivedByteCount
        guard bytes.byteCount <= description.byteCount - received else {
            throw misuse(description.name, "more content than the \(description.byteCount) bytes of \(description)")
        }
        open.receivedByteCount += bytes.byteCount
        open.digester?.update(bytes)
        let isLast = received + bytes.byteCount == description.byteCount
        try checked { () throws(CheckpointError) in try accept(bytes, from: received, isLast: isLast) }
    }

    /// Ends the tensor that was begun; all of its content must be there.
    public func endTensor() throws(CheckpointError) {
        try expect(.inTensor, "the end of a tensor that was not begun")
        guard let open = queue.last else { return }
        let description = open.description
        guard open.receivedByteCount == description.byteCount else {
            throw misuse(
                description.name,
                "\(open.receivedByteCount) bytes of content for the \(description.byteCount) of \(description)")
        }
        contentByteCount += description.byteCount
        state = .betweenTensors
        if queuedChunks.isEmpty { try checked { () throws(CheckpointError) in try writeEnded(queue.count) } }
    }

    /// Writes an optional section of a kind that only the caller knows.
    ///
    /// - Parameter detail: What the index says of it beyond place and digest.
    package func append(_ kind: SectionKind, body: [UInt8], detail: [UInt8]) throws(CheckpointError) {
        try expect(.betweenTensors, "a section inside a tensor")
        try checked { () throws(CheckpointError) in try flush() }
        let offset = file.byteCount
        let section = SectionHeader.section(kind, body: body, at: offset)
        try checked { () throws(CheckpointError) in try file.write(section) }
        entries.append(
            FileIndex.Entry(
                kind: kind, range: offset..<offset + section.count, bodyDigest: XXH3.hash128(body), tensor: nil,
                detail: detail))
    }

    /// Writes metadata, index and trailer, makes the file durable and gives it its name.
    ///
    /// - Returns: Sizes and digests of what was written.
    @discardableResult
    public func finish() throws(CheckpointError) -> CheckpointSummary {
        try expect(.betweenTensors, "the checkpoint is finished inside a tensor or twice")
        try checked { () throws(CheckpointError) in try flush() }
        let metadataBody = MetadataSection.encoded(metadata)
        let metadataOffset = file.byteCount
        let metadataSection = SectionHeader.section(.metadata, body: metadataBody, at: metadataOffset)
        let indexOffset = metadataOffset + metadataSection.count
        entries.append(
            FileIndex.Entry(
                kind: .metadata, range: metadataOffset..<indexOffset, bodyDigest: XXH3.hash128(metadataBody),
                tensor: nil))
        let index = FileIndex(headerChecksum: headerChecksum, entries: entries)
        let indexSection = SectionHeader.section(.index, body: index.encoded(), at: indexOffset)
        let trailer = FileTrailer(
            indexRange: indexOffset..<indexOffset + indexSection.count, fileDigest: XXH3.hash128(indexSection))
        try checked { () throws(CheckpointError) in
            try file.write(metadataSection)
            try file.write(indexSection)
            try file.write(trailer.encoded())
            try file.finish()
        }
        state = .finished
        return CheckpointSummary(
            path: file.path, byteCount: file.byteCount, contentByteCount: contentByteCount,
            tensorCount: entries.count { $0.tensor != nil }, fileDigest: trailer.fileDigest,
            weightsDigest: index.weightsDigest)
    }

    // Content is encoded in batches of as many chunks as there are slots. Whole batches are taken from the caller's bytes
    // directly; the rest waits in `pending`.

    private func accept(
        _ bytes: RawSpan, from start: Int, isLast: Bool
    ) throws(CheckpointError) {
        let chunkByteCount = options.chunkByteCount
        // Hashing alone is faster than a copy would be.
        let waits = options.codec != .raw && options.workerCount > 1
        var position = 0
        while position < bytes.byteCount {
            let rest = bytes.byteCount - position
            if queuedChunks.isEmpty, partialByteCount == 0,
                rest >= slots.count * chunkByteCount || (isLast && !waits)
            {
                let count = min(rest, slots.count * chunkByteCount)
                for offset in stride(from: 0, to: count, by: chunkByteCount) {
                    let range = offset..<min(offset + chunkByteCount, count)
                    enqueue(range, at: start + position + offset)
                }
                try encode(bytes.extracting(position..<position + count))
                position += count
                continue
            }
            let count = min(chunkByteCount - partialByteCount, rest)
            pending.append(bytes.extracting(position..<position + count))
            partialByteCount += count
            position += count
            guard partialByteCount == chunkByteCount || (isLast && position == bytes.byteCount) else { continue }
            enqueue(pending.count - partialByteCount..<pending.count, at: start + position - partialByteCount)
            partialByteCount = 0
            if queuedChunks.count == slots.count || (!waits && isLast && position == bytes.byteCount) { try flush() }
        }
    }

    /// Adds a chunk of the last tensor, which lies in the bytes that are encoded next.
    private func enqueue(_ range: Range<Int>, at contentStart: Int) {
        queuedChunks.append(
            QueuedChunk(
                tensor: queue.count - 1, contentRange: contentStart..<contentStart + range.count, range: range))
    }

    /// Encodes and writes all chunks that wait, and ends the tensors that are complete.
    private func flush() throws(CheckpointError) {
        try pending.withBytes { bytes throws(CheckpointError) in try encode(bytes) }
        pending.removeAll()
    }

    /// Encodes and writes the queued chunks.
    private func encode(_ bytes: RawSpan) throws(CheckpointError) {
        let failures = FirstFailure()
        let isRaw = options.codec == .raw
        let chunks = queuedChunks
        let heads = chunks.map { queue[$0.tensor].head }
        ParallelTasks.run(taskCount: chunks.count, workerCount: encoders.count) { task, worker in
            guard !failures.isSet else { return }
            let description = heads[task].description
            do throws(CheckpointError) {
                try encoders[worker].encode(
                    bytes.extracting(chunks[task].range), planes: description.dtype.planes,
                    patternByteCount: description.dtype.block.byteCount, isRaw: isRaw,
                    base: heads[task].baseDigest == nil
                        ? nil
                        : base.map {
                            ChunkEncoder.Base(source: $0, tensor: description, range: chunks[task].contentRange)
                        },
                    into: slots[task])
            } catch {
                failures.set(error, at: task)
            }
        }
        if let failure = failures.value { throw failure }
        var endedCount = 0
        for (chunk, slot) in zip(chunks, slots) {
            try writeEnded(chunk.tensor - endedCount)
            endedCount = chunk.tensor
            let tensor = queue[0]
            try writeHead(of: tensor)
            tensor.chunks.append(slot.entry)
            if slot.codec == .raw {
                try file.write(bytes.extracting(chunk.range))
            } else {
                try slot.withBytes { bytes throws(CheckpointError) in try file.write(bytes) }
            }
        }
        queuedChunks.removeAll(keepingCapacity: true)
        try writeEnded(state == .inTensor ? queue.count - 1 : queue.count)
    }

    private func writeHead(of tensor: QueuedTensor) throws(CheckpointError) {
        guard tensor.recordOffset == nil else { return }
        tensor.recordOffset = file.byteCount
        try file.write(SectionHeader.section(.tensor, body: tensor.head.encoded(), at: file.byteCount))
    }

    /// Writes the first tensors of the queue to their end, all of whose chunks are written, and takes them out.
    private func writeEnded(_ count: Int) throws(CheckpointError) {
        for tensor in queue.prefix(count) {
            try writeHead(of: tensor)
            let table = ChunkTable(
                recordOffset: tensor.recordOffset ?? 0, digest: tensor.digest, headDigest: tensor.headDigest,
                entries: tensor.chunks)
            let record = TensorRecord(head: tensor.head, table: table)
            try file.write([UInt8](repeating: 0, count: record.tableOffset - file.byteCount))
            try file.write(SectionHeader.section(.chunkTable, body: table.encoded(), at: record.tableOffset))
            entries.append(
                FileIndex.Entry(kind: .tensor, range: record.range, bodyDigest: tensor.headDigest, tensor: record))
        }
        queue.removeFirst(count)
    }

    // Failures.

    private func expect(_ expected: State, _ problem: String) throws(CheckpointError) {
        guard state == expected else {
            let text = state == .failed ? "the checkpoint was given up after an error" : problem
            giveUp()
            throw CheckpointError(.invalid, path: file.path, problem: text)
        }
    }

    private func misuse(_ tensor: String, _ problem: String) -> CheckpointError {
        giveUp()
        return CheckpointError(
            .invalid, path: file.path, place: CheckpointPlace(tensor: tensor), problem: problem)
    }

    private func checked(_ body: () throws(CheckpointError) -> Void) throws(CheckpointError) {
        do {
            try body()
        } catch {
            giveUp()
            throw error
        }
    }

    private func giveUp() {
        guard state != .finished else { return }
        state = .failed
        queue = []
        queuedChunks = []
        file.discard()
    }
}
