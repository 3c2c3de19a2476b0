internal import CheckpointFormat
internal import OrderedCollections
internal import SystemPackage

/// The tokenizer's files of a Hugging Face folder, as this project's metadata.
enum HuggingFaceTokenizer {
    /// More tokens than any vocabulary has.
    static let tokenLimit = 4_194_304
    /// The text of GPT-2's only special token.
    private static let endOfTextContent = "<|endoftext|>"

    /// Reads `tokenizer.json`, else `vocab.json` and `merges.txt`; nil where neither is there.
    ///
    /// - Throws: ``CheckpointError`` for a file that is broken, or a tokenizer of another kind.
    static func read(in folder: FilePath, endOfText: Int?) throws(CheckpointError) -> Metadata? {
        func exists(_ name: String) -> Bool { (try? Stat(folder.appending(name))) != nil }
        if exists("tokenizer.json") { return try read(json: folder.appending("tokenizer.json"), endOfText: endOfText) }
        for (vocabulary, merges) in [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")]
        where exists(vocabulary) && exists(merges) {
            let path = folder.appending(vocabulary)
            var numbers: [String: Int] = [:]
            try JSONFile.scan(path) { (scanner) throws(JSONScanner.Failure) in
                numbers = try self.numbers(&scanner)
            }
            let tokens = try tokens(numbers, path: path)
            return metadata(
                tokens: tokens, merges: try self.merges(folder.appending(merges)),
                special: numbers[endOfTextContent].map { [$0] } ?? [], endOfText: endOfText ?? numbers[endOfTextContent]
            )
        }
        return nil
    }

    /// Byte pairs as this project's metadata.
    static func metadata(tokens: [String], merges: [String], special: [Int], endOfText: Int?) -> Metadata {
        var metadata: Metadata = [
            MetadataKey.tokenizerModel: .string("gpt2"),
            MetadataKey.tokenizerVocabulary: .array(MetadataArray(tokens)),
            MetadataKey.tokenizerMerges: .array(MetadataArray(merges)),
        ]
        let special = special.map { MetadataValue.uint32(UInt32(clamping: $0)) }
        if !special.isEmpty, let array = MetadataArray(elementType: .uint32, elements: special) {
            metadata[MetadataKey.tokenizerSpecialTokens] = .array(array)
        }
        if let endOfText, tokens.indices.contains(endOfText) {
            metadata[MetadataKey.tokenizerEndOfText] = .uint32(UInt32(clamping: endOfText))
        }
        return metadata
    }

    private static func read(json path: FilePath, endOfText: Int?) throws(CheckpointError) -> Metadata {
        var (numbers, merges, added): ([String: Int], [String], [(content: String, number: Int)]) = ([:], [], [])
        var (model, splitter) = ("", "null")
        try JSONFile.scan(path) { (scanner) throws(JSONScanner.Failure) in
            try scanner.object { (scanner, key, offset) throws(JSONScanner.Failure) in
                switch key {
                case "added_tokens":
                    try scanner.array { (scanner) throws(JSONScanner.Failure) in added.append(try addedToken(&scanner))
                    }
                case "normalizer":
                    guard try scanner.scan("null") else {
                        throw JSONScanner.Failure(offset: offset, found: "a normalizer", expected: "null")
                    }
                case "pre_tokenizer": splitter = try self.splitter(&scanner)
                case "model":
                    try scanner.object { (scanner, key, offset) throws(JSONScanner.Failure) in
                        switch key {
                        case "type": model = try scanner.string()
                        case "vocab": numbers = try self.numbers(&scanner)
                        case "merges":
                            try scanner.array { (scanner) throws(JSONScanner.Failure) in
                                merges.append(try merge(&scanner))
                            }
                        case "byte_fallback", "ignore_merges", "continuing_subword_prefix", "end_of_word_suffix",
                            "dropout":
                            let found = try scanner.scalar()
                            guard ["false", "null", "\"\"", "0.0"].contains(found) else {
                                throw JSONScanner.Failure(offset: offset, found: "\(key) \(found)", expected: "none")
                            }
                        default: try scanner.skipValue()
                        }
                    }
                default: try scanner.skipValue()
                }
            }
        }
        for (content, number) in added { numbers[content] = number }
        let tokens = try tokens(numbers, path: path)
        switch (model, splitter) {
        case ("BPE", "ByteLevel"):
            let end = endOfText ?? added.first { $0.content == endOfTextContent }?.number
            return metadata(tokens: tokens, merges: merges, special: added.map(\.number), endOfText: end)
        case ("WordLevel", "Split"):
            return [
                MetadataKey.tokenizerModel: .string("character"),
                MetadataKey.tokenizerVocabulary: .array(MetadataArray(tokens)),
            ]
        default:
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(field: "model.type, pre_tokenizer.type"),
                problem: "a tokenizer that cannot be run",
                comparison: .values(
                    found: "\(model), \(splitter)",
                    expected: "BPE, ByteLevel as of GPT-2; or WordLevel, Split as this program writes characters"))
        }
    }

    /// The type of a pre-tokenizer, `null` for none; `…` for one of GPT-2's type that splits otherwise.
    private static func splitter(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> String {
        if try scanner.scan("null") { return "null" }
        var (type, isGPT2) = ("", true)
        try scanner.object { (scanner, key, _) throws(JSONScanner.Failure) in
            switch key {
            case "type": type = try scanner.string()
            case "add_prefix_space": isGPT2 = try scanner.scalar() == "false" && isGPT2
            case "use_regex": isGPT2 = try scanner.scalar() == "true" && isGPT2
            default: try scanner.skipValue()
            }
        }
        return isGPT2 ? type : type + " with another expression or a space put before"
    }

    private static func addedToken(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> (content: String, number: Int) {
        var (content, number): (String?, Int?)
        let start = scanner.offset
        try scanner.object { (scanner, key, _) throws(JSONScanner.Failure) in
            switch key {
            case "content": content = try scanner.string()
            case "id": number = try scanner.integer(Int.self)
            default: try scanner.skipValue()
            }
        }
        guard let content, let number else {
            throw JSONScanner.Failure(offset: start, found: "an added token", expected: "its content and id")
        }
        return (content, number)
    }

    /// A pair, written `"a b"` or `["a", "b"]`.
    private static func merge(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> String {
        guard scanner.peek() == UInt8(ascii: "[") else { return try scanner.string() }
        var parts: [String] = []
        try scanner.array { (scanner) throws(JSONScanner.Failure) in parts.append(try scanner.string()) }
        return parts.joined(separator: " ")
    }

    private static func numbers(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> [String: Int] {
        var numbers: [String: Int] = [:]
        try scanner.object { (scanner, token, _) throws(JSONScanner.Failure) in
            numbers[token] = try scanner.integer(Int.self)
        }
        return numbers
    }

    /// The tokens in the order of their numbers, which must be 0, 1, 2 and so on.
    private static func tokens(_ numbers: [String: Int], path: FilePath) throws(CheckpointError) -> [String] {
        let sorted = numbers.sorted { $0.value < $1.value }
        for (index, entry) in sorted.enumerated() where entry.value != index {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(field: "vocabulary"),
                problem: "the tokens' numbers have a gap or one twice",
                comparison: .values(found: "\(entry.value) for \(entry.key.debugDescription)", expected: "\(index)"))
        }
        return sorted.map(\.key)
    }

    private static func merges(_ path: FilePath) throws(CheckpointError) -> [String] {
        guard let text = String(validating: try JSONFile.read(path), as: UTF8.self) else {
            throw CheckpointError(.invalid, path: path, problem: "is not UTF-8")
        }
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String(decoding: $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0, as: UTF8.self)
        }
        if lines.first?.hasPrefix("#version") == true { lines.removeFirst() }
        while lines.last == "" { lines.removeLast() }
        return lines
    }
}
