package import SystemPackage

/// The names of the temporary files, or folders, of saves to one target: `.run.crux.tmp-1234-89abcdef`.
///
/// A save locks what it made as long as it goes on; the system drops the lock when the process ends, however it ends. So
/// what has no lock belongs to nobody, whatever process has the writer's number by now.
package struct TemporaryName {
    private let folder: FilePath
    /// The name without its random end.
    private let prefix: String
    private static let randomDigitCount = 8
    /// The longest process number, and the hyphens.
    private static let suffixByteCount = ".tmp-".utf8.count + 20 + 1 + randomDigitCount
    /// The longest name that common file systems take.
    private static let maximumByteCount = 255

    /// The names beside a target.
    package init(of target: FilePath) {
        folder = target.removingLastComponent()
        var stem = (target.lastComponent?.string ?? "")[...]
        while 1 + stem.utf8.count + Self.suffixByteCount > Self.maximumByteCount { stem.removeLast() }
        prefix = ".\(stem).tmp-"
    }

    /// A path that no other save uses.
    package func fresh() -> FilePath {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        let zeros = String(repeating: "0", count: Self.randomDigitCount - digits.count)
        return folder.appending("\(prefix)\(Platform.processIdentifier)-\(zeros)\(digits)")
    }

    /// Whether a name was made by ``fresh()`` for this target, in any process.
    func matches(_ name: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let process = Int(parts[0]), process > 0 else { return false }
        return parts[1].count == Self.randomDigitCount && UInt32(parts[1], radix: 16) != nil
    }

    /// Locks a file or folder that was just created. False where it was removed, or is being removed, by another save.
    package static func claim(_ descriptor: FileDescriptor) -> Bool {
        switch Platform.lock(descriptor) {
        case true?: ((try? descriptor.stat())?.linkCount ?? 1) > 0
        case false?: false
        // Without locks nobody removes anything.
        case nil: true
        }
    }

    /// Removes what saves have left that ended without removing it: what nobody has locked.
    ///
    /// - Parameters:
    ///   - type: What the saves make: regular files, or folders.
    ///   - remove: Removes one.
    package func removeAbandoned(
        _ type: FileType = .regular, remove: (FilePath) throws -> Void = { try Platform.remove($0) }
    ) {
        for name in Platform.entries(of: folder.isEmpty ? "." : folder) where matches(name) {
            let path = folder.appending(name)
            guard
                let descriptor = try? FileDescriptor.open(
                    path, .readOnly, options: [.nonBlocking, .noFollow, .closeOnExec])
            else { continue }
            defer { try? descriptor.close() }
            // Not something else, or a link, that somebody gave such a name.
            guard (try? descriptor.stat())?.type == type, Platform.lock(descriptor) == true else { continue }
            try? remove(path)
        }
    }
}
