internal import SystemPackage

extension FilePath {
    /// Whether both paths lead to one file; of files that are not there, whether the paths are the same.
    func namesSameFile(as other: FilePath) -> Bool {
        guard let first = try? Stat(self), let second = try? Stat(other) else {
            return lexicallyNormalized() == other.lexicallyNormalized()
        }
        return first.deviceID == second.deviceID && first.inode == second.inode
    }
}
