import Foundation
import SystemPackage
import TestSupport
import Testing

/// One recorded run of the command line: a file of `fixtures/cli`.
///
/// The file says why the case exists (`#`), the command (`$ crux …`), and below it what the command wrote to standard
/// output and standard error and its exit code.
struct CommandGolden: CustomTestStringConvertible, Sendable {
    let name: String
    let reason: String
    let arguments: [String]
    let recorded: String

    /// All cases, by name.
    static let all: [CommandGolden] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
        return names.filter { $0.hasSuffix(".golden") }.sorted().compactMap(CommandGolden.init(fileName:))
    }()

    static let folder = Fixtures.path("cli")
    /// Set to 1 to record what the commands do now; the run still fails, so that it cannot pass unseen.
    static let isRecording = ProcessInfo.processInfo.environment["CRUX_RECORD_GOLDENS"] == "1"

    var testDescription: String { name }

    private init?(fileName: String) {
        let path = Self.folder.appending(fileName)
        guard let text = (try? path.readBytes()).map({ String(decoding: $0, as: UTF8.self) }) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let command = lines.first(where: { $0.hasPrefix("$ crux ") }) else { return nil }
        name = String(fileName.dropLast(".golden".count))
        reason = lines.prefix { $0.hasPrefix("#") }.joined(separator: "\n")
        arguments = command.dropFirst("$ crux ".count).split(separator: " ").map(String.init)
        recorded = text
    }

    /// The file's text for what a run did.
    func text(of result: CommandResult) -> String {
        """
        \(reason)
        $ crux \(arguments.joined(separator: " "))
        [standard output]
        \(result.standardOutput)[standard error]
        \(result.standardError)[exit code]
        \(result.exitCode)

        """
    }

    /// Records a run.
    func record(_ text: String) throws {
        try Self.folder.appending(name + ".golden").writeBytes(Array(text.utf8))
    }
}
