import CheckpointFormat
import CheckpointInterop
import SystemPackage
import TensorCore
import TestSupport
import Testing

/// One rule of the format and a file that breaks it.
struct BrokenFile: Sendable, CustomTestStringConvertible {
    let rule: String
    let header: String
    var data: [UInt8] = [0]
    /// The error without its path.
    let error: String

    var testDescription: String { rule }
}

private func entry(
    _ name: String = "a", dtype: String = "U8", shape: String = "[1]", offsets: String = "[0,1]"
) -> String {
    "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
}

private let lists = "header (byte 9): breaks the format's rules: found"
private let tensorA = "tensor 'a', header (byte 9): breaks the format's rules: found"

@Suite struct SafetensorsHeaderTests {
    static func file(_ header: [UInt8], length: UInt64? = nil, data: [UInt8] = []) -> [UInt8] {
        let length = length ?? UInt64(header.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header + data
    }

    private func open(_ bytes: [UInt8]) throws -> SafetensorsSource {
        let folder = try TemporaryFolder()
        let path = folder.file("model")
        try path.writeBytes(bytes)
        return try SafetensorsSource(path: path)
    }

    private func error(_ bytes: [UInt8]) throws -> CheckpointError? {
        do {
            _ = try open(bytes)
            return nil
        } catch let error as CheckpointError {
            return error
        }
    }

    static let broken: [BrokenFile] = [
        BrokenFile(
            rule: "not an object", header: "[]",
            error: "header (byte 8): breaks the format's rules: found '[', expected an object"),
        BrokenFile(
            rule: "no JSON", header: "",
            error: "header (byte 8): breaks the format's rules: found the end of the text, expected an object"),
        BrokenFile(
            rule: "NUL padding", header: "{\(entry())}\0\0",
            error: "header (byte 61): breaks the format's rules: found byte 0x0, expected the end of the JSON text"),
        BrokenFile(
            rule: "byte order mark", header: "\u{FEFF}{\(entry())}",
            error: "header (byte 8): breaks the format's rules: found byte 0xEF, expected an object"),
        BrokenFile(
            rule: "duplicate tensor", header: "{\(entry()),\(entry())}",
            error:
                "header (byte 61): breaks the format's rules: found the key \"a\" a second time, expected each key once"
        ),
        BrokenFile(
            rule: "duplicate metadata key", header: "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"},\(entry())}",
            error:
                "header (byte 33): breaks the format's rules: found the key \"k\" a second time, expected each key once"
        ),
        BrokenFile(
            rule: "duplicate field",
            header: "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
            error:
                "header (byte 27): breaks the format's rules: found the key \"dtype\" a second time, expected each key once"
        ),
        BrokenFile(
            rule: "metadata that is no string", header: "{\"__metadata__\":{\"k\":1},\(entry())}",
            error: "header (byte 29): breaks the format's rules: found '1', expected a string"),
        BrokenFile(
            rule: "entry that is no object", header: "{\"a\":[\"U8\",[1],[0,1]]}",
            error: "header (byte 13): breaks the format's rules: found '[', expected an object"),
        BrokenFile(
            rule: "no dtype", header: "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}",
            error: "\(lists) no dtype for tensor \"a\", expected dtype, shape and data_offsets"),
        BrokenFile(
            rule: "no shape", header: "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}",
            error: "\(lists) no shape for tensor \"a\", expected dtype, shape and data_offsets"),
        BrokenFile(
            rule: "no data_offsets", header: "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}",
            error: "\(lists) no data_offsets for tensor \"a\", expected dtype, shape and data_offsets"),
        BrokenFile(
            rule: "three offsets", header: "{\(entry(offsets: "[0,1,2]"))}",
            error: "\(lists) 3 data_offsets for tensor \"a\", expected 2"),
        BrokenFile(
            rule: "unknown type", header: "{\(entry(dtype: "u8"))}",
            error: "\(tensorA) the type \"u8\", expected one of BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, "
                + "F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64"),
        BrokenFile(
            rule: "quantised block type", header: "{\(entry(dtype: "Q8_0", shape: "[32]", offsets: "[0,34]"))}",
            data: Array(repeating: 0, count: 34),
            error:
                "\(tensorA) the type \"Q8_0\", expected one of BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, "
                + "F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64"),
        BrokenFile(
            rule: "size that is no whole number", header: "{\(entry(shape: "[1.0]"))}",
            error: "header (byte 36): breaks the format's rules: found 1.0, expected a whole number from "
                + "\(Int.min) to \(Int.max)"),
        BrokenFile(
            rule: "negative size", header: "{\(entry(shape: "[-1]"))}",
            error: "header (byte 36): breaks the format's rules: found -1, expected a number from 0 to \(Int.max)"),
        BrokenFile(
            rule: "size beyond 64 bits", header: "{\(entry(shape: "[18446744073709551616]"))}",
            error: "header (byte 36): breaks the format's rules: found 18446744073709551616, expected a whole number "
                + "from \(Int.min) to \(Int.max)"),
        BrokenFile(
            rule: "element count overflows", header: "{\(entry(shape: "[4294967296,4294967296]"))}",
            error: "\(tensorA) the shape [4294967296, 4294967296] of U8, expected whole bytes and a size that can be "
                + "addressed"),
        BrokenFile(
            rule: "element count overflows before a zero",
            header: "{\(entry(shape: "[4294967296,4294967296,0]", offsets: "[0,0]"))}", data: [],
            error: "\(tensorA) the shape [4294967296, 4294967296, 0] of U8, expected whole bytes and a size that can "
                + "be addressed"),
        BrokenFile(
            rule: "byte count overflows", header: "{\(entry(dtype: "F64", shape: "[4611686018427387904]"))}",
            error: "\(tensorA) the shape [4611686018427387904] of F64, expected whole bytes and a size that can be "
                + "addressed"),
        BrokenFile(
            rule: "half a byte", header: "{\(entry(dtype: "F4"))}",
            error: "\(tensorA) the shape [1] of F4, expected whole bytes and a size that can be addressed"),
        BrokenFile(
            rule: "size disagrees with the shape", header: "{\(entry(shape: "[2]"))}",
            error: "\(tensorA) data_offsets [0, 1], expected 2 bytes for U8 [2]"),
        BrokenFile(
            rule: "end before start", header: "{\(entry(offsets: "[1,0]"))}",
            error: "\(tensorA) data_offsets [1, 0], expected 1 bytes for U8 [1]"),
        BrokenFile(
            rule: "gap at the start", header: "{\(entry(offsets: "[1,2]"))}", data: [0, 0],
            error: "\(tensorA) data that starts at 1, expected 0, where the tensor before it ends"),
        BrokenFile(
            rule: "gap", header: "{\(entry()),\(entry("b", offsets: "[2,3]"))}", data: [0, 0, 0],
            error: "tensor 'b', header (byte 61): breaks the format's rules: found data that starts at 2, expected 1, "
                + "where the tensor before it ends"),
        BrokenFile(
            rule: "overlap", header: "{\(entry(shape: "[2]", offsets: "[0,2]")),\(entry("b", offsets: "[1,2]"))}",
            data: [0, 0],
            error: "tensor 'b', header (byte 61): breaks the format's rules: found data that starts at 1, expected 2, "
                + "where the tensor before it ends"),
        BrokenFile(
            rule: "bytes after the last tensor", header: "{\(entry())}", data: [0, 0],
            error: "\(tensorA) 2 bytes after the header, expected 1, where the last tensor ends"),
        BrokenFile(
            rule: "file ends inside a tensor", header: "{\(entry())}", data: [],
            error: "\(tensorA) 0 bytes after the header, expected 1, where the last tensor ends"),
        BrokenFile(
            rule: "bytes without a tensor", header: "{}",
            error: "header (byte 8): breaks the format's rules: found 1 bytes after the header, expected 0, where the "
                + "last tensor ends"),
        BrokenFile(
            rule: "nested too deeply",
            header: "{\"a\":{\"x\":\(String(repeating: "[", count: 500))",
            error: "header (byte 145): breaks the format's rules: found '[', expected at most 128 levels"),
        BrokenFile(
            rule: "typed metadata of another make", header: "{\"__metadata__\":{\"crux.metadata\":\"{}x\"},\(entry())}",
            error:
                "header, crux.metadata: byte 2 of the value is not as crux writes it: found 'x', expected the end of "
                + "the JSON text"),
        BrokenFile(
            rule: "unknown role", header: "{\"__metadata__\":{\"crux.roles\":\"{\\\"a\\\":\\\"boss\\\"}\"},\(entry())}",
            error:
                "header, crux.roles: byte 1 of the value is not as crux writes it: found the role \"boss\", expected "
                + "weight, critic, first moment, second moment, critic first moment, critic second moment, state"),
    ]

    @Test(arguments: broken) func refusesAFileThatBreaksARule(file: BrokenFile) throws {
        let error = try error(Self.file(Array(file.header.utf8), data: file.data))
        #expect(error?.detail == file.error)
    }

    @Test func refusesAHeaderThatDoesNotFit() throws {
        for count in 0..<8 {
            let error = try error(Array(repeating: 0, count: count))
            #expect(error?.kind == .truncated)
        }
        #expect(
            try error(Self.file(Array("{}".utf8), length: 3))?.description.hasSuffix(
                "header, length (bytes 0–7): the file ends inside its header: found 2 bytes after the length, expected 3"
            )
                == true)
        #expect(
            try error(Self.file(Array("{}".utf8), length: 100_000_001))?.detail
                == "header, length (bytes 0–7): the header is too long: found 100000001 bytes, expected at most 100000000"
        )
        #expect(try error(Self.file([], length: .max))?.kind == .invalid)
    }

    @Test func refusesANameThatIsNotUTF8() throws {
        let header = Array("{\"".utf8) + [0xFF] + Array("\":{}}".utf8)
        #expect(
            try error(Self.file(header))?.detail
                == "header (byte 10): breaks the format's rules: found a string that is not UTF-8, expected UTF-8")
    }

    @Test(arguments: [
        "{\(entry())}", " \n{\(entry())} \t ", "{\"__metadata__\":null,\(entry())}", "{\"__metadata__\":{},\(entry())}",
        "{\"a\":{\"data_offsets\":[0,1],\"shape\":[1],\"more\":[{\"x\":null}],\"dtype\":\"U8\"}}",
        "{\(entry("b", shape: "[0]", offsets: "[1,1]")),\(entry()),\(entry("c", shape: "[0,9]", offsets: "[0,0]"))}",
        "{\(entry("", shape: "[]"))}", "{\(entry("\\u0000"))}", "{\(entry(dtype: "BOOL"))}",
        "{\(entry(dtype: "F4", shape: "[2]"))}",
    ])
    func acceptsWhatTheReferenceLibraryAccepts(header: String) throws {
        let source = try open(Self.file(Array(header.utf8), data: [7]))
        let tensor = try #require(source.tensors.first { $0.byteCount == 1 })
        #expect(try source.readBytes(of: tensor) == [7])
    }

    @Test func everyTruncationOfAFileIsRefused() throws {
        let bytes = try Fixtures.path("peers/safetensors/edges.safetensors").readBytes()
        for count in 0..<bytes.count {
            let error = try error(Array(bytes[..<count]))
            #expect(error?.kind == .truncated, "\(count) bytes")
        }
    }

    @Test func noByteOfAHeaderMakesItTrap() throws {
        let bytes = try Fixtures.path("peers/safetensors/edges.safetensors").readBytes()
        let dataByteCount = 36
        let json = Array(bytes[8..<bytes.count - dataByteCount])
        var acceptedCount = 0
        for index in json.indices {
            for replacement: UInt8 in 0...255 {
                var changed = json
                changed[index] = replacement
                // Names and metadata are free text, so some changes are accepted; then all bytes are covered.
                guard let header = try? SafetensorsHeader(json: changed, dataByteCount: dataByteCount) else { continue }
                acceptedCount += 1
                #expect(header.entries.reduce(0) { $0 + $1.range.count } == dataByteCount)
            }
        }
        #expect(acceptedCount > 0)
    }
}
