/// What a check has found as SARIF 2.1.0, which code scanning services read.
///
/// Source: OASIS, Static Analysis Results Interchange Format 2.1.0; the properties keep its names.
public struct SARIFLog: Encodable, Sendable {
    let version = "2.1.0"
    let schema = "https://json.schemastore.org/sarif-2.1.0.json"
    let runs: [Run]

    /// The log of one run of a tool.
    ///
    /// - Parameters:
    ///   - files: What was checked.
    ///   - tool: The tool's name.
    ///   - toolVersion: Its version.
    ///   - rules: What each rule that a finding may name means.
    public init(_ files: [CheckedFile], tool: String, toolVersion: String, rules: [(id: String, text: String)]) {
        let driver = Driver(
            name: tool, version: toolVersion,
            rules: rules.map { Rule(id: $0.id, shortDescription: Message(text: $0.text)) })
        runs = [
            Run(
                tool: Tool(driver: driver), artifacts: files.map { Artifact(location: Location(path: $0.path)) },
                results: files.flatMap { file in
                    file.findings.map { finding in
                        Result(
                            ruleId: finding.rule, level: finding.level.rawValue,
                            message: Message(text: finding.message),
                            locations: [Place(physicalLocation: Physical(file: file, finding: finding))])
                    }
                })
        ]
    }

    private enum CodingKeys: String, CodingKey {
        case version, schema = "$schema", runs
    }

    struct Run: Encodable {
        let tool: Tool
        let artifacts: [Artifact]
        let results: [Result]
    }

    struct Tool: Encodable {
        let driver: Driver
    }

    struct Driver: Encodable {
        let name: String
        let version: String
        let rules: [Rule]
    }

    struct Rule: Encodable {
        let id: String
        let shortDescription: Message
    }

    struct Artifact: Encodable {
        let location: Location
    }

    struct Result: Encodable {
        let ruleId: String
        let level: String
        let message: Message
        let locations: [Place]
    }

    struct Message: Encodable {
        let text: String
    }

    struct Place: Encodable {
        let physicalLocation: Physical
    }

    struct Physical: Encodable {
        let artifactLocation: Location
        let region: Region?

        init(file: CheckedFile, finding: CheckedFile.Finding) {
            artifactLocation = Location(path: file.path)
            region = finding.byteRange.map { Region(byteOffset: $0.lowerBound, byteLength: $0.count) }
        }
    }

    struct Region: Encodable {
        let byteOffset: Int
        let byteLength: Int
    }

    /// A file as a URI reference (RFC 3986): a path whose other bytes are written in percent.
    struct Location: Encodable {
        let uri: String

        init(path: String) {
            let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/".utf8)
            uri = path.utf8.map { byte in
                if plain.contains(byte) { return String(UnicodeScalar(byte)) }
                let digits = String(byte, radix: 16, uppercase: true)
                return "%" + (digits.count == 1 ? "0" : "") + digits
            }.joined()
        }
    }
}
