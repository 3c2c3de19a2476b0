#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Prompts as a file has them.
public struct PromptFile: Sendable {
    /// One prompt.
    public struct Prompt: Hashable, Sendable {
        /// What is to be continued.
        public let text: String
        /// The continuation that counts as the truth; nil where there is none.
        public let completion: String?
        /// The file's line that it stands in, from 1.
        public let line: Int
    }

    /// The file's name, for reports and errors.
    public let name: String
    /// The prompts in order.
    public let prompts: [Prompt]

    /// Whether every prompt has a completion.
    public var hasCompletions: Bool { prompts.allSatisfy { $0.completion != nil } }

    /// Reads prompts: JSON lines with `prompt` and, where there is one, `completion` if the name ends in `.jsonl` or
    /// `.ndjson`; else a prompt a line. Empty lines are left out.
    ///
    /// - Throws: ``AnalysisError`` naming the first line that is not a prompt, and a file without any.
    public init(_ text: String, name: String) throws(AnalysisError) {
        self.name = name
        let isJSON = [".jsonl", ".ndjson"].contains { name.lowercased().hasSuffix($0) }
        var prompts: [Prompt] = []
        // Line feeds alone end lines: other line ends may stand inside a prompt.
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let line = String(Substring(bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes))
            if line.allSatisfy(\.isWhitespace) { continue }
            prompts.append(
                isJSON
                    ? try Self.prompt(line, name: name, line: index + 1)
                    : Prompt(text: line, completion: nil, line: index + 1))
        }
        guard !prompts.isEmpty else {
            throw .unsuitable(subject: name, found: "no prompt", expected: "at least one line")
        }
        self.prompts = prompts
    }

    private struct Entry: Decodable {
        let prompt: String
        let completion: String?
    }

    private static func prompt(_ line: String, name: String, line number: Int) throws(AnalysisError) -> Prompt {
        guard let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)) else {
            throw .unsuitable(
                subject: "\(name): line \(number)",
                found: line.count > 60 ? "\(line.prefix(60))…" : line,
                expected: "a JSON object with \"prompt\" and, where there is one, \"completion\", both strings")
        }
        guard !entry.prompt.isEmpty else {
            throw .unsuitable(
                subject: "\(name): line \(number): prompt", found: "no character", expected: "at least one")
        }
        if entry.completion?.isEmpty == true {
            throw .unsuitable(
                subject: "\(name): line \(number): completion", found: "no character",
                expected: "at least one, or no completion at all")
        }
        return Prompt(text: entry.prompt, completion: entry.completion, line: number)
    }
}
