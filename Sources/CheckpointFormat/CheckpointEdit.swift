internal import Codecs
public import OrderedCollections
public import SystemPackage

/// Changes a checkpoint's metadata and leaves its tensors as they are.
///
/// The new metadata, index and trailer are appended to a copy of the file's bytes, which then takes the file's
/// place; tensors are neither decoded nor encoded, and unknown optional sections are kept.
public struct CheckpointEdit {
    /// The file.
    public let path: FilePath
    /// The metadata as the file holds it.
    public let current: Metadata
    /// The metadata to write.
    public var metadata: Metadata

    private let file: InputFile
    private let structure: FileStructure

    /// Opens a checkpoint for a change.
    ///
    /// - Throws: As ``CheckpointReader/init(path:)``.
    public init(path: FilePath) throws(CheckpointError) {
        file = try InputFile(path: path)
        structure = try FileStructure(file)
        self.path = path
        current = try structure.readMetadata(file)
        metadata = current
    }

    /// A key whose value the edit changes.
    public struct Change: Hashable, Sendable, Codable {
        /// The key.
        public let key: String
        /// The value that the file holds; nil for a new key.
        public let old: MetadataValue?
        /// The value to write; nil for a removed key.
        public let new: MetadataValue?
    }

    /// What ``save()`` would change: values first, in the order of the file, then new keys.
    public var changes: [Change] {
        let changed = current.compactMap { key, old in
            metadata[key] == old ? nil : Change(key: key, old: old, new: metadata[key])
        }
        let added = metadata.compactMap { key, new in
            current[key] == nil ? Change(key: key, old: nil, new: new) : nil
        }
        return changed + added
    }

    /// The value to write for a key, or nil where there is none.
    public func value(of key: String) -> MetadataValue? { metadata[key] }

    /// Sets a key's value; a new key is added at the end.
    public mutating func set(_ key: String, to value: MetadataValue) { metadata[key] = value }

    /// Removes a key and says whether it was there.
    public mutating func remove(_ key: String) -> Bool { metadata.removeValue(forKey: key) != nil }

    /// Puts the file with the new metadata in place of the old one, as a whole or not at all.
    ///
    /// - Throws: ``CheckpointError``; the old file is untouched then.
    public func save() throws(CheckpointError) { try save(operations: .system) }

    /// As ``save()``, with system calls that tests replace.
    package func save(operations: FileOperations) throws(CheckpointError) {
        if metadata.keys.contains("") {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(section: "metadata"), problem: "a key is empty")
        }
        var entries: [FileIndex.Entry] = []
        for entry in structure.index.entries {
            guard entry.kind == .metadata || entry.kind == .past else {
                entries.append(entry)
                continue
            }
            try addPast(entry.range, replacing: entry, to: &entries)
        }
        // The superseded index and its trailer.
        try addPast(structure.trailer.indexRange.lowerBound..<file.byteCount, replacing: nil, to: &entries)

        let body = MetadataSection.encoded(metadata)
        let section = SectionHeader.section(.metadata, body: body, at: file.byteCount)
        let indexOffset = file.byteCount + section.count
        entries.append(
            FileIndex.Entry(
                kind: .metadata, range: file.byteCount..<indexOffset, bodyDigest: XXH3.hash128(body), tensor: nil))
        var index = FileIndex(headerChecksum: structure.header.checksum, entries: entries)
        index.previousTrailerOffset = file.byteCount - Format.blockByteCount
        index.weightsDigest = structure.index.weightsDigest
        let indexSection = SectionHeader.section(.index, body: index.encoded(), at: indexOffset)
        let trailer = FileTrailer(
            indexRange: indexOffset..<indexOffset + indexSection.count, fileDigest: XXH3.hash128(indexSection))

        let output = try OutputFile.create(at: path, operations: operations)
        do throws(CheckpointError) {
            try output.write(contentOf: file)
            try output.write(section)
            try output.write(indexSection)
            try output.write(trailer.encoded())
            try output.finish()
        } catch {
            output.discard()
            throw error
        }
    }

    /// Lists bytes as past, joined with past bytes right before them. What the old index says of an entry's
    /// bytes is checked first, so that damage does not get a new, right digest.
    private func addPast(
        _ range: Range<Int>, replacing old: FileIndex.Entry?, to entries: inout [FileIndex.Entry]
    ) throws(CheckpointError) {
        if let old, old.kind == .past {
            let computed = try file.digest(of: range)
            guard computed == old.bodyDigest else {
                throw CheckpointError.checksumMismatch(
                    path: path, place: CheckpointPlace(section: "past bytes", byteRange: range),
                    stored: old.bodyDigest.hex, computed: computed.hex)
            }
        }
        var range = range
        if let last = entries.last, last.kind == .past {
            range = last.range.lowerBound..<range.upperBound
            entries.removeLast()
        }
        entries.append(
            FileIndex.Entry(kind: .past, range: range, bodyDigest: try file.digest(of: range), tensor: nil))
    }
}
