internal import Codecs
internal import OrderedCollections
internal import Synchronization
public import SystemPackage
internal import TensorCore

/// Saves what is whole from a checkpoint that is damaged, cut off, or has lost its header, index or trailer.
///
/// An index that is whole says where everything lies. Without one the file is searched for sections, and the
/// tensors' records describe themselves (spec section 14). Nothing comes back that its digests do not prove.
public struct Salvage: Sendable {
    /// What comes back, and what does not.
    public let report: SalvageReport

    private let file: InputFile
    private let base: (any DeltaBase)?
    private let metadata: Metadata
    private let tensors: [PlacedTensor]
    private let sections: [KeptSection]

    /// An optional section that is carried over as it is.
    private struct KeptSection {
        let kind: SectionKind
        let body: [UInt8]
        let detail: [UInt8]
    }

    /// Searches a file and checks all that it finds; writes nothing.
    ///
    /// - Parameter workerCount: The threads that check; all processors where nil.
    /// - Throws: ``CheckpointError``: `missing` or `io` where the file cannot be read, `unsupportedVersion` where it
    ///   needs a newer reader, `notACheckpoint` where nothing in it is part of a crux checkpoint.
    public init(path: FilePath, workerCount: Int? = nil) throws(CheckpointError) {
        let file = try InputFile(path: path)
        var report = SalvageReport(path: path.string, byteCount: file.byteCount)
        let layout: SalvageLayout
        do throws(CheckpointError) {
            let structure = try FileStructure(file)
            guard !structure.header.requiredFeatures.contains(.shards) else {
                throw CheckpointError(
                    .io, path: path, problem: "lists shards and holds no tensors itself: repair each of its shards")
            }
            layout = SalvageLayout(structure)
        } catch {
            let isTooNew = error.kind == .unsupportedVersion && error.place.section == "header"
            guard error.kind != .io, error.kind != .missing, !isTooNew else { throw error }
            layout = try SalvageLayout(searching: file)
            let header = Self.failure { () throws(CheckpointError) in
                _ = try FileHeader.decode(try file.read(0..<Format.blockByteCount), path: path)
            }
            if layout.isEmpty, header != nil {
                throw CheckpointError(
                    .notACheckpoint, path: path, problem: "there is no whole part of a crux checkpoint in the file")
            }
            let trailer = Self.failure { () throws(CheckpointError) in
                let bytes = try file.read(max(0, file.byteCount - Format.blockByteCount)..<file.byteCount)
                _ = try FileTrailer.decode(bytes, fileByteCount: file.byteCount, path: path)
            }
            let failures = [header, trailer].compactMap { $0 }
            report.findings = (failures.isEmpty ? [error] : failures).map(Finding.init)
        }
        report.evidence = layout.evidence
        report.lost = layout.lost

        // Without its base, a delta's chunks that refer to it are lost, and are said to be.
        let base = layout.base(in: file)
        self.base = base
        let checked = Self.check(
            layout.tensors, in: file, base: base, workerCount: workerCount ?? Platform.processorCount)
        var names: Set<String> = []
        var intact: [PlacedTensor] = []
        for tensor in checked {
            let stored = tensor.tensor
            if let loss = tensor.loss {
                report.lost.append(loss)
            } else if !names.insert(stored.name).inserted {
                report.lost.append(
                    .init(
                        tensor: stored.description, byteRange: tensor.range, problem: "another tensor has this name"))
            } else {
                intact.append(tensor)
                report.tensors.append(
                    .init(
                        name: stored.name, dtype: stored.description.dtype.rawValue,
                        shape: stored.description.shape.dimensions, byteCount: stored.description.byteCount,
                        digest: stored.digest))
            }
        }

        var metadata = Metadata()
        do throws(CheckpointError) {
            if let found = try layout.metadata(in: file) {
                metadata = found
                report.metadataCount = found.count
            } else {
                report.lost.append(.init(.metadata, problem: "no metadata section is whole"))
            }
        } catch {
            report.lost.append(
                .init(.metadata, byteRange: error.place.byteRange, problem: Finding(error).description))
        }

        var sections: [KeptSection] = []
        for entry in layout.optionalEntries {
            do throws(CheckpointError) {
                let body = try layout.sectionBody(of: entry, in: file)
                sections.append(KeptSection(kind: entry.kind, body: body, detail: entry.detail))
            } catch {
                report.lost.append(
                    .init(
                        .section, name: "\(entry.kind)", byteRange: entry.range, problem: Finding(error).description))
            }
        }
        report.lost.sort { ($0.byteRange?.lowerBound ?? .max) < ($1.byteRange?.lowerBound ?? .max) }
        self.report = report
        self.file = file
        self.metadata = metadata
        self.tensors = intact
        self.sections = sections
    }

    /// The metadata key that lists, in a checkpoint that was written with losses, what it lacks (array of strings).
    public static let lostKey = "repair.lost"

    /// Writes what comes back as a new checkpoint, as a whole or not at all.
    ///
    /// - Parameters:
    ///   - path: The new file; not the broken one.
    ///   - options: How it is encoded; as the broken file was where nil.
    /// - Returns: Sizes and digests of what was written.
    /// - Throws: ``CheckpointError``: `missing` where nothing comes back, `io` where the file cannot be written.
    @discardableResult
    public func write(to path: FilePath, options: WriterOptions? = nil) throws(CheckpointError) -> CheckpointSummary {
        guard !report.isEmpty else {
            throw CheckpointError(.missing, path: file.path, problem: "nothing in the file is whole")
        }
        let writer = try CheckpointWriter.create(at: path, options: options ?? storedOptions)
        for (key, value) in metadata { writer.setMetadata(key, value) }
        if !report.isComplete { writer.setMetadata(Self.lostKey, lostNames) }
        let decoder = ChunkDecoder()
        let content = ScratchBuffer()
        for tensor in tensors {
            try writer.beginTensor(tensor.tensor.description)
            for chunk in tensor.tensor.chunks {
                try content.withMutableBytes(count: chunk.contentRange.count) { bytes throws(CheckpointError) in
                    try decoder.read(chunk, of: tensor.tensor, from: file, base: base, into: &bytes)
                    try writer.write(bytes.bytes)
                }
            }
            try writer.endTensor()
        }
        for section in sections { try writer.append(section.kind, body: section.body, detail: section.detail) }
        return try writer.finish()
    }

    /// Raw stays raw, so that it can be mapped; chunks keep their size where all have the same.
    private var storedOptions: WriterOptions {
        let chunkByteCounts = Set(tensors.map(\.tensor.chunkByteCount))
        let isRaw = !tensors.isEmpty && tensors.allSatisfy { $0.tensor.isContiguous }
        var options = WriterOptions(codec: isRaw ? .raw : .best)
        if chunkByteCounts.count == 1, let count = chunkByteCounts.first { options.chunkByteCount = count }
        return options
    }

    private var lostNames: MetadataValue {
        let names = report.lost.map { loss in loss.name.map { "\(loss.part.rawValue) \($0)" } ?? loss.part.rawValue }
        guard let array = MetadataArray(elementType: .string, elements: names.map(MetadataValue.string)) else {
            return .string(names.joined(separator: ", "))
        }
        return .array(array)
    }

    // Checking.

    private static func failure(_ body: () throws(CheckpointError) -> Void) -> CheckpointError? {
        do throws(CheckpointError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    private static func check(_ tensors: [PlacedTensor], in file: InputFile, base: (any DeltaBase)?, workerCount: Int)
        -> [PlacedTensor]
    {
        struct Task {
            let tensor: Int
            let chunk: Int
        }
        struct Outcome {
            var places: [Range<Int>?]
            var failures: [(chunk: Int, error: CheckpointError)] = []
        }
        let tasks = tensors.enumerated().flatMap { index, tensor in
            tensor.tensor.chunks.indices.map { Task(tensor: index, chunk: $0) }
        }
        let outcomes = Mutex(tensors.map { Outcome(places: Array(repeating: nil, count: $0.tensor.chunks.count)) })
        let decoders = (0..<workerCount).map { _ in ChunkDecoder() }
        let contents = (0..<workerCount).map { _ in ScratchBuffer() }
        ParallelTasks.run(taskCount: tasks.count, workerCount: workerCount) { index, worker in
            let task = tasks[index]
            do throws(CheckpointError) {
                let place = try tensors[task.tensor].place(
                    ofChunk: task.chunk, in: file, base: base, decoders[worker], contents[worker])
                outcomes.withLock { $0[task.tensor].places[task.chunk] = place }
            } catch {
                outcomes.withLock { $0[task.tensor].failures.append((task.chunk, error)) }
            }
        }
        let results = outcomes.withLock { $0 }
        var checked = zip(tensors, results).map { tensor, outcome in
            tensor.placed(
                at: outcome.places, failures: outcome.failures.sorted { $0.chunk < $1.chunk }.map(\.error))
        }
        for index in checked.indices where checked[index].loss == nil {
            checked[index].checkDigest(in: file, base: base, decoders[0], contents[0])
        }
        return checked
    }
}
