internal import CheckpointFormat
internal import SystemPackage

/// `config.json` of a GPT-2 model, as `transformers` writes it.
struct HuggingFaceConfiguration {
    var vocabularySize = 50_257
    var contextLength = 1024
    var layerCount = 12
    var headCount = 12
    var embeddingSize = 768
    var layerNormEpsilon: Float = 1e-5
    var endOfText: Int?

    /// Reads the file; what it leaves out has the value that `transformers` gives it.
    ///
    /// - Throws: ``CheckpointError`` for a field that is not as expected, or says that the model computes
    ///   something else than GPT-2.
    init(path: FilePath) throws(CheckpointError) {
        var innerSize: Int?
        self.init()
        try JSONFile.scan(path) { (scanner) throws(JSONScanner.Failure) in
            try scanner.object { (scanner, key, offset) throws(JSONScanner.Failure) in
                func expect(_ accepted: [String]) throws(JSONScanner.Failure) {
                    let found = try scanner.scalar()
                    guard accepted.contains(found) else {
                        throw JSONScanner.Failure(
                            offset: offset, found: "\(key) \(found)", expected: accepted.joined(separator: " or "))
                    }
                }
                switch key {
                case "model_type": try expect(["\"gpt2\""])
                case "activation_function":
                    try expect(["\"gelu_new\"", "\"gelu_pytorch_tanh\""])
                case "scale_attn_weights", "tie_word_embeddings": try expect(["true"])
                case "scale_attn_by_inverse_layer_idx", "add_cross_attention": try expect(["false"])
                case "vocab_size": vocabularySize = try scanner.integer(Int.self)
                case "n_positions": contextLength = try scanner.integer(Int.self)
                case "n_layer": layerCount = try scanner.integer(Int.self)
                case "n_head": headCount = try scanner.integer(Int.self)
                case "n_embd": embeddingSize = try scanner.integer(Int.self)
                case "layer_norm_epsilon": layerNormEpsilon = Float(try scanner.number()) ?? .nan
                case "n_inner": if try !scanner.scan("null") { innerSize = try scanner.integer(Int.self) }
                case "eos_token_id": endOfText = Int(try scanner.scalar())
                default: try scanner.skipValue()
                }
            }
        }
        let (expected, overflow) = embeddingSize.multipliedReportingOverflow(by: 4)
        guard !overflow, innerSize ?? expected == expected else {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(field: "n_inner"), problem: "another shape of GPT-2",
                comparison: .values(found: "\(innerSize ?? 0)", expected: "null or 4 · n_embd"))
        }
    }

    private init() {}
}

/// A JSON file beside a checkpoint.
enum JSONFile {
    /// No configuration or vocabulary is larger.
    static let byteCountLimit = 64 << 20

    /// Reads a file whole, if it is small enough.
    static func read(_ path: FilePath) throws(CheckpointError) -> [UInt8] {
        let file = try InputFile(path: path)
        guard file.byteCount <= byteCountLimit else {
            throw CheckpointError(
                .invalid, path: path, problem: "the file is too large",
                comparison: .values(found: "\(file.byteCount) bytes", expected: "at most \(byteCountLimit)"))
        }
        return try file.read(0..<file.byteCount)
    }

    /// Scans a file that holds one value.
    static func scan(
        _ path: FilePath, _ body: (inout JSONScanner) throws(JSONScanner.Failure) -> Void
    ) throws(CheckpointError) {
        let bytes = try read(path)
        do throws(JSONScanner.Failure) {
            var scanner = JSONScanner(bytes)
            try body(&scanner)
            try scanner.end()
        } catch {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(byteRange: error.offset..<error.offset + 1),
                problem: "not as expected", comparison: .values(found: error.found, expected: error.expected))
        }
    }
}

extension JSONScanner {
    /// Scans any value: a string in quotes, a number, `true`, `false` or `null` as its text; else `…`.
    mutating func scalar() throws(Failure) -> String {
        switch peek() {
        case UInt8(ascii: "\""): return "\"\(try string())\""
        case UInt8(ascii: "t") where try scan("true"): return "true"
        case UInt8(ascii: "f") where try scan("false"): return "false"
        case UInt8(ascii: "n") where try scan("null"): return "null"
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            try skipValue()
            return "…"
        default: return try number()
        }
    }
}
