internal import Codecs
internal import OrderedCollections
public import SystemPackage
public import TensorCore

/// Writes a checkpoint as several files and one that lists them, which is written last.
///
/// The shards of `model.crux` are `model-00001-of-00003.crux` …, in its folder; each is a checkpoint by itself. Files that
/// are there are never overwritten: where a name is taken, all get another one (`model.2-00001-of-00003.crux`), so that
/// what the old list names stays whole until the new list is in its place. Then the old one's shards are removed.
///
/// A writer that goes without ``finish()``, or whose calls threw, removes the shards that it has written. One thread at a
/// time.
public final class ShardedCheckpointWriter {
    private let path: FilePath
    private let options: WriterOptions
    private let plan: [[TensorDescription]]
    private let names: [String]
    private var metadata = Metadata()
    private var writer: CheckpointWriter?
    /// The shard that is written, and the tensors of it that are begun.
    private var position = (shard: 0, tensor: 0)
    private var shards: [ShardReference] = []
    private var weights: [(name: String, digest: Digest128)] = []
    private var contentByteCount = 0
    private var isFinished = false

    /// Begins a checkpoint.
    ///
    /// - Parameters:
    ///   - path: The file that will list the shards.
    ///   - tensors: All tensors, which then must be written in this order.
    ///   - maximumShardByteCount: The largest size of a shard; a tensor that is larger gets one of its own.
    ///   - options: How it is encoded.
    /// - Throws: ``CheckpointError`` of kind `invalid` for a path whose name is too long for shards' names, and for
    ///   tensors of one name; `io`.
    public init(
        at path: FilePath, tensors: [TensorDescription], maximumShardByteCount: Int,
        options: WriterOptions = WriterOptions()
    ) throws(CheckpointError) {
        self.path = path
        self.options = options
        plan =
            ShardPlan(tensors, maximumByteCount: maximumShardByteCount, chunkByteCount: options.chunkByteCount).shards
        var unique: Set<String> = []
        for tensor in tensors where !unique.insert(tensor.name).inserted {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(tensor: tensor.name),
                problem: "two tensors have this name")
        }
        names = try Self.freeNames(beside: path, count: plan.count)
    }

    deinit { if !isFinished { discard() } }

    /// Names that no file has yet.
    private static func freeNames(beside path: FilePath, count: Int) throws(CheckpointError) -> [String] {
        func digits(_ number: Int) -> String {
            let text = "\(number)"
            return String(repeating: "0", count: max(0, 5 - text.count)) + text
        }
        let folder = path.removingLastComponent()
        for attempt in 1... {
            let stem = (path.stem ?? "checkpoint") + (attempt == 1 ? "" : ".\(attempt)")
            let names = (1...count).map { "\(stem)-\(digits($0))-of-\(digits(count)).crux" }
            guard names.allSatisfy(ShardReference.isName) else { break }
            if !names.contains(where: { (try? Stat(folder.appending($0))) != nil }) { return names }
        }
        throw CheckpointError(.invalid, path: path, problem: "the name is too long for the names of shards")
    }

    /// Sets a metadata value; a key that is set again keeps its place.
    public func setMetadata(_ key: String, _ value: MetadataValue) { metadata[key] = value }

    /// Writes a whole tensor, the next of the plan.
    public func append(_ description: TensorDescription, bytes: RawSpan) throws(CheckpointError) {
        try beginTensor(description)
        try write(bytes)
        try endTensor()
    }

    /// Begins the next tensor of the plan; its content follows in calls of ``write(_:)``, up to ``endTensor()``.
    public func beginTensor(_ description: TensorDescription) throws(CheckpointError) {
        if position.tensor == plan[position.shard].count, position.shard + 1 < plan.count {
            try finishShard()
            position = (position.shard + 1, 0)
        }
        guard plan[position.shard].indices.contains(position.tensor),
            plan[position.shard][position.tensor] == description
        else {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(tensor: description.name),
                problem: "the tensor is not the next one of those that were announced")
        }
        position.tensor += 1
        contentByteCount += description.byteCount
        try openShard().beginTensor(description)
    }

    /// Adds content to the tensor that was begun, in pieces of any size.
    public func write(_ bytes: RawSpan) throws(CheckpointError) { try openShard().write(bytes) }

    /// Ends the tensor that was begun; all of its content must be there.
    public func endTensor() throws(CheckpointError) { try openShard().endTensor() }

    private func openShard() throws(CheckpointError) -> CheckpointWriter {
        if let writer { return writer }
        let writer = try CheckpointWriter.create(
            at: path.removingLastComponent().appending(names[position.shard]), options: options)
        self.writer = writer
        return writer
    }

    private func finishShard() throws(CheckpointError) {
        // A shard has its name before the list has: it goes too where the process is told to end in between.
        UnfinishedPaths.creating(shardPath(names[position.shard])) {}
        let summary = try openShard().finish()
        writer = nil
        shards.append(
            ShardReference(name: names[position.shard], byteCount: summary.byteCount, fileDigest: summary.fileDigest))
        let written = try CheckpointReader(path: summary.path)
        weights += written.tensors.filter { $0.description.role == .weight }.map { ($0.name, $0.digest) }
    }

    /// Writes the last shard, then the file that lists all, and removes the shards of the list that was there before.
    ///
    /// - Returns: The sizes of all files together; the list's digests.
    @discardableResult
    public func finish() throws(CheckpointError) -> CheckpointSummary {
        guard position.shard == plan.count - 1, position.tensor == plan[position.shard].count, shards.count < plan.count
        else {
            throw CheckpointError(.invalid, path: path, problem: "the checkpoint is finished before its last tensor")
        }
        try finishShard()
        let superseded = Self.shards(listedBy: path)
        let file = try OutputFile.create(at: path)
        // From here on the shards may be listed, even where an error is reported: rather left over than missing.
        isFinished = true
        for shard in shards { UnfinishedPaths.forget(shardPath(shard.name)) }
        let summary = try writeList(to: file)
        for shard in superseded where !names.contains(shard.name) {
            try? Platform.remove(shardPath(shard.name))
        }
        return summary
    }

    /// What a file lists that is to be replaced; nothing where it is no whole list.
    private static func shards(listedBy path: FilePath) -> [ShardReference] {
        guard let file = try? InputFile(path: path), let structure = try? FileStructure(file) else { return [] }
        return (try? structure.readShards(file)) ?? []
    }

    private func writeList(to file: OutputFile) throws(CheckpointError) -> CheckpointSummary {
        var fields = FileHeader()
        fields.requiredFeatures = .shards
        let header = fields.encoded()
        var entries: [FileIndex.Entry] = []
        var offset = header.count
        var sections: [[UInt8]] = []
        for (kind, body) in [
            (SectionKind.shards, ShardList.encoded(shards)), (.metadata, MetadataSection.encoded(metadata)),
        ] {
            let section = SectionHeader.section(kind, body: body, at: offset)
            entries.append(
                FileIndex.Entry(
                    kind: kind, range: offset..<offset + section.count, bodyDigest: XXH3.hash128(body), tensor: nil))
            sections.append(section)
            offset += section.count
        }
        var index = FileIndex(
            headerChecksum: XXH3.hash64(unsafe header.span.bytes.extracting(first: Format.blockByteCount - 8)),
            entries: entries)
        index.weightsDigest = ContentDigest.weights(of: weights)
        let indexSection = SectionHeader.section(.index, body: index.encoded(), at: offset)
        let trailer = FileTrailer(
            indexRange: offset..<offset + indexSection.count, fileDigest: XXH3.hash128(indexSection))
        do throws(CheckpointError) {
            for part in [header] + sections + [indexSection, trailer.encoded()] { try file.write(part) }
            try file.finish()
        } catch {
            file.discard()
            throw error
        }
        return CheckpointSummary(
            path: path, byteCount: shards.reduce(file.byteCount) { $0 + $1.byteCount },
            contentByteCount: contentByteCount, tensorCount: plan.reduce(0) { $0 + $1.count },
            fileDigest: trailer.fileDigest, weightsDigest: index.weightsDigest)
    }

    private func discard() {
        writer = nil
        for shard in shards { try? Platform.remove(shardPath(shard.name)) }
        for name in names { UnfinishedPaths.forget(shardPath(name)) }
    }

    private func shardPath(_ name: String) -> FilePath { path.removingLastComponent().appending(name) }
}
