import CheckpointFormat
import CheckpointInterop
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct GGUFTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static let metadata: Metadata = [
        "general.architecture": .string("test"),
        "general.alignment": .uint32(64),
        "u8": .uint8(255), "i8": .int8(-128), "u16": .uint16(65535), "i16": .int16(-32768),
        "u32": .uint32(.max), "i32": .int32(.min), "u64": .uint64(.max), "i64": .int64(.min),
        "f32": .float32(Float(bitPattern: 0x7FC0_1234)), "f64": .float64(-0.0),
        "yes": .bool(true), "no": .bool(false), "größe 🙂": .string(""),
        "tokens": .array(MetadataArray(["a", "é", ""])),
        "empty": .array(MetadataArray(elementType: .float32, elements: []) ?? MetadataArray([])),
    ]

    /// Every type that GGUF has, and shapes at the edges.
    private static func tensors() throws -> [TensorDescription] {
        let types = try DType.allCases.compactMap { dtype -> TensorDescription? in
            guard dtype.isBlockQuantised || [.f16, .bf16, .f32, .f64, .i8, .i16, .i32, .i64].contains(dtype) else {
                return nil
            }
            return try TensorDescription(name: "types.\(dtype.rawValue)", dtype: dtype, shape: [3, 256])
        }
        let shapes: [(String, Shape)] = [
            ("scalar", []), ("empty", [0]), ("empty.rows", [3, 0]), ("größe.🙂", [2, 3, 1, 5]), ("", [7]),
        ]
        return try types + shapes.map { try TensorDescription(name: $0.0, dtype: .f32, shape: $0.1) }
    }

    private func write(_ name: String, metadata: Metadata = GGUFTests.metadata) throws -> FilePath {
        let writer = try GGUFWriter.create(
            at: folder.file(name), metadata: metadata, tensors: Self.tensors())
        for tensor in writer.tensors {
            try writer.write((0..<tensor.byteCount).map { UInt8(truncatingIfNeeded: $0 * 7 + tensor.name.utf8.count) })
        }
        try writer.finish()
        return folder.file(name)
    }

    @Test func readsWhatItWrites() throws {
        let source = try GGUFSource(path: write("a"))
        #expect(source.metadata == Self.metadata)
        #expect(Array(source.metadata.keys) == Array(Self.metadata.keys))
        #expect(try source.tensors == Self.tensors())
        #expect(source.omissions.isEmpty)
        #expect(source.formatVersion == "3")
        #expect(source.fileByteCount % 64 == 0)
        for tensor in source.tensors {
            #expect(
                try source.readBytes(of: tensor)
                    == (0..<tensor.byteCount).map { UInt8(truncatingIfNeeded: $0 * 7 + tensor.name.utf8.count) })
        }
    }

    @Test(arguments: [
        GGUFTests.metadata, [:], ["general.alignment": .uint32(1)], ["general.alignment": .uint32(4)],
    ])
    func survivesCruxByteForByte(metadata: Metadata) throws {
        let path = try write("a", metadata: metadata)
        let there = try Conversion(CheckpointOpener.open(path), to: .crux).run(to: folder.file("b"))
        let back = try Conversion(CheckpointOpener.open(folder.file("b")), to: .gguf).run(to: folder.file("c"))
        #expect(try folder.file("c").readBytes() == path.readBytes())
        #expect(there.weightsDigest == back.weightsDigest)
        #expect(there.issues.isEmpty && back.issues.isEmpty)
    }

    @Test func rolesSurviveGGUF() throws {
        let writer = try CheckpointWriter.create(at: folder.file("a.crux"))
        for role in TensorRole.allCases {
            let tensor = try TensorDescription(name: role.name, dtype: .f32, shape: [1], role: role)
            try unsafe writer.append(tensor, bytes: [UInt8](repeating: 1, count: 4).span.bytes)
        }
        try writer.finish()
        let source = try CheckpointOpener.open(folder.file("a.crux"))
        _ = try Conversion(source, to: .gguf).run(to: folder.file("b"))
        let written = try CheckpointOpener.open(folder.file("b"))
        #expect(written.tensors == source.tensors)
        #expect(written.metadata.isEmpty)
    }

    @Test func listsWhatGGUFCannotHold() throws {
        let writer = try CheckpointWriter.create(at: folder.file("a.crux"))
        let nested = MetadataValue.array(
            MetadataArray(elementType: .array, elements: [.array(MetadataArray(["a"]))]) ?? MetadataArray([]))
        writer.setMetadata("nested", nested)
        writer.setMetadata("crux.roles", .string("mine"))
        writer.setMetadata("general.alignment", .uint64(32))
        writer.setMetadata("kept", .uint8(1))
        let tensors = [
            try TensorDescription(name: "u8", dtype: .u8, shape: [1]),
            try TensorDescription(name: "rank", dtype: .i8, shape: [1, 1, 1, 1, 1]),
            try TensorDescription(name: String(repeating: "n", count: 64), dtype: .i8, shape: [1]),
            try TensorDescription(name: String(repeating: "n", count: 63), dtype: .i8, shape: [1]),
        ]
        for tensor in tensors { try unsafe writer.append(tensor, bytes: [UInt8(1)].span.bytes) }
        try writer.finish()
        let source = try CheckpointOpener.open(folder.file("a.crux"))
        let conversion = Conversion(source, to: .gguf)
        #expect(
            conversion.issues.map(\.description) == [
                "metadata 'nested': GGUF's readers refuse arrays of arrays",
                "metadata 'general.alignment': GGUF's alignment is a uint32 and a power of two, here up to 1048576",
                "tensor 'u8': GGUF has no U8",
                "tensor 'rank': GGUF has at most 4 dimensions, not 5",
                "tensor '\(String(repeating: "n", count: 64))': GGUF has names of at most 63 bytes, not 64",
                "metadata 'crux.roles': the key is reserved",
            ])
        #expect(throws: CheckpointError.self) { try conversion.run(to: folder.file("b")) }
        #expect(try folder.entries() == ["a.crux"])
        let outcome = try Conversion(source, to: .gguf, isLossy: true).run(to: folder.file("b"))
        #expect(outcome.tensorCount == 1)
        let written = try CheckpointOpener.open(folder.file("b"))
        #expect(written.tensors == [tensors[3]])
        #expect(written.metadata == ["kept": .uint8(1)])
    }
}

/// A small GGUF file put together by hand, so that each of its numbers can be wrong.
struct GGUFBytes {
    var magic = Array("GGUF".utf8)
    var version: UInt32 = 3
    var tensorCount: UInt64?
    var metadataCount: UInt64?
    var keys: [[UInt8]] = []
    var tensors: [[UInt8]] = []
    var alignment = 32
    var data = [UInt8](repeating: 7, count: 32)

    static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func text(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count)) + Array(text.utf8) }

    /// A key and its value, of GGUF's number of the type.
    static func key(_ name: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] { text(name) + number(type) + value }

    static func tensor(
        _ name: String, ne: [Int64], rank: UInt32? = nil, type: UInt32 = 0, offset: UInt64 = 0
    ) -> [UInt8] {
        text(name) + number(rank ?? UInt32(ne.count)) + ne.flatMap { number($0) } + number(type) + number(offset)
    }

    var bytes: [UInt8] {
        var bytes = magic + Self.number(version) + Self.number(tensorCount ?? UInt64(tensors.count))
        bytes += Self.number(metadataCount ?? UInt64(keys.count))
        bytes += keys.joined()
        bytes += tensors.joined()
        while bytes.count % alignment != 0 { bytes.append(0) }
        return bytes + data
    }
}

/// One file for each rule of the format, and for each point where its document and its code disagree.
@Suite struct GGUFRuleTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    struct Broken: Sendable, CustomTestStringConvertible {
        let rule: String
        let message: String
        let change: @Sendable (inout GGUFBytes) -> Void
        var testDescription: String { rule }
    }

    private static let broken: [Broken] = [
        Broken(
            rule: "version 0",
            message: "header, version (bytes 4–7): a version that cannot be read: found 0, expected 2 or 3"
        ) { $0.version = 0 },
        Broken(rule: "version 1", message: "a version that cannot be read: found 1") { $0.version = 1 },
        Broken(rule: "version 4", message: "a version that cannot be read: found 4") { $0.version = 4 },
        Broken(
            rule: "big endian", message: "the file is of a big-endian machine: found version 3 with its bytes swapped"
        ) { $0.version = 3 << 24 },
        Broken(rule: "negative tensor count", message: "header, tensor count (bytes 8–15): the value is too large") {
            $0.tensorCount = 1 << 63
        },
        Broken(rule: "negative key count", message: "header, metadata count (bytes 16–23): the value is too large") {
            $0.metadataCount = .max
        },
        Broken(rule: "more keys than there are", message: "the file ends inside the field") {
            ($0.metadataCount, $0.alignment, $0.data) = (1 << 62, 1, [])
        },
        Broken(rule: "more tensors than there are", message: "the file ends inside the field") {
            ($0.tensorCount, $0.alignment, $0.data) = (1 << 62, 1, [])
        },
        Broken(rule: "empty key", message: "header, key (bytes 24–31): a key is empty") {
            $0.keys = [GGUFBytes.key("", 0, [1])]
        },
        Broken(rule: "duplicate key", message: "header, a (bytes 38–51): the key occurs twice") {
            $0.keys = [GGUFBytes.key("a", 0, [1]), GGUFBytes.key("a", 0, [2])]
        },
        Broken(rule: "key is no UTF-8", message: "header, key (byte 32): the text is not valid UTF-8") {
            $0.keys = [GGUFBytes.number(UInt64(1)) + [0xFF]]
        },
        Broken(rule: "unknown value type", message: "header, a (bytes 33–36): unknown value type 13") {
            $0.keys = [GGUFBytes.key("a", 13, [1])]
        },
        Broken(rule: "unknown element type", message: "unknown value type 99") {
            $0.keys = [GGUFBytes.key("a", 9, GGUFBytes.number(UInt32(99)) + GGUFBytes.number(UInt64(0)))]
        },
        Broken(rule: "huge array", message: "the file ends inside the field") {
            $0.keys = [GGUFBytes.key("a", 9, GGUFBytes.number(UInt32(0)) + GGUFBytes.number(UInt64(1) << 62))]
        },
        Broken(rule: "huge string", message: "the file ends inside the field") {
            $0.keys = [GGUFBytes.key("a", 8, GGUFBytes.number(UInt64(1) << 62))]
        },
        Broken(rule: "string of 2^64−1 bytes", message: "the value is too large") {
            $0.keys = [GGUFBytes.key("a", 8, GGUFBytes.number(UInt64.max))]
        },
        // The document allows arrays of arrays, the code refuses them.
        Broken(rule: "nested array", message: "arrays lie too deep in arrays: found 2 levels, expected at most 1") {
            $0.keys = [
                GGUFBytes.key(
                    "a", 9,
                    GGUFBytes.number(UInt32(9)) + GGUFBytes.number(UInt64(1)) + GGUFBytes.number(UInt32(0))
                        + GGUFBytes.number(UInt64(0)))
            ]
        },
        Broken(
            rule: "alignment of another type",
            message:
                "header, general.alignment: not an alignment: found 32 of type uint64, expected a uint32 that is a power of two"
        ) { $0.keys = [GGUFBytes.key("general.alignment", 10, GGUFBytes.number(UInt64(32)))] },
        Broken(rule: "alignment 0", message: "not an alignment: found 0 of type uint32") {
            $0.keys = [GGUFBytes.key("general.alignment", 4, GGUFBytes.number(UInt32(0)))]
        },
        Broken(rule: "alignment 24", message: "not an alignment: found 24 of type uint32") {
            $0.keys = [GGUFBytes.key("general.alignment", 4, GGUFBytes.number(UInt32(24)))]
        },
        Broken(
            rule: "duplicate tensor", message: "tensor 't', header, tensor name (bytes 57–65): the name occurs twice"
        ) { $0.tensors = [GGUFBytes.tensor("t", ne: [1]), GGUFBytes.tensor("t", ne: [1], offset: 32)] },
        // The document allows 64 bytes, the code 63.
        Broken(rule: "name of 64 bytes", message: "the name is too long: found 64 bytes, expected at most 63") {
            $0.tensors = [GGUFBytes.tensor(String(repeating: "n", count: 64), ne: [1])]
        },
        Broken(
            rule: "5 dimensions",
            message: "tensor 't', header, n_dims (bytes 33–36): too many dimensions: found 5, expected at most 4"
        ) { $0.tensors = [GGUFBytes.tensor("t", ne: [1, 1, 1, 1, 1])] },
        Broken(rule: "2^32−1 dimensions", message: "too many dimensions: found 4294967295") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [1], rank: .max)]
        },
        Broken(
            rule: "negative size",
            message: "tensor 't', header, ne[1] (bytes 45–52): a size is negative: found -1, expected 0 or more"
        ) { $0.tensors = [GGUFBytes.tensor("t", ne: [1, -1])] },
        Broken(rule: "element overflow", message: "has more elements than can be addressed") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [1 << 40, 1 << 40])]
        },
        Broken(rule: "byte overflow", message: "has more elements than can be addressed") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [.max])]
        },
        Broken(rule: "partial block", message: "ne[0] must be a multiple of 32, the block of Q8_0") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [33], type: 8)]
        },
        Broken(rule: "block across rows", message: "ne[0] must be a multiple of 256, the block of Q6_K") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [32, 8], type: 14)]
        },
        Broken(rule: "a type of others", message: "a type that cannot be read: found IQ4_XS (23)") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [256], type: 23)]
        },
        Broken(rule: "no type", message: "a type that cannot be read: found 4, expected one of I8") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [256], type: 4)]
        },
        // The document asks for aligned offsets, the code for exactly packed ones.
        Broken(
            rule: "gap",
            message:
                "tensor 't', header, offset (bytes 49–56): tensors must follow each other without gaps: found 32, expected 0"
        ) { $0.tensors = [GGUFBytes.tensor("t", ne: [1], offset: 32)] },
        Broken(rule: "overlap", message: "tensors must follow each other without gaps: found 0, expected 32") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [1]), GGUFBytes.tensor("u", ne: [1])]
        },
        Broken(rule: "unaligned offset", message: "tensors must follow each other without gaps: found 4, expected 32") {
            $0.tensors = [GGUFBytes.tensor("t", ne: [1]), GGUFBytes.tensor("u", ne: [1], offset: 4)]
        },
        Broken(rule: "sum of sizes overflows", message: "the tensors are larger than can be addressed") {
            $0.tensors = [
                GGUFBytes.tensor("t", ne: [1 << 60], type: 24),
                GGUFBytes.tensor("u", ne: [(1 << 60) - 1, 7], type: 24, offset: 1 << 60),
            ]
        },
        Broken(
            rule: "data is cut off",
            message:
                "tensor 't' (bytes 64–191): the file ends before the tensor does: found 96 bytes, expected at least 192"
        ) { $0.tensors = [GGUFBytes.tensor("t", ne: [32])] },
    ]

    @Test(arguments: GGUFRuleTests.broken) func namesTheBrokenRule(broken: Broken) throws {
        var file = GGUFBytes()
        broken.change(&file)
        try folder.file("a").writeBytes(file.bytes)
        let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(folder.file("a")) }
        #expect(error?.detail.contains(broken.message) ?? false, "\(error?.detail ?? "")")
    }

    @Test func everyCutIsNoticed() throws {
        var file = GGUFBytes()
        file.keys = [GGUFBytes.key("a", 8, GGUFBytes.text("b"))]
        file.tensors = [GGUFBytes.tensor("t", ne: [8])]
        let bytes = file.bytes
        for count in 0..<bytes.count {
            try folder.file("a.gguf").writeBytes(Array(bytes.prefix(count)))
            let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(folder.file("a.gguf")) }
            #expect(error?.kind == .truncated, "\(count)")
        }
    }

    /// What the code accepts and the document does not.
    @Test func acceptsWhatTheReferenceReaderAccepts() throws {
        var file = GGUFBytes()
        file.version = 2
        file.alignment = 2
        file.keys = [
            GGUFBytes.key("general.alignment", 4, GGUFBytes.number(UInt32(2))), GGUFBytes.key("yes", 7, [2]),
        ]
        file.tensors = [
            GGUFBytes.tensor(String(repeating: "n", count: 63), ne: [3], type: 24),
            GGUFBytes.tensor("t", ne: [1], type: 24, offset: 4),
        ]
        file.data = [1, 2, 3, 9, 5]
        try folder.file("a").writeBytes(file.bytes)
        let source = try GGUFSource(path: folder.file("a"))
        #expect(source.metadata["yes"] == .bool(true))
        #expect(try source.tensors.map { try source.readBytes(of: $0) } == [[1, 2, 3], [5]])
        #expect(
            source.omissions.map(\.description) == [
                "version 2 of GGUF; 3 is written", "1 bytes in paddings that are not zero",
                "the end without its padding; it is written",
            ])
        file.version = 3
        file.data += [0, 0]
        try folder.file("a").writeBytes(file.bytes)
        #expect(
            try GGUFSource(path: folder.file("a")).omissions.map(\.description) == [
                "bools that are neither 0 nor 1; they are true, and 1 is written",
                "1 bytes in paddings that are not zero", "1 bytes after the data",
            ])
    }

    @Test func readsHeadersOfAnySize() throws {
        let tokens = MetadataValue.array(
            MetadataArray((0..<20_000).map { "\($0)" + String(repeating: ".", count: 60) }))
        let tensor = try TensorDescription(name: "t", dtype: .i8, shape: [3])
        let writer = try GGUFWriter.create(at: folder.file("a"), metadata: ["tokens": tokens], tensors: [tensor])
        try writer.write([1, 2, 3])
        try writer.finish()
        let source = try GGUFSource(path: folder.file("a"))
        #expect(source.metadata["tokens"] == tokens)
        #expect(try source.readBytes(of: tensor) == [1, 2, 3])
    }
}
