package import SystemPackage

/// The system calls of a save, so that tests can make each of them fail.
package struct FileOperations: Sendable {
    /// Creates the temporary file, which must not exist.
    package var create: @Sendable (FilePath, FilePermissions) throws -> FileDescriptor
    /// Writes some of the bytes and says how many.
    package var write: @Sendable (FileDescriptor, RawSpan) throws -> Int
    /// Lets an empty file share the bytes of another, where the file system can, and says whether it could.
    package var clone: @Sendable (_ source: FileDescriptor, _ target: FileDescriptor) throws -> Bool
    /// Makes a file's or a folder's content durable.
    package var synchronise: @Sendable (FileDescriptor) throws -> Void
    /// Closes the last but one descriptor of the temporary file, and says what could not be written after all.
    package var close: @Sendable (FileDescriptor) throws -> Void
    /// Renames the temporary file to its target.
    package var rename: @Sendable (FilePath, FilePath) throws -> Void
    /// Removes the temporary file of a save that failed.
    package var remove: @Sendable (FilePath) throws -> Void

    package init(
        create: @escaping @Sendable (FilePath, FilePermissions) throws -> FileDescriptor,
        write: @escaping @Sendable (FileDescriptor, RawSpan) throws -> Int,
        synchronise: @escaping @Sendable (FileDescriptor) throws -> Void,
        close: @escaping @Sendable (FileDescriptor) throws -> Void,
        rename: @escaping @Sendable (FilePath, FilePath) throws -> Void,
        remove: @escaping @Sendable (FilePath) throws -> Void,
        clone: @escaping @Sendable (FileDescriptor, FileDescriptor) throws -> Bool = { _, _ in false }
    ) {
        self.create = create
        self.write = write
        self.synchronise = synchronise
        self.close = close
        self.rename = rename
        self.remove = remove
        self.clone = clone
    }

    /// What the operating system does.
    package static let system = FileOperations(
        create: { path, permissions in
            try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: permissions)
        },
        write: { descriptor, bytes in try unsafe bytes.withUnsafeBytes { try unsafe descriptor.write($0) } },
        synchronise: { descriptor in try Platform.synchronise(descriptor) },
        close: { descriptor in try descriptor.close() },
        rename: { source, target in try Platform.rename(source, to: target) },
        remove: { path in try Platform.remove(path) },
        clone: { source, target in try Platform.clone(source, into: target) })
}
