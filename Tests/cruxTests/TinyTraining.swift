import Foundation
import SystemPackage
import TestSupport
import Testing

/// A folder with configurations of runs that take a moment: one layer of width 16.
struct TinyTraining {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.file("pre.yml").writeBytes(
            Array(
                """
                steps: 6
                workers: 1
                model: {context_length: 256, layer_count: 1, head_count: 2, embedding_size: 16}
                task: {digits: 1}
                data: {examples_per_step: 4}
                optimizer: {learning_rate: 3e-3, warmup_steps: 2, schedule: cosine}
                evaluation: {examples: 0}
                checkpoint: {every_steps: 2}

                """.utf8))
        try folder.file("fine.yml").writeBytes(
            Array(
                """
                steps: 4
                workers: 1
                rollout: {episodes_per_collect: 4, maximum_length: 40}
                task: {reward: reference-code}
                critic: {hidden_sizes: [8]}
                optimizer: {learning_rate: 1e-3, gradient_clip: 1}
                evaluation: {examples: 0}
                checkpoint: {every_steps: 2}

                """.utf8))
    }

    func crux(_ arguments: String...) async throws -> CommandResult { try await crux(arguments) }

    func crux(_ arguments: [String]) async throws -> CommandResult {
        try await CommandResult.crux(arguments, in: folder.path)
    }

    /// A command that must succeed.
    @discardableResult
    func output(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let result = try await CommandResult.crux(arguments, in: folder.path)
        #expect(result.exitCode == 0, "\(arguments): \(result.standardError)", sourceLocation: sourceLocation)
        return result.standardOutput
    }

    /// Runs a shell script in which `$CRUX` is the program.
    func shell(_ script: String) async throws -> CommandResult {
        try await CommandResult.run(
            "/bin/sh", ["-c", script], in: folder.path,
            environment: ["CRUX": CommandResult.builtExecutable("crux").string])
    }

    /// The steps of a metrics file, line by line.
    func steps(_ name: String) throws -> [Int] {
        try String(decoding: folder.file(name).readBytes(), as: UTF8.self).split(separator: "\n").map { line in
            let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(record?["step"] as? Int)
        }
    }

    /// The members of a JSON text.
    static func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// The weights' digest at the end of what a training prints.
    static func digest(_ output: String) throws -> String {
        let words = output.split(whereSeparator: \.isWhitespace)
        let digest = String(try #require(words.last))
        #expect(digest.count == 32)
        return digest
    }
}
