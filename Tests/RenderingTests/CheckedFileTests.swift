import Foundation
import Rendering
import Testing

@Suite("Reports that pipelines read")
struct CheckedFileTests {
    let files = [
        CheckedFile(path: "good.crux", isUnreadable: false, findings: []),
        CheckedFile(
            path: "a b/\"bad\",1.crux", isUnreadable: false,
            findings: [
                .init(level: .error, rule: "damaged", message: "checksum <mismatch>\n100 %", byteRange: 64..<128),
                .init(level: .warning, rule: "notFinite", message: "1 NaN"),
            ]),
        CheckedFile(
            path: "gone.crux", isUnreadable: true,
            findings: [.init(level: .error, rule: "missing", message: "cannot open")]),
    ]

    @Test func junit() throws {
        let xml = CheckedFile.junit(files, suite: "crux verify")
        #expect(xml.contains("tests=\"3\" failures=\"1\" errors=\"1\""))
        #expect(xml.contains("<testcase classname=\"crux verify\" name=\"good.crux\">\n    </testcase>"))
        #expect(xml.contains("name=\"a b/&quot;bad&quot;,1.crux\""))
        #expect(xml.contains("<failure type=\"damaged\" message=\"checksum &lt;mismatch&gt;\n100 %\">"))
        #expect(xml.contains("<system-out>1 NaN</system-out>"))
        #expect(xml.contains("<error type=\"missing\" message=\"cannot open\">cannot open</error>"))
    }

    @Test func sarif() throws {
        let log = SARIFLog(files, tool: "crux", toolVersion: "1", rules: [("damaged", "Bytes changed.")])
        let json = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(log)) as? [String: Any])
        #expect(json["version"] as? String == "2.1.0")
        let run = try #require((json["runs"] as? [[String: Any]])?.first)
        let results = try #require(run["results"] as? [[String: Any]])
        #expect(results.map { $0["level"] as? String } == ["error", "warning", "error"])
        let place = try #require((results[0]["locations"] as? [[String: [String: Any]]])?.first?["physicalLocation"])
        #expect((place["artifactLocation"] as? [String: String])?["uri"] == "a%20b/%22bad%22%2C1.crux")
        #expect(place["region"] as? [String: Int] == ["byteOffset": 64, "byteLength": 64])
    }

    @Test func gitHub() {
        #expect(
            CheckedFile.gitHubAnnotations(files, title: "crux verify") == """
                ::error file=a b/"bad"%2C1.crux,title=crux verify%3A damaged::checksum <mismatch>%0A100 %25
                ::warning file=a b/"bad"%2C1.crux,title=crux verify%3A notFinite::1 NaN
                ::error file=gone.crux,title=crux verify%3A missing::cannot open

                """)
    }
}
