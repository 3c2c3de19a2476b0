package import Codecs
internal import Synchronization
package import SystemPackage

/// A file open for reading at any place; counts what is read.
package final class InputFile: Sendable {
    /// The path it was opened with.
    package let path: FilePath
    /// The size when it was opened.
    package let byteCount: Int
    /// Which file it is, whatever path led to it.
    package let identity: FileIdentity
    private let descriptor: FileDescriptor
    private let readCount = Atomic<Int>(0)
    private let lazyMapping = Mutex<FileMapping?>(nil)

    /// Opens a regular file.
    ///
    /// - Throws: `missing` where there is none, `io` for anything else that cannot be read.
    package init(path: FilePath) throws(CheckpointError) {
        self.path = path
        do {
            // Without .nonBlocking, opening a pipe that nobody writes to would hang.
            descriptor = try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec])
        } catch {
            throw Self.failure(error, path: path, doing: "open")
        }
        do {
            let status = try descriptor.stat()
            guard status.type == .regular else {
                throw CheckpointError(
                    .io, path: path, problem: status.type == .directory ? "is a folder" : "is not a regular file")
            }
            byteCount = Int(clamping: status.size)
            identity = FileIdentity(device: status.deviceID, inode: status.inode)
        } catch {
            try? descriptor.close()
            throw Self.failure(error, path: path, doing: "open")
        }
    }

    deinit {
        try? descriptor.close()
    }

    /// The bytes read so far, by all calls.
    package var readByteCount: Int { readCount.load(ordering: .relaxed) }

    /// Reads a range that lies inside the file.
    package func read(_ range: Range<Int>) throws(CheckpointError) -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= byteCount else {
            throw CheckpointError(
                .truncated, path: path, place: CheckpointPlace(byteRange: range), problem: "the file ends before",
                comparison: .values(found: "\(byteCount) bytes", expected: "\(range.upperBound) bytes"))
        }
        var failure: CheckpointError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(CheckpointError) {
                try unsafe read(range, into: UnsafeMutableRawBufferPointer(buffer))
                count = range.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Lets an empty file share all bytes; see ``FileOperations/clone``.
    package func clone(into target: FileDescriptor, _ operations: FileOperations) throws -> Bool {
        try operations.clone(descriptor, target)
    }

    /// The digest of a part, in memory bounded by a piece of it.
    package func digest(of range: Range<Int>) throws(CheckpointError) -> Digest128 {
        var hasher = XXH3Hasher128()
        var offset = range.lowerBound
        while offset < range.upperBound {
            let end = min(offset + Format.leafByteCount, range.upperBound)
            let bytes = try read(offset..<end)
            unsafe hasher.update(bytes.span.bytes)
            offset = end
        }
        return hasher.finalize()
    }

    /// Reads as many bytes as the span has.
    package func read(from offset: Int, into bytes: inout MutableRawSpan) throws(CheckpointError) {
        let range = offset..<offset + bytes.byteCount
        try unsafe bytes.withUnsafeMutableBytes { buffer throws(CheckpointError) in
            try unsafe read(range, into: buffer)
        }
    }

    @unsafe
    private func read(_ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
        var done = 0
        while done < range.count {
            let count: Int
            do {
                count = try unsafe descriptor.read(
                    fromAbsoluteOffset: Int64(range.lowerBound + done),
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[done..<range.count]))
            } catch {
                throw Self.failure(error, path: path, doing: "read")
            }
            guard count > 0 else {
                throw CheckpointError(
                    .truncated, path: path, place: CheckpointPlace(byteRange: range),
                    problem: "the file became shorter while it was read")
            }
            done += count
        }
        readCount.add(range.count, ordering: .relaxed)
    }

    /// The whole file in memory, made when it is first asked for.
    ///
    /// - Throws: `io` where the system cannot map it.
    package func mapping() throws(CheckpointError) -> FileMapping {
        let result = lazyMapping.withLock { mapping -> Result<FileMapping, CheckpointError> in
            if let mapping { return .success(mapping) }
            do {
                let made = try FileMapping(descriptor, range: 0..<byteCount)
                mapping = made
                return .success(made)
            } catch {
                return .failure(Self.failure(error, path: path, doing: "map"))
            }
        }
        return try result.get()
    }

    /// Lends bytes where the system has them in memory already, so that no error of a disk can occur; nil where not.
    package func withResidentBytes<Value>(_ range: Range<Int>, _ body: (RawSpan) -> Value) -> Value? {
        // Mapped for this call alone: what stays mapped counts as the process's memory.
        guard range.lowerBound >= 0, range.upperBound <= byteCount,
            let mapping = try? FileMapping(descriptor, range: range), mapping.becomesResident()
        else { return nil }
        readCount.add(range.count, ordering: .relaxed)
        return mapping.withBytes(range, body)
    }

    private static func failure(_ error: any Error, path: FilePath, doing action: String) -> CheckpointError {
        if let error = error as? CheckpointError { return error }
        guard let errno = error as? Errno else {
            return CheckpointError(.io, path: path, problem: "cannot \(action): \(error)")
        }
        return CheckpointError(
            errno == .noSuchFileOrDirectory ? .missing : .io, path: path, problem: "cannot \(action): \(errno)")
    }
}

/// A file of this machine, whatever path leads to it.
package struct FileIdentity: Hashable, Sendable {
    let device: DeviceID
    let inode: Inode
}
