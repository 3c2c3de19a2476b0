import SystemPackage
import TestSupport
import Testing

@Suite("crux convert on the command line")
struct ConvertCommandTests {
    @Test("What the target cannot hold is refused, all of it named, and left out with --lossy")
    func losses() async throws {
        let folder = try TemporaryFolder()
        let source = Fixtures.path("valid/v1/all-dtypes.crux").string
        let refused = try await CommandResult.crux(["convert", source, "out.safetensors"], in: folder.path)
        #expect(refused.exitCode == 2)
        #expect(refused.standardError.contains("safetensors has no Q4_0"))
        #expect(refused.standardError.contains("safetensors has no Q6_K"))
        #expect(try folder.entries() == [])
        let lossy = try await CommandResult.crux(["convert", source, "out.safetensors", "--lossy"], in: folder.path)
        #expect(lossy.exitCode == 0, "\(lossy.standardError)")
        #expect(lossy.standardError.contains("safetensors has no Q4_0"))
        let inspection = try await CommandResult.crux(["inspect", "out.safetensors"], in: folder.path)
        #expect(inspection.exitCode == 0)
        #expect(!inspection.standardOutput.contains("Q4_0"))
    }
}
