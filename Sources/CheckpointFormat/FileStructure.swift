internal import Codecs
internal import OrderedCollections
internal import SystemPackage

/// Where everything lies in a file: header, trailer and index, read and checked when it is opened.
struct FileStructure {
    let header: FileHeader
    let trailer: FileTrailer
    let index: FileIndex

    init(_ file: InputFile) throws(CheckpointError) {
        let block = Format.blockByteCount
        let path = file.path
        guard file.byteCount >= block else { throw try Self.tooShort(file) }
        header = try FileHeader.decode(try file.read(0..<block), path: path)
        // Header, metadata section, index section and trailer are the least a file can have.
        guard file.byteCount >= 4 * block else {
            throw CheckpointError(
                .truncated, path: path, problem: "the file ends before its content does",
                comparison: .values(found: "\(file.byteCount) bytes", expected: "at least \(4 * block) bytes"))
        }
        trailer = try FileTrailer.decode(
            try file.read(file.byteCount - block..<file.byteCount), fileByteCount: file.byteCount, path: path)
        index = try Self.readIndex(file, trailer, header)
    }

    private static func readIndex(
        _ file: InputFile, _ trailer: FileTrailer, _ header: FileHeader
    ) throws(CheckpointError) -> FileIndex {
        let path = file.path
        let range = trailer.indexRange
        let bytes = try file.read(range)
        let place = CheckpointPlace(section: "index")
        let computed = XXH3.hash128(bytes)
        guard computed == trailer.fileDigest else {
            throw CheckpointError.checksumMismatch(
                path: path, place: CheckpointPlace(section: "index", byteRange: range),
                stored: trailer.fileDigest.hex, computed: computed.hex)
        }
        let body = try sectionBody(bytes, kind: .index, range: range, digest: nil, path: path, place: place)
        var decoder = ByteDecoder(
            body, path: path, place: place, fileOffset: range.lowerBound + Format.blockByteCount)
        let index = try FileIndex.decode(
            &decoder, indexOffset: range.lowerBound, features: header.requiredFeatures)
        guard index.headerChecksum == header.checksum else {
            throw CheckpointError.checksumMismatch(
                path: path, place: CheckpointPlace(section: "header", byteRange: 0..<Format.blockByteCount),
                stored: hexadecimal(index.headerChecksum), computed: hexadecimal(header.checksum))
        }
        let features = header.requiredFeatures
        for (kind, name, feature) in [
            (SectionKind.base, "base", CheckpointFeatures.deltas), (.shards, "shard", .shards),
        ] {
            let count = index.entries.count(where: { $0.kind == kind })
            let expected = features.contains(feature) ? 1 : 0
            guard count == expected else {
                throw CheckpointError(
                    .invalid, path: path, place: CheckpointPlace(section: "index", field: "entries"),
                    problem:
                        "there must be one \(name) section where the header has the feature '\(feature)', else none",
                    comparison: .values(found: "\(count)", expected: "\(expected)"))
            }
        }
        guard !features.isSuperset(of: [.deltas, .shards]) else {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(section: "header", field: "required features"),
                problem: "a file that lists shards has nothing to store as a delta",
                comparison: .values(found: "\(features)", expected: "one of them"))
        }
        return index
    }

    /// Reads and checks the metadata section.
    func readMetadata(_ file: InputFile) throws(CheckpointError) -> Metadata {
        guard var decoder = try decoder(of: .metadata, "metadata", in: file) else {
            throw CheckpointError(
                .invalid, path: file.path, place: CheckpointPlace(section: "index"),
                problem: "there is no metadata section")
        }
        return try MetadataSection.decode(&decoder)
    }

    /// Reads and checks what a delta says of its base; nil for a file that is no delta.
    func readBase(_ file: InputFile) throws(CheckpointError) -> BaseReference? {
        guard var decoder = try decoder(of: .base, "base", in: file) else { return nil }
        return try BaseReference.decode(&decoder)
    }

    /// Reads and checks the list of shards; empty for a file that holds its tensors itself.
    func readShards(_ file: InputFile) throws(CheckpointError) -> [ShardReference] {
        guard var decoder = try decoder(of: .shards, "shards", in: file) else { return [] }
        return try ShardList.decode(&decoder)
    }

    /// The checked body of the section of a kind; nil for a file that has none.
    private func decoder(
        of kind: SectionKind, _ name: String, in file: InputFile
    ) throws(CheckpointError) -> ByteDecoder? {
        guard let entry = index.entries.first(where: { $0.kind == kind }) else { return nil }
        let place = CheckpointPlace(section: name)
        let body = try Self.sectionBody(
            try file.read(entry.range), kind: kind, range: entry.range, digest: entry.bodyDigest, path: file.path,
            place: place)
        return ByteDecoder(
            body, path: file.path, place: place, fileOffset: entry.range.lowerBound + Format.blockByteCount)
    }

    /// Opens the base of a delta; nil for a file that is no delta.
    func openBase(of file: InputFile, _ bases: BaseSearch) throws(CheckpointError) -> (any DeltaBase)? {
        guard let reference = try readBase(file) else { return nil }
        return try bases.base(for: reference, of: index.entries.compactMap { $0.tensor?.stored }, in: file)
    }

    /// Checks a whole section, header, body and padding, and returns its body.
    ///
    /// - Parameters:
    ///   - bytes: The section as it lies in the file.
    ///   - kind: The kind that the index, or the trailer, promises.
    ///   - range: Where the section lies.
    ///   - digest: The body's digest according to the index, where there is one.
    ///   - place: What the section is, for messages.
    static func sectionBody(
        _ bytes: [UInt8], kind: SectionKind, range: Range<Int>, digest: Digest128?, path: FilePath,
        place: CheckpointPlace
    ) throws(CheckpointError) -> [UInt8] {
        let header = try SectionHeader.decode(bytes, at: range.lowerBound, path: path, place: place)
        guard header.kind == kind else {
            var place = place
            place.field = "section kind"
            place.byteRange = range.lowerBound + 8..<range.lowerBound + 12
            throw CheckpointError(
                .invalid, path: path, place: place, problem: "another kind of section",
                comparison: .values(found: "\(header.kind)", expected: "\(kind)"))
        }
        guard header.range == range else {
            var place = place
            place.field = "body byte count"
            place.byteRange = range.lowerBound + 16..<range.lowerBound + 24
            throw CheckpointError(
                .invalid, path: path, place: place, problem: "the section has another size",
                comparison: .values(found: "\(header.range.count)", expected: "\(range.count)"))
        }
        let bodyRange = Format.blockByteCount..<Format.blockByteCount + header.bodyByteCount
        let computed = XXH3.hash128(unsafe bytes.span.bytes.extracting(bodyRange))
        let stored = digest ?? header.bodyDigest
        guard computed == header.bodyDigest, computed == stored else {
            var place = place
            place.byteRange = range.lowerBound + bodyRange.lowerBound..<range.lowerBound + bodyRange.upperBound
            throw CheckpointError.checksumMismatch(
                path: path, place: place,
                stored: (computed == stored ? header.bodyDigest : stored).hex, computed: computed.hex)
        }
        try checkPadding(bytes[bodyRange.upperBound...], at: range.lowerBound + bodyRange.upperBound, path, place)
        return Array(bytes[bodyRange])
    }

    /// Checks that padding is zero.
    static func checkPadding(
        _ bytes: ArraySlice<UInt8>, at offset: Int, _ path: FilePath, _ place: CheckpointPlace
    ) throws(CheckpointError) {
        guard let index = bytes.firstIndex(where: { $0 != 0 }) else { return }
        let position = offset + index - bytes.startIndex
        var place = place
        place.field = "padding"
        place.byteRange = position..<position + 1
        throw CheckpointError(
            .damaged, path: path, place: place, problem: "the bytes must be zero",
            comparison: .values(found: "\(bytes[index])", expected: "0"))
    }

    private static func tooShort(_ file: InputFile) throws(CheckpointError) -> CheckpointError {
        let bytes = try file.read(0..<file.byteCount)
        let isStart = bytes.starts(with: Format.headerMagic.prefix(bytes.count)) && !bytes.isEmpty
        return CheckpointError(
            isStart ? .truncated : .notACheckpoint, path: file.path,
            place: CheckpointPlace(section: "header", byteRange: isStart ? 0..<file.byteCount : nil),
            problem: isStart ? "the file ends inside its header" : "this is not a crux checkpoint",
            comparison: .values(found: "\(file.byteCount) bytes", expected: "at least 64 bytes"))
    }
}
