internal import Codecs
internal import OrderedCollections
internal import SystemPackage
internal import TensorCore

/// What a broken file is known to hold, and where: by its index, else by the sections that were found.
struct SalvageLayout {
    let evidence: SalvageReport.Evidence
    private(set) var tensors: [PlacedTensor] = []
    private(set) var lost: [SalvageReport.Loss] = []
    /// Entries of unknown optional sections.
    private(set) var optionalEntries: [FileIndex.Entry] = []
    private var displacements = [0]
    private var metadataEntry: FileIndex.Entry?
    private var metadataSection: FoundSection?
    private var baseEntry: FileIndex.Entry?
    private var baseSection: FoundSection?

    /// Whether no section was found.
    private(set) var isEmpty = false

    /// Of a file whose header, trailer and index are whole.
    init(_ structure: FileStructure) {
        evidence = .index
        add(structure.index.entries)
    }

    /// Of a file that must be searched.
    init(searching file: InputFile) throws(CheckpointError) {
        var search = SectionSearch(file)
        let sections = try search.run().withoutCopies(in: file)
        isEmpty = sections.isEmpty
        for section in sections where !displacements.contains(section.displacement) {
            displacements.append(section.displacement)
        }
        // Of several indexes, which edits leave behind, the last one is the file's.
        let indexes = sections.lazy.filter { $0.header.kind == .index }.reversed()
        for section in indexes {
            guard let index = Self.index(section, in: file) else { continue }
            evidence = .index
            add(index.entries, displacement: section.displacement)
            addEnd(after: section, file)
            return
        }
        evidence = .records
        addRecords(sections, file)
    }

    private static func index(_ section: FoundSection, in file: InputFile) -> FileIndex? {
        var decoder = section.decoder(in: file, "index")
        // Not of a file that lists shards, which holds no tensors.
        return try? FileIndex.decode(&decoder, indexOffset: section.header.offset, features: .deltas)
    }

    private mutating func add(_ entries: [FileIndex.Entry], displacement: Int = 0) {
        let order = [displacement] + displacements.filter { $0 != displacement }
        displacements = order
        for entry in entries {
            switch entry.kind {
            case .tensor:
                if let record = entry.tensor { tensors.append(PlacedTensor(record.stored, displacements: order)) }
            case .metadata: metadataEntry = entry
            case .base: baseEntry = entry
            case .past: break
            case .shards: addShardList(entry.range)
            default: optionalEntries.append(entry)
            }
        }
    }

    private mutating func addShardList(_ range: Range<Int>) {
        lost.append(
            .init(
                .section, name: "\(SectionKind.shards)", byteRange: range,
                problem: "lists shards, each of which is repaired for itself"))
    }

    /// Behind the index there is its trailer. More would be what an edit has added, or what else was lost.
    private mutating func addEnd(after index: FoundSection, _ file: InputFile) {
        let end = index.range.upperBound + Format.blockByteCount
        guard end < file.byteCount else { return }
        lost.append(
            .init(
                .bytes, byteRange: end..<file.byteCount,
                problem: "no whole index lists what lies behind the last one that is whole"))
    }

    // Without an index.

    private mutating func addRecords(_ sections: [FoundSection], _ file: InputFile) {
        var covered = RangeSet(0..<min(Format.blockByteCount, file.byteCount))
        var heads: [Int: FoundSection] = [:]
        var lastEnd: Int?
        for section in sections {
            switch section.header.kind {
            case .tensor: heads[section.header.offset] = section
            case .chunkTable:
                let offset = try? section.recordOffset(in: file)
                let head = offset.flatMap { heads.removeValue(forKey: $0) }
                covered.insert(contentsOf: add(table: section, head: head, file))
                lastEnd = section.range.upperBound
            case .metadata:
                metadataSection = section
                covered.insert(contentsOf: section.range)
                lastEnd = section.range.upperBound
            case .base:
                baseSection = section
                covered.insert(contentsOf: section.range)
                lastEnd = section.range.upperBound
            // An index that cannot be read is of no use, but what it lies behind is complete.
            case .index: covered.insert(contentsOf: section.range)
            case .shards:
                addShardList(section.range)
                covered.insert(contentsOf: section.range)
                lastEnd = section.range.upperBound
            default:
                if section.header.kind.isOptional {
                    lost.append(
                        .init(
                            .section, name: "\(section.header.kind)", byteRange: section.range,
                            problem: "what the index says of it is lost"))
                    covered.insert(contentsOf: section.range)
                    lastEnd = section.range.upperBound
                }
            }
        }
        for head in heads.values.sorted(by: { $0.position < $1.position }) {
            let next = sections.first { $0.position > head.position }?.position ?? file.byteCount
            covered.insert(contentsOf: add(orphan: head, before: next, file))
        }
        addGaps(covered, lastEnd: lastEnd, file)
    }

    /// Adds the record that a table ends; returns where it lies.
    private mutating func add(table section: FoundSection, head: FoundSection?, _ file: InputFile) -> Range<Int> {
        let start = (try? section.recordOffset(in: file)) ?? section.header.offset
        let moved = start.addingReportingOverflow(section.displacement)
        let first =
            moved.overflow || moved.partialValue < 0 ? section.position : min(moved.partialValue, section.position)
        let range = (head?.position ?? first)..<section.range.upperBound
        guard let head else {
            lost.append(
                .init(.tensor, byteRange: range, problem: "the record's head is lost: name, type and shape are unknown")
            )
            return range
        }
        do throws(CheckpointError) {
            let tensorHead = try head.head(in: file)
            let table = try section.table(of: tensorHead, in: file)
            let record = TensorRecord(head: tensorHead, table: table)
            guard table.headDigest == head.header.bodyDigest, record.tableOffset == section.header.offset else {
                lost.append(
                    .init(
                        tensor: tensorHead.description, byteRange: range,
                        problem: "the chunk table belongs to another record"))
                return range
            }
            var order = [head.displacement]
            for displacement in [section.displacement] + displacements where !order.contains(displacement) {
                order.append(displacement)
            }
            tensors.append(PlacedTensor(record.stored, displacements: order))
        } catch {
            lost.append(.init(.tensor, byteRange: range, problem: Finding(error).description))
        }
        return range
    }

    /// Adds a record whose table is lost; returns where it may lie.
    private mutating func add(orphan head: FoundSection, before next: Int, _ file: InputFile) -> Range<Int> {
        do throws(CheckpointError) {
            let description = try head.head(in: file).description
            let (most, overflow) = head.range.upperBound.addingReportingOverflow(description.byteCount)
            let end = max(min(head.range.upperBound, next), overflow ? next : min(most, next))
            lost.append(
                .init(
                    tensor: description, byteRange: head.position..<end,
                    problem: "the chunk table is lost: nothing proves which of its bytes are whole"))
            return head.position..<end
        } catch {
            lost.append(.init(.tensor, byteRange: head.range, problem: Finding(error).description))
            return head.range
        }
    }

    /// Adds what nothing explains. Where the sections reach without a gap up to the index, nothing is missing.
    private mutating func addGaps(_ covered: RangeSet<Int>, lastEnd: Int?, _ file: InputFile) {
        var gaps = Array(RangeSet(0..<file.byteCount).subtracting(covered).ranges)
        if let last = gaps.last, last.upperBound == file.byteCount, last.lowerBound == lastEnd,
            isIndex(at: last.lowerBound, in: file)
        {
            gaps.removeLast()
        } else {
            lost.append(
                .init(.end, problem: "the index is lost, and with it what says whether more tensors followed"))
        }
        for gap in gaps {
            lost.append(.init(.bytes, byteRange: gap, problem: "nothing that can be read lies here"))
        }
    }

    /// Whether an index, damaged as it may be, begins at a place: as its header says, or the trailer.
    private func isIndex(at position: Int, in file: InputFile) -> Bool {
        let block = Format.blockByteCount
        guard file.byteCount - position >= block else { return false }
        if let bytes = try? file.read(position..<position + block),
            let header = try? SectionHeader.decode(bytes, at: position, path: file.path, place: CheckpointPlace()),
            header.kind == .index
        {
            return true
        }
        guard let end = try? file.read(file.byteCount - block..<file.byteCount),
            let trailer = try? FileTrailer.decode(end, fileByteCount: file.byteCount, path: file.path)
        else { return false }
        return trailer.indexRange.lowerBound == position
    }

    // What the layout leads to.

    /// The metadata; nil where no section holds any.
    func metadata(in file: InputFile) throws(CheckpointError) -> Metadata? {
        if let metadataEntry {
            let body = try sectionBody(of: metadataEntry, in: file)
            var decoder = ByteDecoder(
                body, path: file.path, place: CheckpointPlace(section: "metadata"),
                fileOffset: metadataEntry.range.lowerBound + Format.blockByteCount)
            return try MetadataSection.decode(&decoder)
        }
        guard var decoder = metadataSection?.decoder(in: file, "metadata") else { return nil }
        return try MetadataSection.decode(&decoder)
    }

    /// The base of a delta, where it is found; nil for a file that is no delta.
    func base(in file: InputFile) -> (any DeltaBase)? {
        var decoder: ByteDecoder?
        if let baseEntry, let body = try? sectionBody(of: baseEntry, in: file) {
            decoder = ByteDecoder(body, path: file.path, place: CheckpointPlace(section: "base"), fileOffset: 0)
        } else {
            decoder = baseSection?.decoder(in: file, "base")
        }
        guard var decoder, let reference = try? BaseReference.decode(&decoder) else { return nil }
        return try? BaseSearch.standard.base(for: reference, of: tensors.map(\.tensor), in: file)
    }

    /// The body of a section that the index lists, wherever it lies. The digest in the index is enough: the section's
    /// own header and padding need not be whole, so that the body's size is tried.
    func sectionBody(of entry: FileIndex.Entry, in file: InputFile) throws(CheckpointError) -> [UInt8] {
        let block = Format.blockByteCount
        for displacement in displacements {
            let range = entry.range.lowerBound + displacement..<entry.range.upperBound + displacement
            guard let bytes = try? file.read(range) else { continue }
            for padding in 0..<min(Format.alignment, bytes.count - block + 1) {
                let body = unsafe bytes.span.bytes.extracting(block..<bytes.count - padding)
                if XXH3.hash128(body) == entry.bodyDigest { return Array(bytes[block..<bytes.count - padding]) }
            }
        }
        throw CheckpointError(
            .damaged, path: file.path,
            place: CheckpointPlace(
                section: entry.kind == .metadata ? "metadata" : "section '\(entry.kind)'", byteRange: entry.range),
            problem: "checksum mismatch")
    }
}
