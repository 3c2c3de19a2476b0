import CheckpointFormat
import CheckpointInterop
import Foundation
import SystemPackage
import TensorCore
import TestSupport
import Testing

/// The model of `fixtures/peers/gpt2` with other weights: its blocks add nothing, and each position asks for one token,
/// so that everybody knows what it writes. Its context is 64 tokens long.
@Suite("A text ends where an imported model ends it")
struct EndOfTextTests {
    private let folder: TemporaryFolder
    /// `<|endoftext|>`.
    private static let end: Int = 0
    /// The position whose next token is the end of the text.
    private static let endPosition = 8
    /// The next token before that position, and after it.
    private static let (before, after) = (40, 41)

    init() throws {
        folder = try TemporaryFolder()
        let model = folder.file("model")
        try FileManager.default.createDirectory(atPath: model.string, withIntermediateDirectories: false)
        let original = Fixtures.path("peers/gpt2/model")
        for name in ["config.json", "tokenizer.json"] {
            try model.appending(name).writeBytes(original.appending(name).readBytes())
        }
        let source = try SafetensorsSource(path: original.appending("model.safetensors"))
        let writer = try SafetensorsWriter.create(
            at: model.appending("model.safetensors"), tensors: source.tensors)
        for tensor in writer.tensors { try writer.write(Self.content(of: tensor)) }
        try writer.finish()
    }

    private static func content(of tensor: TensorDescription) -> [UInt8] {
        var values = [Float](repeating: 0, count: tensor.shape.dimensions.reduce(1, *))
        let width = tensor.shape.dimensions.last ?? 1
        switch tensor.name {
        case "transformer.wte.weight":
            for (direction, token) in [end, before, after].enumerated() { values[token * width + direction] = 10 }
        case "transformer.wpe.weight":
            for position in 0..<tensor.shape.dimensions[0] {
                let direction = position == endPosition ? 0 : position < endPosition ? 1 : 2
                values[position * width + direction] = 1000
            }
        case let name where name.contains(".ln_") && name.hasSuffix(".weight"):
            values = values.map { _ in 1 }
        default: break
        }
        return values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
    }

    private struct Item: Decodable, Equatable {
        let text: String
        let tokens: [Int]
        let isFinished: Bool
    }

    private func generate(_ model: String, _ prompt: String, _ options: String...) async throws -> [Item] {
        struct Report: Decodable { let completions: [Item] }
        let result = try await CommandResult.crux(
            ["generate", model, "--prompt", prompt, "--json"] + options, in: folder.path)
        #expect(result.exitCode == 0, "\(result.standardError)")
        return try JSONDecoder().decode(Report.self, from: Data(result.standardOutput.utf8)).completions
    }

    @Test("The token that ends a text ends the completion, and is not part of it")
    func stops() async throws {
        let item = try #require(try await generate("model", "A", "--greedy").first)
        #expect(item.tokens.last == Self.end)
        #expect(item.tokens.count == Self.endPosition + 1)
        #expect(Set(item.tokens.dropLast()) == [Self.before])
        #expect(item.isFinished)
        #expect(!item.text.isEmpty)
        #expect(!item.text.contains("endoftext"))
        let printed = try await CommandResult.crux(
            ["generate", "model", "--prompt", "A", "--greedy"], in: folder.path)
        #expect(printed.standardOutput == "A\(item.text)\n")
        // Each of several completions ends.
        let samples = try await generate("model", "A", "--top-k", "1", "--samples", "3")
        #expect(samples == [item, item, item])
    }

    @Test("The length limit and the context's end come first where they are nearer")
    func limits() async throws {
        let short = try #require(try await generate("model", "A", "--greedy", "--max-tokens", "3").first)
        #expect(short.tokens == [Self.before, Self.before, Self.before])
        #expect(!short.isFinished)
        // A prompt beyond the position that asks for the end.
        let long = try #require(try await generate("model", "0123456789012345678901234567890", "--greedy").first)
        #expect(Set(long.tokens) == [Self.after])
        #expect(!long.isFinished)
    }

    @Test("The same from the formats that the model is exported to")
    func formats() async throws {
        let expected = try await generate("model", "A", "--greedy")
        for (name, tool) in [("model.crux", "crux"), ("model.gguf", "llama.cpp"), ("again", "transformers")] {
            let result = try await CommandResult.crux(["convert", "model", name, "--for", tool], in: folder.path)
            #expect(result.exitCode == 0, "\(result.standardError)")
            #expect(try await generate(name, "A", "--greedy") == expected, "\(name)")
        }
    }
}
