import Foundation
import SystemPackage
import TestSupport
import Testing
import Training

@Suite("TensorBoard event files")
struct TensorBoardTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func run(_ overrides: [String], resume: Bool = false) throws {
        _ = try Pretraining(TinyRuns.pretraining(overrides)).run(
            checkpoint: folder.file("run.crux"), resume: resume, metricsFile: folder.file("run.jsonl"),
            tensorBoardFolder: folder.file("logs"))
    }

    @Test("CRC-32C has the check value of the standard")
    func checksum() {
        #expect(TensorBoardEvent.checksum(Array("123456789".utf8)) == 0xE306_9283)
        // RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up.
        #expect(TensorBoardEvent.checksum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(TensorBoardEvent.checksum(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(TensorBoardEvent.checksum(Array(0..<32)) == 0x46DD_794E)
    }

    @Test("Records in order, whole after a resume")
    func records() throws {
        try run(["steps=2"])
        try run(["steps=4"], resume: true)
        let bytes = try TensorBoardLog.path(in: folder.file("logs"), name: "run").readBytes()
        var (offset, records): (Int, [[UInt8]]) = (0, [])
        while offset < bytes.count {
            let count = bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
            records.append(Array(bytes[offset + 12..<offset + 12 + count]))
            offset += 16 + count
        }
        #expect(records.count == 5)
        #expect(Array(records[0].dropFirst(9)) == [0x1A, 13] + Array("brain.Event:2".utf8))
        // Field 2 of the event is the step.
        for step in 1...4 { #expect(Array(records[step][9..<11]) == [0x10, UInt8(step)]) }
    }

    @Test(
        "A reader written from the specification alone finds the figures of the JSON lines",
        .enabled(if: Peers.python != nil, "make peers makes the Python environment"))
    func independentReader() async throws {
        try run(["steps=3"])
        let python = try #require(Peers.python)
        let result = try await CommandResult.run(
            python,
            [
                Fixtures.path("peers/read_events.py").string,
                TensorBoardLog.path(in: folder.file("logs"), name: "run").string,
            ])
        #expect(result.exitCode == 0, "\(result.standardError)")
        let events = try result.standardOutput.split(separator: "\n").map {
            try JSONDecoder().decode([String: Double].self, from: Data($0.utf8))
        }
        let lines = try TinyRuns.metrics(folder.file("run.jsonl"))
        #expect(events.count == 3)
        for (event, line) in zip(events, lines) {
            #expect(Set(event.keys) == Set(line.keys))
            for (name, value) in line { #expect(event[name] == Double(Float(value)), "\(name)") }
        }
    }
}
