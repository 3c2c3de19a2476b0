internal import Codecs
internal import SystemPackage
internal import TensorCore

/// A section that was found by its magic, whatever leads to it: its header is whole, and its body is.
struct FoundSection {
    /// Kind, size and digest of the body, and where the section says it lies.
    let header: SectionHeader
    /// Where it lies.
    let position: Int
    /// The body; of `META`, `INDX`, `TENS` and `CHNK` alone, the only kinds that a salvage reads.
    let body: [UInt8]

    /// How far it lies from the place that it names: 0 unless bytes before it are missing, or were added.
    var displacement: Int { position - header.offset }

    /// Header, body and padding, where they lie.
    var range: Range<Int> { position..<position + header.range.count }
}

/// Finds sections without an index (spec section 14).
struct SectionSearch {
    private let file: InputFile
    /// What may still be hashed. Sections of a sound file do not overlap, so that their bodies are at most the file;
    /// a hostile one could let each body reach to the file's end.
    private var remainingByteCount: Int

    init(_ file: InputFile) {
        self.file = file
        remainingByteCount = 4 * file.byteCount + (1 << 20)
    }

    /// All sections whose header and body are whole, in the order of the file.
    mutating func run() throws(CheckpointError) -> [FoundSection] {
        var found: [FoundSection] = []
        var position = 0
        while position < file.byteCount {
            // Magics that begin in a block may end in the next one.
            let end = min(position + Self.blockByteCount, file.byteCount)
            let block = try file.read(position..<min(end + Format.sectionMagic.count - 1, file.byteCount))
            for start in Self.magics(in: block) {
                if let section = try section(at: position + start) { found.append(section) }
            }
            position = end
        }
        return found
    }

    private static let blockByteCount = 1 << 20

    /// Where the section magic begins in some bytes.
    private static func magics(in bytes: [UInt8]) -> [Int] {
        let magic = Format.sectionMagic
        var starts: [Int] = []
        let raw = unsafe bytes.span.bytes
        let word = magic.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        for start in 0..<max(0, bytes.count - magic.count + 1) where bytes[start] == magic[0] {
            if unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self)) == word {
                starts.append(start)
            }
        }
        return starts
    }

    private mutating func section(at position: Int) throws(CheckpointError) -> FoundSection? {
        guard file.byteCount - position >= Format.blockByteCount else { return nil }
        let bytes = try file.read(position..<position + Format.blockByteCount)
        let named = bytes[24..<32].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // Beyond a quarter of what can be counted, sums of places could overflow.
        guard let offset = Int(exactly: named), offset < Int.max / 4 else { return nil }
        guard let header = try? SectionHeader.decode(bytes, at: offset, path: file.path, place: CheckpointPlace()),
            header.bodyByteCount <= file.byteCount - position - Format.blockByteCount,
            header.bodyByteCount <= remainingByteCount
        else { return nil }
        remainingByteCount -= header.bodyByteCount
        let start = position + Format.blockByteCount
        let body = try file.read(start..<start + header.bodyByteCount)
        guard XXH3.hash128(body) == header.bodyDigest else { return nil }
        let isRead = [.tensor, .chunkTable, .metadata, .base, .index].contains(header.kind)
        return FoundSection(header: header, position: position, body: isRead ? body : [])
    }
}

extension FoundSection {
    /// The bytes that are this section's, or the record's that it begins or ends, as far as it says: sections inside
    /// them are content, for example of a checkpoint that was stored in a tensor.
    ///
    /// - Parameter next: Where the next section of the same displacement lies.
    fileprivate func claim(before next: Int, in file: InputFile) -> Range<Int> {
        switch header.kind {
        case .tensor:
            guard let head = try? head(in: file) else { return range }
            // A stored chunk is never larger than its content.
            let (end, overflow) = range.upperBound.addingReportingOverflow(head.description.byteCount)
            return position..<max(range.upperBound, overflow ? next : min(end, next))
        case .chunkTable:
            guard let recordOffset = try? recordOffset(in: file) else { return range }
            let start = recordOffset.addingReportingOverflow(displacement)
            return start.overflow || start.partialValue > position
                ? range : max(0, start.partialValue)..<range.upperBound
        default: return range
        }
    }

    /// The head of the record that this `TENS` section begins.
    func head(in file: InputFile) throws(CheckpointError) -> TensorHead {
        var decoder = decoder(in: file, "record head")
        let head = try TensorHead.decode(&decoder, features: .readable)
        try decoder.finish()
        return head
    }

    /// Where the record of this `CHNK` section says that it begins.
    func recordOffset(in file: InputFile) throws(CheckpointError) -> Int {
        var decoder = decoder(in: file, "chunk table")
        return try decoder.count("record offset")
    }

    /// This `CHNK` section's table, for a record with this head.
    func table(of head: TensorHead, in file: InputFile) throws(CheckpointError) -> ChunkTable {
        var decoder = decoder(in: file, "chunk table")
        let table = try ChunkTable.decode(&decoder, head: head)
        try decoder.finish()
        return table
    }

    /// A decoder of the body.
    func decoder(in file: InputFile, _ name: String) -> ByteDecoder {
        ByteDecoder(
            body, path: file.path, place: CheckpointPlace(section: name),
            fileOffset: position + Format.blockByteCount)
    }
}

extension [FoundSection] {
    /// How many displacements are considered; more would be a file that was made to waste time.
    private static let maximumDisplacementCount = 16

    /// Leaves out sections that lie in the content of a tensor: those whose place does not fit what they say, inside
    /// bytes that sections which fit lay claim to.
    func withoutCopies(in file: InputFile) -> [FoundSection] {
        var order: [Int] = []
        let groups = Dictionary(grouping: self, by: \.displacement)
        if groups[0] != nil { order.append(0) }
        for section in self where section.displacement != 0 && order.count < Self.maximumDisplacementCount {
            if !order.contains(section.displacement) { order.append(section.displacement) }
        }
        var claimed = RangeSet<Int>()
        var kept: [FoundSection] = []
        for displacement in order {
            let group = (groups[displacement] ?? []).filter { !claimed.contains($0.position) }
            for (index, section) in group.enumerated() {
                let next = index + 1 < group.count ? group[index + 1].position : file.byteCount
                claimed.insert(contentsOf: section.claim(before: next, in: file))
            }
            kept += group
        }
        return kept.sorted { $0.position < $1.position }
    }
}
