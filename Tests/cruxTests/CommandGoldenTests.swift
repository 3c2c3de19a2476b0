import TestSupport
import Testing

@Suite("The command line, word for word")
struct CommandGoldenTests {
    @Test("Recorded runs", arguments: CommandGolden.all)
    func golden(_ golden: CommandGolden) async throws {
        let folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
        let result = try await CommandResult.crux(
            golden.arguments, in: folder.path, environment: ["NO_COLOR": "1", "CLICOLOR_FORCE": "", "COLUMNS": ""])
        let text = golden.text(of: result)
        if CommandGolden.isRecording {
            try golden.record(text)
            Issue.record("recorded; look at the difference, then run without CRUX_RECORD_GOLDENS")
        }
        #expect(text == golden.recorded)
    }

    @Test("There are recorded runs")
    func some() { #expect(CommandGolden.all.count > 20) }
}
