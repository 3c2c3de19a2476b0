import CheckpointFormat
import CheckpointInterop
import Codecs
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct ConversionTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Every type of metadata, with the values that text loses most easily.
    static let metadata: Metadata = [
        "first": .string("stays a string"),
        "u8": .uint8(255), "i8": .int8(-128), "u16": .uint16(65535), "i16": .int16(-32768),
        "u32": .uint32(.max), "i32": .int32(.min), "u64": .uint64(.max), "i64": .int64(.min),
        "f32": .float32(0.1), "f32.least": .float32(.leastNonzeroMagnitude),
        "f32.nan": .float32(Float(bitPattern: 0x7FC0_1234)),
        "f32.negative zero": .float32(-0.0), "f64": .float64(1e-300), "f64.infinity": .float64(-.infinity),
        "f64.large": .float64(.greatestFiniteMagnitude), "bool": .bool(true), "text": .string("é\"\n\\🙂\u{1}"),
        "crux.metadata": .string("{\"a\":null}"), "crux.roles": .string("not ours"),
        "strings": .array(MetadataArray(["a", "\"", ""])),
        "empty": .array(MetadataArray(elementType: .float64, elements: []) ?? MetadataArray([])),
        "nested": .array(
            MetadataArray(
                elementType: .array,
                elements: [
                    .array(MetadataArray(elementType: .uint8, elements: [.uint8(1), .uint8(2)]) ?? MetadataArray([])),
                    .array(MetadataArray(elementType: .bool, elements: [.bool(false)]) ?? MetadataArray([])),
                ]) ?? MetadataArray([])),
        "last": .string(""),
    ]

    private func bytes(_ count: Int, seed: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed &+ $0 >> 7) }
    }

    /// A crux file of all types that safetensors has, of shapes at the edges and of every role.
    private func writeCrux(_ name: String, options: WriterOptions = WriterOptions()) throws -> CruxSource {
        let writer = try CheckpointWriter.create(at: folder.file(name), options: options)
        for (key, value) in Self.metadata { writer.setMetadata(key, value) }
        for (index, dtype) in DType.allCases.filter({ !$0.isBlockQuantised }).enumerated() {
            let tensor = try TensorDescription(
                name: "types.\(dtype.rawValue)", dtype: dtype, shape: [5, 4],
                role: TensorRole.allCases[index % TensorRole.allCases.count])
            try writer.append(tensor, content: bytes(tensor.byteCount, seed: index))
        }
        for (name, shape): (String, Shape) in [
            ("scalar", []), ("empty", [0]), ("größe.🙂", [3, 1, 2]), ("big", [600, 1000]),
        ] {
            let tensor = try TensorDescription(name: name, dtype: .f32, shape: shape)
            try writer.append(tensor, content: bytes(tensor.byteCount, seed: 9))
        }
        try writer.finish()
        return try CruxSource(path: folder.file(name))
    }

    private func expectSame(_ first: any CheckpointSource, _ second: any CheckpointSource) throws {
        #expect(Set(first.tensors) == Set(second.tensors))
        #expect(first.tensors.count == second.tensors.count)
        for tensor in first.tensors {
            #expect(try first.readBytes(of: tensor) == second.readBytes(of: tensor), "\(tensor)")
            #expect(try first.digest(of: tensor) == second.digest(of: tensor))
        }
        #expect(first.metadata == second.metadata)
        #expect(Array(first.metadata.keys) == Array(second.metadata.keys))
        #expect(try first.weightsDigest() == second.weightsDigest())
    }

    @Test func cruxSurvivesSafetensors() throws {
        let source = try writeCrux("a.crux")
        let there = try Conversion(source, to: .safetensors).run(to: folder.file("b.safetensors"))
        let middle = try CheckpointOpener.open(folder.file("b.safetensors"))
        #expect(middle.format == .safetensors)
        try expectSame(source, middle)
        let back = try Conversion(middle, to: .crux).run(to: folder.file("c.crux"))
        try expectSame(source, CheckpointOpener.open(folder.file("c.crux")))
        #expect(there.weightsDigest == source.reader.weightsDigest)
        #expect(back.weightsDigest == source.reader.weightsDigest)
        #expect(there.tensorCount == source.tensors.count)
        #expect(there.issues.isEmpty)
        #expect(try folder.entries() == ["a.crux", "b.safetensors", "c.crux"])
    }

    @Test(arguments: [
        "peers/safetensors/every-type.safetensors", "peers/safetensors/edges.safetensors",
        "peers/safetensors/nothing.safetensors", "golden/gpt2-biases.safetensors",
    ])
    func safetensorsSurvivesCrux(fixture: String) throws {
        let source = try SafetensorsSource(path: Fixtures.path(fixture))
        _ = try Conversion(source, to: .crux).run(to: folder.file("a.crux"))
        let middle = try CheckpointOpener.open(folder.file("a.crux"))
        try expectSame(source, middle)
        _ = try Conversion(middle, to: .safetensors).run(to: folder.file("b.safetensors"))
        let back = try SafetensorsSource(path: folder.file("b.safetensors"))
        try expectSame(source, back)
    }

    @Test func stringsAloneNeedNoReservedEntry() throws {
        let strings = OrderedDictionary<String, String>(uniqueKeysWithValues: [("b", "1"), ("a", "2")])
        try SafetensorsWriter.create(at: folder.file("a"), metadata: strings, tensors: []).finish()
        let source = try SafetensorsSource(path: folder.file("a"))
        _ = try Conversion(source, to: .safetensors).run(to: folder.file("b"))
        #expect(try folder.file("a").readBytes() == folder.file("b").readBytes())
        let text = String(decoding: try folder.file("a").readBytes().dropFirst(8), as: UTF8.self)
        #expect(text == "{\"__metadata__\":{\"b\":\"1\",\"a\":\"2\"}}      ")
    }

    @Test func typedMetadataIsReadableJSON() throws {
        let writer = try CheckpointWriter.create(at: folder.file("a.crux"))
        writer.setMetadata("note", .string("hi"))
        writer.setMetadata("crux.step", .uint64(1200))
        writer.setMetadata("rate", .float32(0.001))
        writer.setMetadata("odd", .float32(.infinity))
        writer.setMetadata("words", .array(MetadataArray(["a", "b"])))
        try writer.append(
            TensorDescription(name: "m", dtype: .u8, shape: [1], role: .firstMoment), content: [1])
        try writer.finish()
        _ = try Conversion(CruxSource(path: folder.file("a.crux")), to: .safetensors).run(to: folder.file("b"))
        let text = String(decoding: try folder.file("b").readBytes().dropFirst(8), as: UTF8.self)
        #expect(
            text.hasPrefix(
                #"{"__metadata__":{"note":"hi","crux.metadata":"{\"note\":null,\"crux.step\":{\"uint64\":1200},"#
                    + #"\"rate\":{\"float32\":0.001},\"odd\":{\"float32\":\"0x7f800000\"},"#
                    + #"\"words\":{\"array\":{\"string\":[\"a\",\"b\"]}}}","crux.roles":"{\"m\":\"first moment\"}"},"#
                    + #""m":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#))
    }

    @Test func editsByOtherToolsAreHonoured() throws {
        let typed = #"{"kept":null,"removed":null,"n":{"uint8":1}}"#
        try SafetensorsWriter.create(
            at: folder.file("a"), metadata: ["crux.metadata": typed, "kept": "edited", "added": "new"], tensors: []
        ).finish()
        let metadata = try SafetensorsSource(path: folder.file("a")).metadata
        #expect(metadata == ["kept": .string("edited"), "n": .uint8(1), "added": .string("new")])
    }

    @Test(arguments: [
        #"{"a":1}"#, #"{"a":{"uint8":256}}"#, #"{"a":{"uint8":1,"int8":1}}"#, #"{"a":{}}"#, #"{"a":{"uint9":1}}"#,
        #"{"a":{"float32":1e99}}"#, #"{"a":{"float32":"7fc00000"}}"#, #"{"a":{"bool":1}}"#,
        #"{"a":{"array":{"uint8":[1,"x"]}}}"#, #"{"a":{"uint8":1}"#, "",
        #"{"a":{"array":"# + String(repeating: #"{"array":["#, count: 200),
    ])
    func refusesTypedMetadataThatIsWrong(typed: String) throws {
        try SafetensorsWriter.create(at: folder.file("a"), metadata: ["crux.metadata": typed], tensors: []).finish()
        let error = #expect(throws: CheckpointError.self) { try SafetensorsSource(path: folder.file("a")) }
        #expect(error?.place.field == "crux.metadata")
    }

    @Test func quantisedBlocksAreRefusedBeforeAnythingIsWritten() throws {
        let writer = try CheckpointWriter.create(at: folder.file("a.crux"))
        try writer.append(
            TensorDescription(name: "q", dtype: .q8_0, shape: [32]), content: bytes(34, seed: 0))
        try writer.finish()
        let conversion = Conversion(try CruxSource(path: folder.file("a.crux")), to: .safetensors)
        #expect(conversion.issues.map(\.description) == ["tensor 'q': safetensors has no Q8_0"])
        let error = #expect(throws: CheckpointError.self) { try conversion.run(to: folder.file("b")) }
        #expect(error?.detail == "tensor 'q': cannot be converted: safetensors has no Q8_0")
        #expect(try folder.entries() == ["a.crux"])
    }

    @Test func aDamagedSourceLeavesTheTargetAsItWas() throws {
        let source = try writeCrux("a.crux", options: WriterOptions(codec: .raw))
        let range = try #require(source.reader.tensor(named: "big")?.byteRange)
        var damaged = try folder.file("a.crux").readBytes()
        damaged[range.upperBound - 1] ^= 1
        try folder.file("a.crux").writeBytes(damaged)
        try folder.file("b").writeBytes([1, 2, 3])
        // A .npy file cannot hold so many tensors at all.
        for target in Conversion.Target.allCases where target != .npy {
            let error = #expect(throws: CheckpointError.self) {
                try Conversion(CruxSource(path: folder.file("a.crux")), to: target, isLossy: true)
                    .run(to: folder.file("b"))
            }
            #expect(error?.kind == .damaged)
            #expect(try folder.file("b").readBytes() == [1, 2, 3])
            #expect(try folder.entries() == ["a.crux", "b"])
        }
    }

    @Test func reportsProgressUpToTheEnd() throws {
        let source = try writeCrux("a.crux")
        var last = (done: 0, total: 0)
        _ = try Conversion(source, to: .safetensors).run(to: folder.file("b")) { done, total in
            #expect(done >= last.done)
            last = (done, total)
        }
        #expect(last.done == last.total)
        #expect(last.total == 2 * source.tensors.reduce(0) { $0 + $1.byteCount })
    }

    @Test func theWriterCountsBytes() throws {
        let tensor = try TensorDescription(name: "a", dtype: .u8, shape: [2])
        do {
            let writer = try SafetensorsWriter.create(at: folder.file("a"), tensors: [tensor])
            try writer.write([1])
            #expect(throws: CheckpointError.self) { try writer.write([1, 2]) }
        }
        let writer = try SafetensorsWriter.create(at: folder.file("a"), tensors: [tensor])
        var error: CheckpointError?
        do throws(CheckpointError) { try writer.finish() } catch let failure { error = failure }
        #expect(error?.detail == "another number of bytes than the tensors have: found 0, expected 2")
        #expect(try folder.entries() == [])
        #expect(throws: CheckpointError.self) {
            _ = try SafetensorsWriter.create(at: folder.file("a"), tensors: [tensor, tensor])
        }
    }
}

extension CheckpointWriter {
    fileprivate func append(_ tensor: TensorDescription, content: [UInt8]) throws {
        try unsafe append(tensor, bytes: content.span.bytes)
    }
}
