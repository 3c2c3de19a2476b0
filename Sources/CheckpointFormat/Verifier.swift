internal import Codecs
internal import Synchronization
public import SystemPackage
public import TensorCore

/// Proves that a checkpoint is as it was written.
public enum Verifier {
    /// Reads every byte of a file and checks it against the hash tree, or against the value it must have.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - mode: Whether chunks are decoded as well.
    ///   - bases: Where the base of a delta is looked for. Where there is none, what is stored is checked all the same,
    ///     and the report says so in ``VerificationReport/missingBase``.
    ///   - workerCount: The threads that check; all processors where nil.
    ///   - progress: Is told the bytes checked so far and all bytes; one call at a time, from any thread.
    ///   - content: Is given every chunk of content that was right, in mode `full`; in no order, from any thread.
    public static func verify(
        path: FilePath, mode: VerificationReport.Mode = .full, bases: BaseSearch = .standard, workerCount: Int? = nil,
        progress: (@Sendable (_ checkedByteCount: Int, _ byteCount: Int) -> Void)? = nil,
        content: (@Sendable (_ tensor: TensorDescription, _ bytes: RawSpan) -> Void)? = nil
    ) -> VerificationReport {
        var report = VerificationReport(path: path.string, mode: mode)
        do throws(CheckpointError) {
            let file = try InputFile(path: path)
            report.byteCount = file.byteCount
            let structure = try FileStructure(file)
            report.base = try structure.readBase(file)
            var base: (any DeltaBase)?
            if mode == .full {
                do throws(CheckpointError) {
                    base = try structure.openBase(of: file, bases)
                } catch {
                    guard error.kind == .missing else { throw error }
                    report.missingBase = error.problem
                }
            }
            let verification = Verification(
                file: file, structure: structure, mode: mode, base: base, content: content, progress: progress)
            report.formatVersion = Int(structure.header.writeVersion)
            report.fileDigest = structure.trailer.fileDigest
            report.weightsDigest = structure.index.weightsDigest
            report.tensorCount = verification.tensors.count
            report.chunkCount = verification.tensors.reduce(0) { $0 + $1.chunks.count }
            verification.run(workerCount: workerCount ?? Platform.processorCount)
            for failure in verification.sortedFailures { report.add(failure) }
            // What is wrong with the list itself has been found already.
            if let shards = try? structure.readShards(file), !shards.isEmpty {
                check(
                    shards, of: file, weightsDigest: structure.index.weightsDigest, workerCount: workerCount,
                    progress: progress, content: content, into: &report)
            }
        } catch {
            report.add(error)
        }
        return report
    }
}

extension Verifier {
    /// Checks each shard as a file of its own, and that together they are what the file that lists them says.
    private static func check(
        _ shards: [ShardReference], of list: InputFile, weightsDigest: Digest128, workerCount: Int?,
        progress: (@Sendable (_ checkedByteCount: Int, _ byteCount: Int) -> Void)?,
        content: (@Sendable (_ tensor: TensorDescription, _ bytes: RawSpan) -> Void)?,
        into report: inout VerificationReport
    ) {
        let byteCount = shards.reduce(list.byteCount) { $0.addingReportingOverflow($1.byteCount).partialValue }
        var checkedByteCount = list.byteCount
        var names: Set<String> = []
        var weights: [(name: String, digest: Digest128)] = []
        var isComplete = true
        for shard in shards {
            let done = checkedByteCount
            func failed(_ error: CheckpointError) {
                var place = error.place
                place.section = "shard '\(shard.name)'" + (place.section.map { ", \($0)" } ?? "")
                report.add(error.at(place))
                isComplete = false
            }
            do throws(CheckpointError) {
                let (file, structure) = try list.openShard(shard)
                var told: (@Sendable (Int, Int) -> Void)?
                if let progress { told = { checked, _ in progress(done + checked, byteCount) } }
                let verification = Verification(
                    file: file, structure: structure, mode: report.mode, base: nil, content: content, progress: told)
                verification.run(workerCount: workerCount ?? Platform.processorCount)
                for failure in verification.sortedFailures { failed(failure) }
                for tensor in verification.tensors {
                    if !names.insert(tensor.name).inserted {
                        failed(
                            CheckpointError(
                                .invalid, path: file.path, place: CheckpointPlace(tensor: tensor.name),
                                problem: "a tensor of another shard has this name"))
                    }
                    if tensor.description.role == .weight { weights.append((tensor.name, tensor.digest)) }
                }
                report.tensorCount += verification.tensors.count
                report.chunkCount += verification.tensors.reduce(0) { $0 + $1.chunks.count }
                report.byteCount += file.byteCount
            } catch {
                failed(error)
            }
            checkedByteCount += shard.byteCount
        }
        let computed = ContentDigest.weights(of: weights)
        if isComplete, computed != weightsDigest {
            report.add(
                .checksumMismatch(
                    path: list.path, place: CheckpointPlace(section: "index", field: "weights digest"),
                    stored: weightsDigest.hex, computed: computed.hex))
        }
    }
}

/// One verification under way.
private final class Verification: Sendable {
    let file: InputFile
    let structure: FileStructure
    let mode: VerificationReport.Mode
    let base: (any DeltaBase)?
    let tensors: [StoredTensor]
    private let content: (@Sendable (TensorDescription, RawSpan) -> Void)?
    private let progress: (@Sendable (Int, Int) -> Void)?
    private let state = Mutex<(failures: [CheckpointError], checkedByteCount: Int)>(([], 0))

    /// A part of the work that one thread does.
    private enum Task {
        case structure(FileIndex.Entry)
        case chunk(tensor: Int, chunk: Int)
        /// All chunks of a tensor whose digest's leaves are not its chunks.
        case tensor(Int)
    }

    init(
        file: InputFile, structure: FileStructure, mode: VerificationReport.Mode, base: (any DeltaBase)?,
        content: (@Sendable (TensorDescription, RawSpan) -> Void)?, progress: (@Sendable (Int, Int) -> Void)?
    ) {
        self.file = file
        self.structure = structure
        self.mode = mode
        self.content = content
        self.base = base
        self.progress = progress
        tensors = structure.index.entries.compactMap { $0.tensor?.stored }
    }

    var sortedFailures: [CheckpointError] {
        state.withLock { state in
            state.failures.sorted { left, right in
                (left.place.byteRange?.lowerBound ?? 0) < (right.place.byteRange?.lowerBound ?? 0)
            }
        }
    }

    func run(workerCount: Int) {
        var tasks: [Task] = structure.index.entries.map(Task.structure)
        for (index, tensor) in tensors.enumerated() {
            if mode == .full, tensor.chunkByteCount != Format.leafByteCount {
                tasks.append(.tensor(index))
            } else {
                tasks += tensor.chunks.indices.map { Task.chunk(tensor: index, chunk: $0) }
            }
        }
        let decoders = (0..<workerCount).map { _ in ChunkDecoder() }
        let buffers = (0..<workerCount).map { _ in ScratchBuffer() }
        ParallelTasks.run(taskCount: tasks.count, workerCount: workerCount) { index, worker in
            perform(tasks[index], decoders[worker], buffers[worker])
        }
    }

    private func perform(_ task: Task, _ decoder: ChunkDecoder, _ buffer: ScratchBuffer) {
        switch task {
        case .structure(let entry): check(entry)
        case .chunk(let tensor, let chunk):
            let tensor = tensors[tensor]
            attempt(byteCount: tensor.chunks[chunk].byteRange.count) { () throws(CheckpointError) in
                try check(tensor.chunks[chunk], of: tensor, decoder, buffer) { _ in }
            }
        case .tensor(let index): check(tensors[index], decoder, buffer)
        }
    }

    private func check(
        _ chunk: StoredChunk, of tensor: StoredTensor, _ decoder: ChunkDecoder, _ buffer: ScratchBuffer,
        _ body: (RawSpan) -> Void
    ) throws(CheckpointError) {
        // Raw bytes are the content, with one digest for both.
        let isDecoded = mode == .full && (chunk.codec != .raw || needsContent(of: tensor))
        guard isDecoded, base != nil || !chunk.codec.needsBase else {
            try decoder.checkDigest(chunk, ofTensor: tensor.name, in: file)
            return
        }
        try buffer.withMutableBytes(count: chunk.contentRange.count) { bytes throws(CheckpointError) in
            try decoder.read(chunk, of: tensor, from: file, base: base, into: &bytes)
            body(bytes.bytes)
            content?(tensor.description, bytes.bytes)
        }
    }

    /// Whether somebody asks for the tensor's bytes, or its digest has other leaves than its chunks.
    private func needsContent(of tensor: StoredTensor) -> Bool {
        content != nil || tensor.chunkByteCount != Format.leafByteCount
    }

    private func check(_ tensor: StoredTensor, _ decoder: ChunkDecoder, _ buffer: ScratchBuffer) {
        var digester = TensorDigester()
        // Without its base, a delta's content is not known.
        var isWhole = base != nil || !tensor.chunks.contains(where: \.codec.needsBase)
        for chunk in tensor.chunks {
            let succeeded = attempt(byteCount: chunk.byteRange.count) { () throws(CheckpointError) in
                try check(chunk, of: tensor, decoder, buffer) { digester.update($0) }
            }
            isWhole = isWhole && succeeded
        }
        // Without all of its content, a wrong digest would say nothing new.
        if isWhole {
            checkDigest(tensor, digester.finalize(dtype: tensor.description.dtype, shape: tensor.description.shape))
        }
    }

    private func checkDigest(_ tensor: StoredTensor, _ computed: Digest128) {
        guard computed != tensor.digest else { return }
        add(
            CheckpointError.checksumMismatch(
                path: file.path, place: CheckpointPlace(tensor: tensor.name, byteRange: tensor.recordRange),
                of: "the whole tensor", stored: tensor.digest.hex, computed: computed.hex))
    }

    /// Checks everything of a section but a tensor's chunks.
    private func check(_ entry: FileIndex.Entry) {
        attempt(byteCount: entry.tensor == nil ? entry.range.count : 0) { () throws(CheckpointError) in
            switch entry.kind {
            case .tensor: if let record = entry.tensor { checkRecord(record, entry) }
            case .metadata: _ = try structure.readMetadata(file)
            case .base: _ = try structure.readBase(file)
            case .shards: _ = try structure.readShards(file)
            case .past:
                let computed = try file.digest(of: entry.range)
                guard computed == entry.bodyDigest else {
                    throw CheckpointError.checksumMismatch(
                        path: file.path, place: CheckpointPlace(section: "past bytes", byteRange: entry.range),
                        stored: entry.bodyDigest.hex, computed: computed.hex)
                }
            default:
                _ = try FileStructure.sectionBody(
                    try file.read(entry.range), kind: entry.kind, range: entry.range, digest: entry.bodyDigest,
                    path: file.path, place: CheckpointPlace(section: "section '\(entry.kind)'"))
            }
        }
    }

    /// Checks a record's head, padding and chunk table against the index.
    private func checkRecord(_ record: TensorRecord, _ entry: FileIndex.Entry) {
        let name = record.head.description.name
        let head = CheckpointPlace(section: "record head", tensor: name)
        attempt(byteCount: record.dataOffset - record.range.lowerBound) { () throws(CheckpointError) in
            let range = record.range.lowerBound..<record.dataOffset
            let body = try FileStructure.sectionBody(
                try file.read(range), kind: .tensor, range: range, digest: entry.bodyDigest, path: file.path,
                place: head)
            try compare(body, record.head.encoded(), range, head)
        }
        let dataEnd = record.dataOffset + record.table.storedByteCount
        attempt(byteCount: record.tableOffset - dataEnd) { () throws(CheckpointError) in
            try FileStructure.checkPadding(
                try file.read(dataEnd..<record.tableOffset)[...], at: dataEnd, file.path, CheckpointPlace(tensor: name))
        }
        let table = CheckpointPlace(section: "chunk table", tensor: name)
        attempt(byteCount: record.range.upperBound - record.tableOffset) { () throws(CheckpointError) in
            let range = record.tableOffset..<record.range.upperBound
            let body = try FileStructure.sectionBody(
                try file.read(range), kind: .chunkTable, range: range, digest: nil, path: file.path, place: table)
            try compare(body, record.table.encoded(), range, table)
        }
        if record.head.chunkByteCount == Format.leafByteCount {
            let description = record.head.description
            checkDigest(
                record.stored,
                ContentDigest.tensor(
                    dtype: description.dtype, shape: description.shape, byteCount: description.byteCount,
                    leaves: record.table.entries.map(\.contentDigest)))
        }
    }

    /// Compares a body with what the index says about it.
    private func compare(
        _ body: [UInt8], _ expected: [UInt8], _ range: Range<Int>, _ place: CheckpointPlace
    ) throws(CheckpointError) {
        guard body != expected else { return }
        var place = place
        place.byteRange = range
        throw CheckpointError(.invalid, path: file.path, place: place, problem: "the index says something else")
    }

    @discardableResult
    private func attempt(byteCount: Int, _ body: () throws(CheckpointError) -> Void) -> Bool {
        var succeeded = true
        do throws(CheckpointError) {
            try body()
        } catch {
            add(error)
            succeeded = false
        }
        state.withLock { state in
            state.checkedByteCount += byteCount
            progress?(min(state.checkedByteCount, file.byteCount), file.byteCount)
        }
        return succeeded
    }

    private func add(_ error: CheckpointError) { state.withLock { $0.failures.append(error) } }
}
