import CheckpointFormat
import Codecs

/// Makes the checksums of a folder's .crux files right again: of each file, then what a list of shards says of the others
/// (spec section 15).
enum ShardSealer {
    static func sealed(_ files: [(name: String, content: [UInt8])]) -> [(name: String, content: [UInt8])] {
        var files = files
        var (weights, trailers): ([(name: String, digest: Digest128)], [String: ArraySlice<UInt8>]) = ([], [:])
        var sizes: [String: Int] = [:]
        for index in files.indices where files[index].content.starts(with: CheckpointSealer.headerMagic) {
            let sealed = CheckpointSealer.sealing(files[index].content)
            files[index].content = sealed.bytes
            weights += sealed.weights
            guard sealed.bytes.count >= 128 else { continue }
            trailers[files[index].name] = sealed.bytes.suffix(64)
            sizes[files[index].name] = sealed.bytes.count
        }
        for index in files.indices where files[index].content.starts(with: CheckpointSealer.headerMagic) {
            var bytes = files[index].content
            guard let list = CheckpointSealer.body(ofSection: "SHRD", in: bytes), list.count >= 8 else { continue }
            var entry = list.lowerBound + 8
            while let nameCount = CheckpointSealer.number(bytes, at: entry + 24), nameCount <= 255,
                entry + 32 + nameCount <= list.upperBound
            {
                let name = String(decoding: bytes[entry + 32..<entry + 32 + nameCount], as: UTF8.self)
                if let trailer = trailers[name], let size = sizes[name] {
                    let digest = Array(trailer[trailer.startIndex + 24..<trailer.startIndex + 40])
                    CheckpointSealer.put(digest, into: &bytes, at: entry)
                    CheckpointSealer.put(CheckpointSealer.little(size), into: &bytes, at: entry + 16)
                }
                entry += 32 + (nameCount + 7) / 8 * 8
            }
            files[index].content = CheckpointSealer.sealing(bytes, otherWeights: weights).bytes
        }
        return files
    }
}
