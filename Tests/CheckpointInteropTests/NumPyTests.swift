import CheckpointFormat
import CheckpointInterop
import SystemPackage
import TensorCore
import TestSupport
import Testing

/// Arrays of NumPy that break a rule.
@Suite struct NumPyTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func array(_ header: String, version: UInt8 = 1, data: [UInt8] = []) -> [UInt8] {
        let length =
            version == 1 ? ZipBuilder.little(UInt16(header.utf8.count)) : ZipBuilder.little(UInt32(header.utf8.count))
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + data
    }

    private func header(_ descr: String, _ shape: String, order: String = "False") -> String {
        "{'descr': \(descr), 'fortran_order': \(order), 'shape': \(shape), }\n"
    }

    private func problem(_ bytes: [UInt8]) throws -> String {
        let path = folder.file("a.npy")
        try path.writeBytes(bytes)
        let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(path) }
        return error?.detail ?? ""
    }

    /// Where there are no elements, the distances between them may be too large for a number.
    @Test(arguments: ["False", "True"])
    func anArrayWithoutElementsMayHaveAnySizes(order: String) throws {
        let path = folder.file("a.npy")
        try path.writeBytes(array(header("'<f4'", "(4611686018427387904, 0)", order: order)))
        let source = try CheckpointOpener.open(path)
        #expect(try source.readBytes(of: #require(source.tensors.first)).isEmpty)
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func readsEveryVersion(version: UInt8) throws {
        let path = folder.file("a.npy")
        try path.writeBytes(array(header("'>i2'", "(2L, 1)"), version: version, data: [1, 2, 3, 4]))
        let source = try CheckpointOpener.open(path)
        let tensor = try #require(source.tensors.first)
        #expect(tensor == (try TensorDescription(name: "a", dtype: .i16, shape: [2, 1])))
        #expect(try source.readBytes(of: tensor) == [2, 1, 4, 3])
    }

    @Test func eachRuleIsNamed() throws {
        #expect(try problem(array(header("'|O'", "()"))).contains("a type that is no number: found |O"))
        #expect(try problem(array(header("[('a', '<f4'), ('b]', '<f4')]", "(1,)"))).contains("found [('a', '<f4')"))
        for descr in ["'<U3'", "'|S3'", "'<M8[ns]'", "'<c16'", "'<f16'", "'<V2'", "''"] {
            #expect(try problem(array(header(descr, "(1,)"))).contains("a type that is no number"), "\(descr)")
        }
        #expect(
            try problem(array(header("'<f4'", "(2,)"), data: [1])).contains("found 1 bytes, expected 8 for F32 [2]"))
        #expect(try problem(array(header("'<f4'", "()"), data: [1, 2, 3, 4, 5])).contains("found 5 bytes, expected 4"))
        let large = "(9223372036854775807, 9223372036854775807)"
        #expect(try problem(array(header("'<f4'", large))).contains("more elements than can be addressed"))
        #expect(try problem(array(header("'<f4'", "(99999999999999999999,)"))).contains("a size that can be addressed"))
        #expect(try problem(array(header("'<f4'", "(-1,)"))).contains("a size that can be addressed"))
        #expect(try problem(array(header("'<f4'", "(9223372036854775800,)"))).contains("more elements than"))
        #expect(try problem(array("{'descr': '<f4', 'shape': (), }\n")).contains("an incomplete dictionary"))
        #expect(try problem(array("{'descr': '<f4', 'descr': '<f4', }\n")).contains("the key \"descr\""))
        #expect(try problem(array("{'descr': __import__('os'), }\n")).contains("expected a string"))
        #expect(try problem(array(header("'<f4'", "()") + "x")).contains("expected nothing more"))
        #expect(try problem(array(header("'<f4'", "()", order: "maybe"))).contains("expected False"))
        #expect(try problem(array("", version: 4)).contains("a version that cannot be read: found 4"))
        #expect(
            try problem([0x93] + Array("NUMPY".utf8) + [2, 0, 0xFF, 0xFF, 0xFF, 0xFF])
                .contains("the header is too long"))
        let whole = array(header("'<f4'", "(1,)"), data: [1, 2, 3, 4])
        for end in 6..<whole.count { #expect(try !problem(Array(whole[..<end])).isEmpty) }
    }

    @Test func anArchivesChecksumIsChecked() throws {
        let path = folder.file("a.npz")
        let content = array(header("'<f4'", "(1,)"), data: [1, 2, 3, 4])
        try path.writeBytes(ZipBuilder.archive([ZipBuilder.Member(content: content, crc: 1)]))
        let source = try CheckpointOpener.open(path)
        let tensor = try #require(source.tensor(named: "a"))
        let error = #expect(throws: CheckpointError.self) { try source.readBytes(of: tensor) }
        #expect(error?.kind == .damaged)
        #expect(error?.detail.contains("checksum mismatch: stored 1, computed") == true)
    }

    @Test func whatNumPyCannotHoldIsListedFirst() throws {
        let writer = try CheckpointWriter.create(at: folder.file("a.crux"))
        writer.setMetadata("note", .string("hi"))
        for (name, dtype, role) in [
            ("w", DType.bf16, TensorRole.weight), ("m", .f32, .firstMoment), ("v", .f32, .firstMoment),
        ] {
            let tensor = try TensorDescription(name: name, dtype: dtype, shape: [2], role: role)
            let zeros = [UInt8](repeating: 0, count: tensor.byteCount)
            try unsafe writer.append(tensor, bytes: zeros.span.bytes)
        }
        try writer.finish()
        let source = try CruxSource(path: folder.file("a.crux"))
        let conversion = Conversion(source, to: .npz)
        #expect(
            conversion.issues.map(\.description) == [
                "metadata 'note': NumPy has no metadata", "tensor 'w': NumPy has no BF16",
                "NumPy has no roles: 2 tensors are not marked as first moment any more",
            ])
        #expect(throws: CheckpointError.self) { try conversion.run(to: folder.file("b.npz")) }
        #expect(try folder.entries() == ["a.crux"])
        let view = DTypeSource(source, conversion: DTypeConversion(to: .f32))
        let outcome = try Conversion(view, to: .npz, isLossy: true).run(to: folder.file("b.npz"))
        #expect(outcome.tensorCount == 3)
        #expect(try CheckpointOpener.open(folder.file("b.npz")).tensors.map(\.dtype) == [.f32, .f32, .f32])
        let error = #expect(throws: CheckpointError.self) {
            try Conversion(view, to: .npy, isLossy: true).run(to: folder.file("b.npy"))
        }
        #expect(error?.detail.contains("a .npy file holds one array: found 3 tensors") == true)
    }

    /// Larger than a window, a box's piece and a chunk; every kind of order.
    @Test func longArraysOfAnyOrderAreTurned() throws {
        let (rows, columns) = (700, 900)
        var data: [UInt8] = []
        for column in 0..<columns { for row in 0..<rows { data += ZipBuilder.little(UInt32(row * columns + column)) } }
        try folder.file("a.npy").writeBytes(array(header("'<u4'", "(\(rows), \(columns))", order: "True"), data: data))
        let source = try CheckpointOpener.open(folder.file("a.npy"))
        let bytes = try source.readBytes(of: #require(source.tensors.first))
        let expected = (0..<rows * columns).flatMap { ZipBuilder.little(UInt32($0)) }
        #expect(bytes == expected)
    }
}
