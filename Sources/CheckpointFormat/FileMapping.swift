#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
internal import SystemPackage

/// Part of a file's bytes in memory, read-only, shared with all who map it; the system reads them when they are first touched.
///
/// Where the file is cut off meanwhile, or its disk fails, touching the bytes ends the process (SIGBUS): that is what
/// reading without a copy costs, in any format.
@safe
package final class FileMapping: @unchecked Sendable {
    private let bytes: UnsafeRawBufferPointer
    /// Where in the file the mapping begins: at a page.
    private let offset: Int

    /// Maps part of an open file.
    init(_ descriptor: FileDescriptor, range: Range<Int>) throws(Errno) {
        offset = range.lowerBound / Self.pageByteCount * Self.pageByteCount
        guard !range.isEmpty else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let start = unsafe mmap(
            nil, range.upperBound - offset, PROT_READ, MAP_SHARED, descriptor.rawValue, off_t(offset))
        guard let start = unsafe start, unsafe start != MAP_FAILED else { throw Errno(rawValue: errno) }
        unsafe bytes = UnsafeRawBufferPointer(start: start, count: range.upperBound - offset)
    }

    deinit {
        guard let start = unsafe bytes.baseAddress else { return }
        unsafe munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }

    /// Lends part of the file, which the caller has checked to lie inside the mapping.
    package func withBytes<Value, Failure: Error>(
        _ range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        guard !range.isEmpty else { return try body(RawSpan()) }
        let part = range.lowerBound - offset..<range.upperBound - offset
        return try body(unsafe UnsafeRawBufferPointer(rebasing: bytes[part]).bytes)
    }

    /// Whether the system has all pages in memory, or reads them now without an error.
    func becomesResident() -> Bool {
        guard let start = unsafe bytes.baseAddress else { return true }
        let count = unsafe bytes.count
        #if os(Linux)
            // MADV_POPULATE_READ, since Linux 5.14: maps what is in memory at once, and says what cannot be read. What is
            // not there yet is read faster in one piece than page by page.
            let last = (count - 1) / Self.pageByteCount * Self.pageByteCount
            guard unsafe Self.isResident(start, 1), unsafe Self.isResident(start + last, 1) else { return false }
            if unsafe madvise(UnsafeMutableRawPointer(mutating: start), count, 22) == 0 { return true }
        #endif
        return unsafe Self.isResident(start, count)
    }

    @unsafe
    private static func isResident(_ start: UnsafeRawPointer, _ count: Int) -> Bool {
        let pageCount = (count + pageByteCount - 1) / pageByteCount
        return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: pageCount) { pages in
            guard let flags = pages.baseAddress else { return false }
            let result = unsafe mincore(UnsafeMutableRawPointer(mutating: start), count, flags)
            return unsafe result == 0 && pages.allSatisfy { $0 & 1 == 1 }
        }
    }

    private static let pageByteCount = max(4096, sysconf(Int32(_SC_PAGESIZE)))
}
