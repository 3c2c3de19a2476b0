package import SystemPackage

/// The deltas that lie beside one another in a folder.
package enum DeltaFolder {
    /// The crux files in a checkpoint's folder that remember it as their base.
    package static func deltas(against base: FilePath) -> [FilePath] {
        let folder = base.removingLastComponent()
        guard let name = base.lastComponent?.string else { return [] }
        return Platform.entries(of: folder.isEmpty ? "." : folder).map { folder.appending($0) }.filter { path in
            guard path.extension == "crux", path != base,
                let reader = try? CheckpointReader(pathOfDeltaWithoutBase: path)
            else { return false }
            return reader.baseReference?.pathHint == name
        }
    }
}

extension CheckpointReader {
    /// Where the base of a delta was found; nil for other files.
    package var basePath: FilePath? { base?.path }
}
