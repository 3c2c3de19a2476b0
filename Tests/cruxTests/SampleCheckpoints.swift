import CheckpointFormat
import Codecs
import LanguageModel
import SystemPackage
import Tasks
import TensorCore

/// Small checkpoints for the command line to work on. Every byte is the same on every machine: values are made with
/// integer arithmetic, and nothing is compressed.
enum SampleCheckpoints {
    static let configuration = ModelConfiguration(
        vocabularySize: AdditionVocabulary.task.tokenizer.vocabulary.count, contextLength: 256, layerCount: 2,
        headCount: 2, embeddingSize: 16, usesBiases: false, layerNormEpsilon: 1e-5)

    /// Writes all samples into a folder:
    /// - `base.crux`, a model; `policy.crux`, the same with two tensors moved, optimiser state and lineage;
    ///   `copy.crux`, base's weights with other metadata; `wider.crux`, with one tensor reshaped and one more;
    /// - `damaged.crux`, base with one bit of a tensor flipped; `cut.crux`, base without its end;
    /// - `limits.yml`, limits for diff and kl;
    /// - `text.txt`, a text of the task; `strange.txt`, one with a character that the vocabulary lacks;
    ///   `noise.bin`, no checkpoint.
    static func write(into folder: FilePath) throws {
        let base = try values(seed: 1)
        var policy = base
        for name in ["h.1.attn.c_attn.weight", "h.0.mlp.c_fc.weight"] {
            guard let range = try ParameterLayout.gpt2(configuration)[name]?.range else { continue }
            for index in range where index % 3 == 0 { policy[index] += Float(index % 7) / 256 }
        }
        let baseDigest = try write(base, kind: "pretrained", step: 400, to: folder.appending("base.crux"))
        try write(
            policy, kind: "policy", step: 25, reference: baseDigest, withOptimiser: true,
            to: folder.appending("policy.crux"))
        try write(base, kind: "policy", step: 0, to: folder.appending("copy.crux"))
        try write(base, kind: "pretrained", step: 400, reshaping: "wpe.weight", to: folder.appending("wider.crux"))
        var bytes = try folder.appending("base.crux").bytes()
        bytes[8192] ^= 4
        try folder.appending("damaged.crux").replace(with: bytes)
        try folder.appending("cut.crux").replace(with: Array(bytes[..<20_000]))
        try folder.appending("noise.bin").replace(with: Array("not a checkpoint at all".utf8))
        let problem = try AdditionProblem("12+7")
        try folder.appending("text.txt").replace(with: Array((problem.prompt + problem.answer).utf8))
        try folder.appending("limits.yml").replace(
            with: Array("diff:\n  - changed.frozen:wte*>0\n  - l1:head*>1\nkl:\n  - kl.p99>0.5\n".utf8))
        try folder.appending("strange.txt").replace(with: Array("Input:\n1€".utf8))
    }

    /// Parameters that look random and need no library function.
    private static func values(seed: UInt64) throws -> [Float] {
        let layout = try ParameterLayout.gpt2(configuration)
        var state = seed
        var values = (0..<layout.count).map { _ -> Float in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Float(state >> 48) / 65536 - 0.5) / 4
        }
        for entry in layout.entries where entry.shape.rank == 1 { for index in entry.range { values[index] = 1 } }
        return values
    }

    @discardableResult
    private static func write(
        _ values: [Float], kind: String, step: UInt64, reference: String? = nil, withOptimiser: Bool = false,
        reshaping reshaped: String? = nil, to path: FilePath
    ) throws -> String {
        let writer = try CheckpointWriter.create(at: path, options: WriterOptions(codec: .raw))
        for (key, value) in metadata(kind: kind, step: step, reference: reference) { writer.setMetadata(key, value) }
        for entry in try ParameterLayout.gpt2(configuration).entries {
            let content = bytes(of: values[entry.range])
            let shape = entry.name == reshaped ? Shape([entry.range.count]) : entry.shape
            try writer.append(
                TensorDescription(name: entry.name, dtype: .f32, shape: shape), bytes: unsafe content.span.bytes)
            guard withOptimiser else { continue }
            let zeros = [UInt8](repeating: 0, count: content.count)
            try writer.append(
                TensorDescription(
                    name: "optimiser.m.\(entry.name)", dtype: .f32, shape: shape, role: .firstMoment),
                bytes: unsafe zeros.span.bytes)
        }
        if reshaped != nil {
            try writer.append(
                TensorDescription(name: "lm_head.bias", dtype: .bf16, shape: [4]),
                bytes: unsafe [UInt8](repeating: 0, count: 8).span.bytes)
        }
        return try writer.finish().weightsDigest.hex
    }

    private static func metadata(kind: String, step: UInt64, reference: String?) -> [(String, MetadataValue)] {
        var entries: [(String, MetadataValue)] = [
            (MetadataKey.kind, .string(kind)), (MetadataKey.step, .uint64(step)),
            (MetadataKey.configuration, .string("seed: 1\nalpha: \(kind == "policy" ? 5 : 0)\n")),
            (MetadataKey.architecture, .string("gpt2")),
            (MetadataKey.contextLength, .uint32(UInt32(configuration.contextLength))),
            (MetadataKey.embeddingSize, .uint32(UInt32(configuration.embeddingSize))),
            (MetadataKey.layerCount, .uint32(UInt32(configuration.layerCount))),
            (MetadataKey.headCount, .uint32(UInt32(configuration.headCount))),
            (MetadataKey.vocabularySize, .uint32(UInt32(configuration.vocabularySize))),
            (MetadataKey.usesBiases, .bool(configuration.usesBiases)),
            (MetadataKey.layerNormEpsilon, .float32(configuration.layerNormEpsilon)),
            (MetadataKey.tokenizerModel, .string("character")),
            (MetadataKey.tokenizerVocabulary, .array(MetadataArray(AdditionVocabulary.task.tokenizer.vocabulary))),
        ]
        if let reference { entries.append((MetadataKey.reference, .string(reference))) }
        return entries
    }

    private static func bytes(of values: ArraySlice<Float>) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
    }
}

extension FilePath {
    /// The file's content.
    fileprivate func bytes() throws -> [UInt8] {
        let descriptor = try FileDescriptor.open(self, .readOnly)
        return try descriptor.closeAfter {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
                if count == 0 { return bytes }
                bytes += buffer[..<count]
            }
        }
    }

    /// Replaces the file's content.
    fileprivate func replace(with bytes: [UInt8]) throws {
        let descriptor = try FileDescriptor.open(
            self, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        _ = try descriptor.closeAfter { try descriptor.writeAll(bytes) }
    }
}
