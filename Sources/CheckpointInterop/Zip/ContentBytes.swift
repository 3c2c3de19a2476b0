internal import CheckpointFormat
internal import Synchronization

/// The bytes of one tensor or archive member, readable at any place.
enum ContentBytes: Sendable {
    /// A stretch of a file as it is.
    case stretch(InputFile, Range<Int>)
    /// A member of an archive.
    case member(ZipContent)

    /// The number of bytes.
    var count: Int {
        switch self {
        case .stretch(_, let range): range.count
        case .member(let content): content.member.byteCount
        }
    }

    /// Whether reading from somewhere in the middle means unpacking what stands before.
    var isPacked: Bool {
        guard case .member(let content) = self else { return false }
        return content.member.isDeflated
    }

    /// Replaces the buffer's content by a range of the bytes.
    func read(_ range: Range<Int>, into buffer: inout [UInt8]) throws(CheckpointError) {
        switch self {
        case .stretch(let file, let stretch):
            let start = stretch.lowerBound + range.lowerBound
            try file.read(start..<start + range.count, into: &buffer)
        case .member(let content): try content.read(range, into: &buffer)
        }
    }
}

/// The content of an archive's member.
///
/// Its checksum is checked where it is read from its start to its end, whatever the pieces. Unpacking goes on where the
/// last piece ended, and starts again for one that lies before.
final class ZipContent: Sendable {
    /// The member.
    let member: ZipDirectory.Member
    private let file: InputFile
    private let progress: Mutex<Progress>

    private struct Progress {
        var inflater: Inflater?
        var inflated = 0
        var checksum = CRC32()
        var checked = 0
    }

    init(_ member: ZipDirectory.Member, of file: InputFile) {
        self.member = member
        self.file = file
        progress = Mutex(Progress())
    }

    /// Replaces the buffer's content by a range of the bytes.
    ///
    /// - Throws: `CheckpointError` for a stream that cannot be unpacked or is of another size, and a checksum that is
    ///   not the content's.
    func read(_ range: Range<Int>, into buffer: inout [UInt8]) throws(CheckpointError) {
        if !member.isDeflated {
            let start = member.range.lowerBound + range.lowerBound
            try file.read(start..<start + range.count, into: &buffer)
        }
        var (failure, bytes): (CheckpointError?, [UInt8]) = (nil, [])
        swap(&bytes, &buffer)
        progress.withLock { progress in
            do throws(CheckpointError) {
                if member.isDeflated { try unpack(range, into: &bytes, &progress) }
                try check(bytes, at: range.lowerBound, &progress)
            } catch {
                failure = error
            }
        }
        swap(&bytes, &buffer)
        if let failure { throw failure }
    }

    private func unpack(
        _ range: Range<Int>, into buffer: inout [UInt8], _ progress: inout Progress
    ) throws(CheckpointError) {
        if range.lowerBound < progress.inflated { (progress.inflater, progress.inflated) = (nil, 0) }
        var inflater = progress.inflater.take() ?? Inflater(member.range, of: file, member: member.name)
        while progress.inflated < range.lowerBound {
            buffer.removeAll(keepingCapacity: true)
            let step = min(1 << 16, range.lowerBound - progress.inflated)
            try inflater.read(step, into: &buffer)
            guard buffer.count == step else { throw shortStream() }
            progress.inflated += step
        }
        buffer.removeAll(keepingCapacity: true)
        try inflater.read(range.count, into: &buffer)
        guard buffer.count == range.count else { throw shortStream() }
        progress.inflated += range.count
        if progress.inflated == member.byteCount {
            var more: [UInt8] = []
            try inflater.read(1, into: &more)
            guard more.isEmpty else {
                throw CheckpointError(
                    .invalid, path: file.path, place: place, problem: "unpacks to more than its size",
                    comparison: .values(found: "more", expected: "\(member.byteCount) bytes"))
            }
        }
        // What is unpacked to its end, or only looked at, keeps no memory.
        progress.inflater = progress.inflated == member.byteCount || range.count < 1 << 14 ? nil : inflater
        if progress.inflater == nil { progress.inflated = 0 }
    }

    private func check(_ bytes: [UInt8], at start: Int, _ progress: inout Progress) throws(CheckpointError) {
        if start == 0 { (progress.checksum, progress.checked) = (CRC32(), 0) }
        guard start == progress.checked else { return }
        unsafe progress.checksum.update(bytes.span.bytes)
        progress.checked += bytes.count
        guard progress.checked == member.byteCount, progress.checksum.value != member.crc32 else { return }
        throw CheckpointError(
            .damaged, path: file.path, place: place, problem: "checksum mismatch",
            comparison: .checksums(
                stored: String(member.crc32, radix: 16), computed: String(progress.checksum.value, radix: 16)))
    }

    private func shortStream() -> CheckpointError {
        CheckpointError(
            .truncated, path: file.path, place: place, problem: "unpacks to less than its size",
            comparison: .values(found: "an earlier end", expected: "\(member.byteCount) bytes"))
    }

    private var place: CheckpointPlace {
        CheckpointPlace(section: "zip member '\(member.name)'", byteRange: member.range)
    }
}
