import CheckpointFormat
import SystemPackage
import Testing

@Suite struct CheckpointErrorTests {
    @Test func descriptionsNamePathPlaceAndValues() {
        let place = CheckpointPlace(tensor: "h.0.ln_1.weight", chunk: 3, byteRange: 4096..<8192)
        #expect(
            CheckpointError(
                .damaged, path: "run.crux", place: place, problem: "checksum mismatch",
                comparison: .checksums(stored: "aa", computed: "bb")
            ).description == "run.crux: tensor 'h.0.ln_1.weight', chunk 3 (bytes 4096–8191): checksum mismatch: "
                + "stored aa, computed bb")
        #expect(
            CheckpointError(
                .invalid, path: "run.crux",
                place: CheckpointPlace(section: "header", field: "reserved", byteRange: 12..<13),
                problem: "wrong value", comparison: .values(found: "1", expected: "0")
            ).description == "run.crux: header, reserved (byte 12): wrong value: found 1, expected 0")
        #expect(
            CheckpointError(.io, path: "run.crux", problem: "cannot open: Permission denied").description
                == "run.crux: cannot open: Permission denied")
    }

    @Test func foundAndExpected() {
        let checksums = CheckpointError(
            .damaged, path: "a", problem: "p", comparison: .checksums(stored: "aa", computed: "bb"))
        #expect(checksums.found == "bb")
        #expect(checksums.expected == "aa")
        let none = CheckpointError(.damaged, path: "a", problem: "p")
        #expect(none.found == nil)
        #expect(none.expected == nil)
    }

    @Test func controlCharactersDoNotReachTheTerminal() {
        let place = CheckpointPlace(tensor: "a\u{1B}[31m\u{202E}b")
        #expect(place.description == "tensor 'a\\u{1b}[31m\\u{202e}b'")
    }
}
