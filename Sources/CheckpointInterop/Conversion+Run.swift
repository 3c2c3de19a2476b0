public import CheckpointFormat
internal import Codecs
internal import OrderedCollections
public import SystemPackage
internal import TensorCore

extension Conversion {
    /// Writes the target, streaming in memory bounded by a few chunks.
    ///
    /// - Parameters:
    ///   - path: Where to write; what is there is replaced only by the complete file.
    ///   - options: How a crux file is encoded.
    ///   - shardByteCount: The largest size of a file, nil for one file. For crux it makes several files and, at `path`,
    ///     one that lists them; for safetensors `path` is a folder. Other formats have one file.
    ///   - base: What a crux file is stored against, which makes it a delta.
    ///   - verifies: Whether to read the finished file back and compare every tensor's digest and the metadata.
    ///   - progress: Called after each piece with the bytes done so far and the bytes in all; verifying counts
    ///     them a second time.
    /// - Throws: ``CheckpointError`` for the first loss unless the conversion is lossy, for damage in the source,
    ///   where the file cannot be written, and where what was read back differs.
    public func run(
        to path: FilePath, options: WriterOptions = WriterOptions(), shardByteCount: Int? = nil,
        base: (any DeltaBase)? = nil, verifies: Bool = true,
        progress: ((_ done: Int, _ total: Int) -> Void)? = nil
    ) throws(CheckpointError) -> Outcome {
        try checkLosses()
        if let base { try check(base) }
        try (source as? CruxSource)?.reader.base?.checkIsKept(whenWriting: path)
        var pass = Pass(
            total: contentByteCount * (verifies ? 2 : 1), workerCount: options.workerCount, report: progress)
        let digests =
            switch target {
            case .crux:
                try writeCrux(
                    to: path, options: options, shardByteCount: shardByteCount, base: base, pass: &pass)
            case .safetensors where shardByteCount != nil:
                try write(
                    ShardedSafetensorsWriter.create(
                        at: path, shardByteCount: shardByteCount ?? .max, metadata: metadata, tensors: tensors),
                    pass: &pass)
            case .safetensors:
                try write(
                    SafetensorsWriter.create(
                        at: path, metadata: TypedMetadata.strings(metadata: metadata, tensors: tensors),
                        tensors: tensors),
                    pass: &pass)
            case .gguf: try write(GGUFWriter.create(at: path, metadata: metadata, tensors: tensors), pass: &pass)
            case .npz: try write(NumPyWriter.archive(at: path, tensors: tensors), pass: &pass)
            case .npy: try write(NumPyWriter.array(at: path, tensor: try onlyTensor()), pass: &pass)
            }
        var bases = BaseSearch.standardOfAnyFormat
        bases.paths = base.map { [$0.path] } ?? []
        return try outcome(digests, at: path, bases: bases, verifies: verifies, pass: &pass)
    }

    /// Writes safetensors files of a limited size into a folder that the caller finishes.
    func run(
        into folder: OutputFolder, shardByteCount: Int, verifies: Bool,
        progress: ((_ done: Int, _ total: Int) -> Void)?
    ) throws(CheckpointError) -> Outcome {
        try checkLosses()
        var pass = Pass(
            total: contentByteCount * (verifies ? 2 : 1), workerCount: WriterOptions().workerCount, report: progress)
        let digests = try write(
            ShardedSafetensorsWriter(
                into: folder, finishesFolder: false, shardByteCount: shardByteCount, metadata: metadata,
                tensors: tensors),
            pass: &pass)
        return try outcome(
            digests, at: folder.unfinished, bases: .standardOfAnyFormat, verifies: verifies, pass: &pass)
    }

    private var contentByteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

    private func checkLosses() throws(CheckpointError) {
        guard !isLossy, let issue = issues.first(where: { $0.severity == .loss }) else { return }
        throw CheckpointError(
            .invalid, path: source.path,
            place: CheckpointPlace(tensor: issue.tensor, field: issue.metadataKey),
            problem: "cannot be converted: \(issue.problem)")
    }

    /// Opens what was written, and reads it back where that is asked for.
    private func outcome(
        _ digests: [String: Digest128], at path: FilePath, bases: BaseSearch, verifies: Bool, pass: inout Pass
    ) throws(CheckpointError) -> Outcome {
        let written = try CheckpointOpener.open(path, bases: bases)
        let writtenDigests = verifies ? try verify(written, digests: digests, pass: &pass) : [:]
        return Outcome(
            tensorCount: tensors.count,
            contentByteCount: contentByteCount,
            sourceByteCount: source.fileByteCount,
            targetByteCount: written.fileByteCount,
            weightsDigest: weightsDigest(digests),
            writtenWeightsDigest: verifies ? weightsDigest(writtenDigests) : nil,
            tensors: tensors.compactMap { tensor in
                digests[tensor.name].map { digest in
                    Tensor(
                        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, digest: digest,
                        writtenDigest: writtenDigests[tensor.name])
                }
            },
            issues: issues)
    }

    private func weightsDigest(_ digests: [String: Digest128]) -> Digest128 {
        ContentDigest.weights(
            of: tensors.filter { $0.role == .weight }.compactMap { tensor in
                digests[tensor.name].map { (name: tensor.name, digest: $0) }
            })
    }

    /// Checks that a delta against the base would refer to it at all.
    private func check(_ base: any DeltaBase) throws(CheckpointError) {
        let shared = source.tensors.contains { tensor in
            guard let other = base.description(ofTensor: tensor.name) else { return false }
            return other.dtype == tensor.dtype && other.shape == tensor.shape
        }
        guard shared else {
            throw CheckpointError(
                .wrongBase, path: base.path,
                problem: "has no tensor of the same name, type and shape as one of \(source.path)")
        }
    }

    /// The tensor of a file that can hold one.
    private func onlyTensor() throws(CheckpointError) -> TensorDescription {
        guard let tensor = tensors.first, tensors.count == 1 else {
            throw CheckpointError(
                .invalid, path: source.path, problem: "cannot be converted: a .npy file holds one array",
                comparison: .values(found: "\(tensors.count) tensors", expected: "1; write .npz"))
        }
        return tensor
    }

    private func writeCrux(
        to path: FilePath, options: WriterOptions, shardByteCount: Int?, base: (any DeltaBase)?, pass: inout Pass
    ) throws(CheckpointError) -> [String: Digest128] {
        let writer: any CheckpointOutput
        if let shardByteCount {
            guard base == nil else {
                throw CheckpointError(.invalid, path: path, problem: "a delta is one file and cannot have shards")
            }
            writer = try ShardedCheckpointWriter(
                at: path, tensors: tensors, maximumShardByteCount: shardByteCount, options: options)
        } else {
            writer = try CheckpointWriter.create(at: path, options: options, base: base)
        }
        for (key, value) in metadata { writer.setMetadata(key, value) }
        var digests: [String: Digest128] = [:]
        for tensor in tensors {
            try writer.beginTensor(tensor)
            digests[tensor.name] = try Self.digest(tensor, in: source, pass: &pass) { bytes throws(CheckpointError) in
                try writer.write(bytes)
            }
            try writer.endTensor()
        }
        try writer.finish()
        return digests
    }

    private func write(
        _ writer: any TensorFileWriter, pass: inout Pass
    ) throws(CheckpointError) -> [String: Digest128] {
        var digests: [String: Digest128] = [:]
        for tensor in writer.tensors {
            digests[tensor.name] = try Self.digest(tensor, in: source, pass: &pass) { bytes throws(CheckpointError) in
                try writer.write(bytes)
            }
        }
        try writer.finish()
        return digests
    }

    /// Reads a tensor once, for its digest and for `body`.
    private static func digest(
        _ tensor: TensorDescription, in source: any CheckpointSource, pass: inout Pass,
        _ body: (RawSpan) throws(CheckpointError) -> Void = { _ in }
    ) throws(CheckpointError) -> Digest128 {
        var digester = TensorDigester()
        try pass.reading.forEachChunk(of: tensor, in: source) { bytes throws(CheckpointError) in
            digester.update(bytes)
            try body(bytes)
            pass.add(bytes.byteCount)
        }
        return digester.finalize(dtype: tensor.dtype, shape: tensor.shape)
    }

    /// Reads the finished file back; returns the digests of its tensors, which are those of what was read.
    private func verify(
        _ written: any CheckpointSource, digests: [String: Digest128], pass: inout Pass
    ) throws(CheckpointError) -> [String: Digest128] {
        var writtenDigests: [String: Digest128] = [:]
        func difference(_ tensor: String?, _ field: String?, found: String, expected: String) -> CheckpointError {
            CheckpointError(
                .damaged, path: written.path, place: CheckpointPlace(tensor: tensor, field: field),
                problem: "what was written differs from \(source.path)",
                comparison: .values(found: found, expected: expected))
        }
        guard written.tensors.count == tensors.count else {
            throw difference(nil, nil, found: "\(written.tensors.count) tensors", expected: "\(tensors.count)")
        }
        for tensor in tensors {
            // The array of a .npy file is named as the file.
            let found = target == .npy ? written.tensors.first : written.tensor(named: tensor.name)
            let expected = self.written(tensor)
            guard let found, found == expected || target == .npy && found.shape == expected.shape else {
                throw difference(
                    tensor.name, nil, found: found?.description ?? "no such tensor",
                    expected: "\(tensor), \(tensor.role.name)")
            }
            let digest = try Self.digest(found, in: written, pass: &pass)
            guard digest == digests[tensor.name] else {
                throw difference(tensor.name, nil, found: digest.hex, expected: digests[tensor.name]?.hex ?? "another")
            }
            writtenDigests[tensor.name] = digest
        }
        guard written.metadata == metadata else {
            let keys = OrderedSet(Array(metadata.keys) + Array(written.metadata.keys))
            let key = keys.first { written.metadata[$0] != metadata[$0] }
            throw difference(nil, key ?? "metadata", found: "another value or order", expected: "the source's")
        }
        return writtenDigests
    }

    /// What the passes over the tensors have in common: the threads that read, and what is done for the caller's progress
    /// display.
    private struct Pass {
        let reading: ReadAhead
        private let total: Int
        private let report: ((_ done: Int, _ total: Int) -> Void)?
        private var done = 0

        init(total: Int, workerCount: Int, report: ((_ done: Int, _ total: Int) -> Void)?) {
            reading = ReadAhead(workerCount: workerCount)
            self.total = total
            self.report = report
        }

        mutating func add(_ byteCount: Int) {
            done += byteCount
            report?(done, total)
        }
    }
}
