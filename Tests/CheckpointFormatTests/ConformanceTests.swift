import Foundation
import SystemPackage
import TestSupport
import Testing

/// `spec/conformance.md` names what there is, and all of it.
@Suite struct ConformanceTests {
    /// What the document names between backticks.
    static func names() throws -> [String] {
        let bytes = try Fixtures.repository.pushing("spec/conformance.md").readBytes()
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "`", omittingEmptySubsequences: false)
        return stride(from: 1, to: parts.count, by: 2).map { String(parts[$0]) }
    }

    @Test func everyFixtureIsNamed() throws {
        let named = Set(try Self.names().filter { $0.hasSuffix(".crux") })
        let fixtures = Set(FixtureTests.valid + FixtureTests.invalid)
        #expect(named.subtracting(fixtures).sorted() == [], "named, but not there")
        #expect(fixtures.subtracting(named).sorted() == [], "there, but not named")
    }

    @Test func everyNamedTestExists() throws {
        let root = Fixtures.repository.appending("Tests")
        var sources: [String: String] = [:]
        for name in FileManager.default.enumerator(atPath: root.string)?.compactMap({ $0 as? String }) ?? [] {
            guard name.hasSuffix(".swift"), let suite = FilePath(name).stem else { continue }
            sources[suite] = String(decoding: try root.pushing(FilePath(name)).readBytes(), as: UTF8.self)
        }
        let tests = try Self.names().map { $0.split(separator: ".") }.filter {
            $0.count == 2 && $0[0].hasSuffix("Tests")
        }
        #expect(tests.count > 25)
        for test in tests {
            #expect(sources[String(test[0])]?.contains("func \(test[1])(") == true, "\(test.joined(separator: "."))")
        }
    }
}
