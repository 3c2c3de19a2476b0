#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
package import SystemPackage

/// The few system calls that swift-system does not offer.
package enum Platform {
    /// Makes the file's content durable.
    package static func synchronise(_ descriptor: FileDescriptor) throws(Errno) {
        while fsync(descriptor.rawValue) != 0 {
            // Some files, pipes among them, have nothing to synchronise.
            if errno == EINVAL || errno == EROFS { return }
            if errno != EINTR { throw Errno(rawValue: errno) }
        }
    }

    /// Lets an empty file share the bytes of another, which costs nothing, and puts its place for writing at the end.
    ///
    /// - Returns: Whether the file system can do it.
    static func clone(_ source: FileDescriptor, into target: FileDescriptor) throws(Errno) -> Bool {
        #if os(Linux)
            // FICLONE of linux/fs.h, a macro that Swift does not see.
            guard ioctl(target.rawValue, 0x4004_9409, source.rawValue) == 0 else { return false }
            if lseek(target.rawValue, 0, SEEK_END) < 0 { throw Errno(rawValue: errno) }
            return true
        #else
            return false
        #endif
    }

    /// Gives a file another name, in place of what had it; or a folder, in place of an empty one.
    package static func rename(_ source: FilePath, to target: FilePath) throws(Errno) {
        let result = unsafe source.withPlatformString { source in
            unsafe target.withPlatformString { target in
                #if canImport(Glibc)
                    unsafe Glibc.rename(source, target)
                #elseif canImport(Musl)
                    unsafe Musl.rename(source, target)
                #else
                    unsafe Darwin.rename(source, target)
                #endif
            }
        }
        if result != 0 { throw Errno(rawValue: errno) }
    }

    /// Removes a file's name.
    static func remove(_ path: FilePath) throws(Errno) {
        if unsafe path.withPlatformString({ unsafe unlink($0) }) != 0 { throw Errno(rawValue: errno) }
    }

    /// Sets a file's permissions, whatever the process's mask.
    static func setPermissions(_ permissions: FilePermissions, of descriptor: FileDescriptor) throws(Errno) {
        if fchmod(descriptor.rawValue, permissions.rawValue) != 0 { throw Errno(rawValue: errno) }
    }

    /// Whether a file could be locked for this descriptor and its duplicates, until they are all closed or the
    /// process ends, however it ends; nil where the file system has no locks.
    package static func lock(_ descriptor: FileDescriptor) -> Bool? {
        let result = flock(descriptor.rawValue, LOCK_EX | LOCK_NB)
        if result == 0 { return true }
        return errno == EWOULDBLOCK ? false : nil
    }

    /// The names in a folder, in no order; none where it cannot be read.
    static func entries(of folder: FilePath) -> [String] {
        guard let stream = unsafe folder.withPlatformString({ unsafe opendir($0) }) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                let count = MemoryLayout.size(ofValue: unsafe name.pointee)
                unsafe name.withMemoryRebound(to: CChar.self, capacity: count) { text in
                    names.append(unsafe String(cString: text))
                }
            }
        }
        return names
    }

    /// Where a symbolic link points, or nil where the path is no link.
    static func linkTarget(_ path: FilePath) -> FilePath? {
        let bytes = unsafe [CChar](unsafeUninitializedCapacity: 4096) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            let result = unsafe path.withPlatformString { unsafe readlink($0, start, buffer.count) }
            count = max(0, result)
        }
        guard !bytes.isEmpty, bytes.count < 4096 else { return nil }
        let target = FilePath(String(decoding: bytes.map(UInt8.init(bitPattern:)), as: UTF8.self))
        return target.isAbsolute ? target : path.removingLastComponent().pushing(target)
    }

    /// A variable of the process's environment.
    static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// A folder's path without links and `..`; nil where it is not there. The empty path is the working folder.
    static func absolute(_ folder: FilePath) -> FilePath? {
        guard let resolved = unsafe realpath(folder.isEmpty ? "." : folder.string, nil) else { return nil }
        defer { unsafe free(resolved) }
        return FilePath(unsafe String(cString: resolved))
    }

    /// Asks for large pages in the whole ones of memory that is about to be filled: where the system has them, filling
    /// fresh memory takes a fraction of the time.
    @unsafe
    static func preferLargePages(_ buffer: UnsafeMutableRawBufferPointer) {
        #if os(Linux)
            let pageByteCount = 1 << 21
            guard buffer.count >= 2 * pageByteCount, let start = buffer.baseAddress else { return }
            let skipped = Int(bitPattern: start).paddingCount(to: pageByteCount)
            let count = (buffer.count - skipped) / pageByteCount * pageByteCount
            // A hint: where it is refused, pages are small.
            _ = unsafe madvise(start + skipped, count, MADV_HUGEPAGE)
        #endif
    }

    /// The number of processors.
    static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// The memory of the machine in bytes.
    static var memoryByteCount: Int {
        let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(
            by: sysconf(Int32(_SC_PAGESIZE)))
        return overflow || bytes <= 0 ? Int.max : bytes
    }

    /// The process's number.
    static var processIdentifier: Int { Int(getpid()) }
}
