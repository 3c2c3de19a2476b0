public import CheckpointFormat
public import OrderedCollections

extension Tokenizer {
    /// The kind of a tokenizer as the metadata name it.
    private enum Kind: String, CaseIterable {
        case character
        /// llama.cpp's name for byte pairs that are split and merged as by GPT-2.
        case gpt2
    }

    /// Reads the tokenizer that a checkpoint's metadata describe, `tokenizer.*`; without a kind it is one of
    /// characters.
    ///
    /// - Throws: ``ModelError`` naming the key.
    public init(metadata: Metadata) throws(ModelError) {
        func strings(_ key: String) throws(ModelError) -> [String] {
            guard let strings = metadata[key]?.stringArrayValue else {
                throw ModelError(
                    field: key, found: metadata[key].map { "\($0.type)" } ?? "nothing", expected: "an array of strings")
            }
            return strings
        }
        let name = metadata[MetadataKey.tokenizerModel]?.stringValue ?? Kind.character.rawValue
        switch Kind(rawValue: name) {
        case .character:
            self = .character(try CharacterTokenizer(vocabulary: try strings(MetadataKey.tokenizerVocabulary)))
        case .gpt2:
            var special: [Int32] = []
            if case .array(let array) = metadata[MetadataKey.tokenizerSpecialTokens] {
                for (index, element) in array.elements.enumerated() {
                    guard let token = element.intValue.flatMap({ Int32(exactly: $0) }) else {
                        throw ModelError(
                            field: "\(MetadataKey.tokenizerSpecialTokens)[\(index)]", found: "\(element)",
                            expected: "a token's number")
                    }
                    special.append(token)
                }
            }
            self = .byteLevelBPE(
                try ByteLevelBPE(
                    tokens: try strings(MetadataKey.tokenizerVocabulary),
                    merges: try strings(MetadataKey.tokenizerMerges),
                    specialTokens: special,
                    endOfText: metadata[MetadataKey.tokenizerEndOfText]?.intValue.flatMap { Int32(exactly: $0) }))
        case nil:
            throw ModelError(
                field: MetadataKey.tokenizerModel, found: name.debugDescription,
                expected: Kind.allCases.map(\.rawValue.debugDescription).joined(separator: " or "))
        }
    }

    /// What ``init(metadata:)`` reads.
    public var metadata: Metadata {
        switch self {
        case .character(let tokenizer):
            return [
                MetadataKey.tokenizerModel: .string(Kind.character.rawValue),
                MetadataKey.tokenizerVocabulary: .array(MetadataArray(tokenizer.vocabulary)),
            ]
        case .byteLevelBPE(let tokenizer):
            var metadata: Metadata = [
                MetadataKey.tokenizerModel: .string(Kind.gpt2.rawValue),
                MetadataKey.tokenizerVocabulary: .array(MetadataArray(tokenizer.tokens)),
                MetadataKey.tokenizerMerges: .array(MetadataArray(tokenizer.merges)),
            ]
            let special = tokenizer.specialTokens.map { MetadataValue.uint32(UInt32(bitPattern: $0)) }
            if !special.isEmpty, let array = MetadataArray(elementType: .uint32, elements: special) {
                metadata[MetadataKey.tokenizerSpecialTokens] = .array(array)
            }
            if let end = tokenizer.endOfText {
                metadata[MetadataKey.tokenizerEndOfText] = .uint32(UInt32(bitPattern: end))
            }
            return metadata
        }
    }
}
