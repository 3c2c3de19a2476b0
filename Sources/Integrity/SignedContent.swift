public import CheckpointFormat
public import CheckpointInterop
internal import Crypto
internal import OrderedCollections
internal import Synchronization
internal import TensorCore

/// What a signature vouches for: the decoded content of a checkpoint, whatever file holds it.
///
/// Its text is signed byte for byte. Line 1 is `crux-signed-content 1`; then a line for each tensor and each metadata
/// key, sorted by name, with the SHA-256 of the tensor's little-endian row-major bytes, or of the value as typed JSON:
///
///     tensor <sha256> <dtype> [<d0>,<d1>,…] "<name>"
///     metadata <sha256> "<key>"
///
/// XXH3, which the format itself uses, finds damage; only a cryptographic hash withstands somebody who wants to
/// exchange a tensor unnoticed.
public struct SignedContent: Hashable, Sendable {
    /// One tensor or metadata key.
    public struct Entry: Hashable, Sendable {
        /// `tensor "wte.weight"` or `metadata "lineage.parent"`.
        public let name: String
        /// What is known of its content: hash, and a tensor's type and shape.
        public let content: String
    }

    /// The entries, tensors first, each kind sorted by the bytes of its names.
    public let entries: [Entry]

    /// The metadata key that a signature inside a checkpoint is stored under; it is not part of what is signed.
    public static let signatureKey = "crux.signature"
    private static let firstLine = "crux-signed-content 1"

    /// Reads a checkpoint whole and hashes it.
    ///
    /// - Parameter progress: Is told the bytes done and all bytes, one call at a time, from any thread.
    /// - Throws: What reading the checkpoint throws.
    public init(
        of source: any CheckpointSource, workerCount: Int,
        progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
    ) throws(CheckpointError) {
        let tensors = source.tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        let total = tensors.reduce(0) { $0 + $1.byteCount }
        let state = Mutex<(hashes: [String], done: Int, failure: CheckpointError?)>(
            (Array(repeating: "", count: tensors.count), 0, nil))
        ParallelTasks.run(taskCount: tensors.count, workerCount: workerCount) { index, _ in
            guard state.withLock({ $0.failure == nil }) else { return }
            do throws(CheckpointError) {
                let hash = try Self.hash(of: tensors[index], in: source)
                state.withLock { state in
                    state.hashes[index] = hash
                    state.done += tensors[index].byteCount
                    progress?(state.done, total)
                }
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
        let (hashes, failure) = state.withLock { ($0.hashes, $0.failure) }
        if let failure { throw failure }
        let ofTensors = zip(tensors, hashes).map { tensor, hash in
            let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
            return Entry(
                name: "tensor \(MetadataText.json(of: tensor.name))",
                content: "\(hash) \(tensor.dtype.rawValue) [\(shape)]")
        }
        let keys = source.metadata.keys.filter { $0 != Self.signatureKey }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let ofMetadata = keys.compactMap { key in
            source.metadata[key].map { value in
                Entry(
                    name: "metadata \(MetadataText.json(of: key))",
                    content: SHA256.hash(data: Array(MetadataText.json(of: value).utf8)).hexadecimal)
            }
        }
        entries = ofTensors + ofMetadata
    }

    /// The text that is signed.
    public var text: String {
        ([Self.firstLine] + entries.map(\.line)).joined(separator: "\n") + "\n"
    }

    /// Reads ``text`` back; nil where it is none.
    public init?(text: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == Substring(Self.firstLine), lines.last == "" else { return nil }
        lines.removeFirst()
        lines.removeLast()
        var entries: [Entry] = []
        for line in lines {
            guard let entry = Entry(line: line) else { return nil }
            entries.append(entry)
        }
        self.entries = entries
    }

    /// What differs from `other`, a line each; empty where both vouch for the same content.
    public func differences(from other: SignedContent) -> [String] {
        let theirs = Dictionary(other.entries.map { ($0.name, $0.content) }, uniquingKeysWith: { first, _ in first })
        let ours = Set(entries.map(\.name))
        var lines = entries.compactMap { entry -> String? in
            guard let content = theirs[entry.name] else { return "\(entry.name) was added" }
            return content == entry.content
                ? nil : "\(entry.name) was changed: found \(entry.content), signed \(content)"
        }
        lines += other.entries.filter { !ours.contains($0.name) }.map { "\($0.name) was removed" }
        return lines
    }

    private static func hash(of tensor: TensorDescription, in source: any CheckpointSource) throws(CheckpointError)
        -> String
    {
        var hasher = SHA256()
        var buffer: [UInt8] = []
        for chunk in 0..<source.storage(of: tensor).chunkCount {
            try source.readChunk(chunk, of: tensor, into: &buffer)
            hasher.update(data: buffer)
        }
        return hasher.finalize().hexadecimal
    }
}

extension SignedContent.Entry {
    fileprivate var line: String {
        let parts = name.split(separator: " ", maxSplits: 1)
        return "\(parts[0]) \(content) \(parts[1])"
    }

    fileprivate init?(line: Substring) {
        guard let quote = line.firstIndex(of: "\""), quote > line.startIndex,
            let space = line[..<quote].firstIndex(of: " "), line.index(before: quote) > space
        else { return nil }
        name = "\(line[..<space]) \(line[quote...])"
        content = String(line[line.index(after: space)..<line.index(before: quote)])
    }
}
