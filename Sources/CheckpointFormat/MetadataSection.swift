internal import OrderedCollections

/// The body of the metadata section: keys and values as GGUF encodes them.
enum MetadataSection {
    static func encoded(_ metadata: Metadata) -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.integer(UInt64(metadata.count))
        encoder.metadata(metadata)
        return encoder.bytes
    }

    static func decode(_ decoder: inout ByteDecoder) throws(CheckpointError) -> Metadata {
        let count = try decoder.count("count")
        let metadata = try decoder.metadata(count: count, rules: MetadataRules())
        try decoder.finish()
        return metadata
    }
}
