public import Codecs
internal import SystemPackage

/// A file that holds some of a checkpoint's tensors, as the file that lists it knows it.
public struct ShardReference: Hashable, Sendable, Codable {
    /// The file's name, in the folder of the file that lists it.
    public let name: String
    /// The file's size.
    public let byteCount: Int
    /// The root of the file's hash tree.
    public let fileDigest: Digest128

    /// Whether a text may stand as a name: one component of a path, on any system.
    static func isName(_ text: String) -> Bool {
        let separators = Array("/\\\0".utf8)
        return !text.isEmpty && text.utf8.count <= Format.maximumShardNameByteCount && text != "." && text != ".."
            && !text.utf8.contains { separators.contains($0) }
    }
}

/// The body of a `SHRD` section: the files that hold a checkpoint's tensors.
enum ShardList {
    static func encoded(_ shards: [ShardReference]) -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.integer(UInt32(truncatingIfNeeded: shards.count))
        encoder.integer(UInt32(0))
        for shard in shards {
            encoder.digest(shard.fileDigest)
            encoder.integer(UInt64(shard.byteCount))
            encoder.countedString(shard.name)
            encoder.pad(to: 8)
        }
        return encoder.bytes
    }

    static func decode(_ decoder: inout ByteDecoder) throws(CheckpointError) -> [ShardReference] {
        let count = Int(try decoder.integer("shard count", as: UInt32.self))
        try decoder.constant(UInt32(0), "reserved")
        guard count > 0 else {
            throw decoder.failure(field: "shard count", from: 0, byteCount: 4, "a list without shards")
        }
        var shards: [ShardReference] = []
        var names: Set<String> = []
        for _ in 0..<count {
            let digest = try decoder.digest("file digest")
            let byteCount = try decoder.count("file byte count")
            let start = decoder.position
            let name = try decoder.countedString("shard name")
            guard ShardReference.isName(name) else {
                throw decoder.failure(
                    field: "shard name", from: start, "not the name of a file in the same folder",
                    found: "'\(CheckpointPlace.printable(name))'",
                    expected: "1 … \(Format.maximumShardNameByteCount) bytes, no '/', '\\' or U+0000, not '.' or '..'")
            }
            guard names.insert(name).inserted else {
                throw decoder.failure(field: "shard name", from: start, "two shards have this name")
            }
            try decoder.padding(to: 8)
            shards.append(ShardReference(name: name, byteCount: byteCount, fileDigest: digest))
        }
        try decoder.finish()
        return shards
    }
}

extension InputFile {
    /// The path of a shard that this file lists.
    func path(ofShard shard: ShardReference) -> FilePath { path.removingLastComponent().appending(shard.name) }

    /// Opens a shard and checks that it is the one that this file lists.
    ///
    /// - Throws: `missing`, `damaged` where it is another file, and whatever is wrong with it.
    func openShard(_ shard: ShardReference) throws(CheckpointError) -> (file: InputFile, structure: FileStructure) {
        let file = try InputFile(path: path(ofShard: shard))
        let structure = try FileStructure(file)
        func other(_ field: String, found: String, expected: String) -> CheckpointError {
            CheckpointError(
                .damaged, path: file.path, place: CheckpointPlace(field: field),
                problem: "this is not the shard that \(path) lists",
                comparison: .values(found: found, expected: expected))
        }
        guard file.byteCount == shard.byteCount else {
            throw other("file byte count", found: "\(file.byteCount)", expected: "\(shard.byteCount)")
        }
        guard structure.trailer.fileDigest == shard.fileDigest else {
            throw other("file digest", found: structure.trailer.fileDigest.hex, expected: shard.fileDigest.hex)
        }
        let features = structure.header.requiredFeatures
        guard features.isEmpty else {
            throw CheckpointError(
                .invalid, path: file.path, place: CheckpointPlace(section: "header", field: "required features"),
                problem: "a shard must be whole by itself", comparison: .values(found: "\(features)", expected: "none"))
        }
        return (file, structure)
    }
}
