import CheckpointFormat
import CheckpointInterop
import SystemPackage
import TensorCore
import TestSupport
import Testing

/// Files of `torch.save`, good ones of the peer and hostile ones made by hand.
@Suite struct PyTorchTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The old file has the weights of the new one, and causal masks and the tied head besides.
    @Test func readsAModelAsOlderVersionsSavedIt() throws {
        let source = try CheckpointOpener.open(Fixtures.path("peers/gpt2/pickled/pytorch_model.bin"))
        #expect(source.format == .pytorch)
        let model = try CheckpointOpener.open(Fixtures.path("peers/gpt2/model"))
        let old = try GPT2Source(source, naming: .huggingFace)
        #expect(!old.leftOut.isEmpty)
        #expect(Set(old.tensors) == Set(model.tensors))
        for tensor in model.tensors { #expect(try old.digest(of: tensor) == model.digest(of: tensor), "\(tensor)") }
    }

    // MARK: Pickles by hand

    private static func text(_ text: String) -> [UInt8] {
        [0x58] + ZipBuilder.little(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    private static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

    private static func integer(_ value: Int32) -> [UInt8] { [0x4A] + ZipBuilder.little(value) }

    /// An integer of 64 bits.
    private static func long(_ value: Int64) -> [UInt8] { [0x8A, 8] + ZipBuilder.little(UInt64(bitPattern: value)) }

    private static func tuple(_ values: [UInt8]...) -> [UInt8] { [0x28] + values.flatMap(\.self) + [0x74] }

    private static func storage(_ type: String = "FloatStorage", key: String = "0", count: Int32 = 4) -> [UInt8] {
        tuple(text("storage"), global("torch", type), text(key), text("cpu"), integer(count)) + [0x51]
    }

    private static func tensor(
        _ storage: [UInt8] = storage(), offset: Int32 = 0, size: [Int32] = [2, 2], strides: [Int32] = [2, 1]
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple(
                storage, integer(offset), [0x28] + size.flatMap(integer) + [0x74],
                [0x28] + strides.flatMap(integer) + [0x74], [0x89], [0x7D]) + [0x52]
    }

    /// `{"w": value}`.
    private static func state(_ value: [UInt8], name: String = "w") -> [UInt8] {
        [0x80, 2, 0x7D] + text(name) + value + [0x73, 0x2E]
    }

    private func file(
        _ pickle: [UInt8], data: [UInt8] = Array(0..<16), extra: [ZipBuilder.Member] = [], name: String = "a.pt"
    ) throws -> FilePath {
        let path = folder.file(name)
        try path.writeBytes(
            ZipBuilder.archive(
                [
                    ZipBuilder.Member(name: Array("a/data.pkl".utf8), content: pickle),
                    ZipBuilder.Member(name: Array("a/data/0".utf8), content: data, crc: 0xDEAD_BEEF),
                ] + extra))
        return path
    }

    private func problem(_ pickle: [UInt8], data: [UInt8] = Array(0..<16)) throws -> String {
        let path = try file(pickle, data: data)
        let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(path) }
        return error?.detail ?? ""
    }

    /// The checksum of the storage is wrong here, which PyTorch allows.
    @Test func readsByHand() throws {
        let source = try CheckpointOpener.open(try file(Self.state(Self.tensor())))
        let tensor = try #require(source.tensor(named: "w"))
        #expect(tensor.shape == [2, 2])
        #expect(try source.readBytes(of: tensor) == Array(0..<16))
        let transposed = try CheckpointOpener.open(try file(Self.state(Self.tensor(strides: [1, 2]))))
        #expect(
            try transposed.readBytes(of: tensor) == [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15])
    }

    @Test func bigEndianStoragesAreTurned() throws {
        let order = ZipBuilder.Member(name: Array("a/byteorder".utf8), content: Array("big".utf8))
        let source = try CheckpointOpener.open(try file(Self.state(Self.tensor()), extra: [order]))
        let tensor = try #require(source.tensor(named: "w"))
        #expect(try source.readBytes(of: tensor) == [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12])
    }

    @Test(arguments: [
        ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "exec"), ("subprocess", "Popen"),
        ("torch._utils", "_import_dotted_name"), ("torch", "load"), ("torch.serialization", "_StorageLoader"), ("", ""),
    ])
    func whatCouldRunCodeIsRefusedByName(module: String, name: String) throws {
        let call = Self.global(module, name) + Self.tuple(Self.text("touch /tmp/pwned")) + [0x52]
        let expected = "the pickle names Python code, which is never run: found \(module).\(name)"
        #expect(try problem(Self.state(call)).contains(expected))
        // By two texts on the stack, as protocol 4 does it.
        let stacked = Self.text(module) + Self.text(name) + [0x93] + Self.tuple(Self.text("x")) + [0x52]
        #expect(try problem(Self.state(stacked)).contains(expected))
        // Never called, only named.
        #expect(try problem(Self.state(Self.global(module, name))).contains(expected))
    }

    @Test func otherWaysToRunCodeAreRefused() throws {
        for (code, letter) in [
            (UInt8(ascii: "i"), "i"), (UInt8(ascii: "o"), "o"), (0x82, "\\u{82}"), (0x92, "\\u{92}"),
        ] {
            #expect(try problem(Self.state([0x28, code])).contains("an instruction that is not read"), "\(letter)")
        }
        // The result of a call is called.
        #expect(
            try problem(Self.state(Self.text("f") + Self.tuple(Self.text("x")) + [0x52]))
                .contains("calls something else than a function"))
    }

    @Test func placesOfTensorsAreChecked() throws {
        #expect(try problem(Self.state(Self.tensor(offset: 1))).contains("does not lie in its storage"))
        #expect(try problem(Self.state(Self.tensor(offset: -1))).contains("does not lie in its storage"))
        #expect(try problem(Self.state(Self.tensor(strides: [3, 1]))).contains("does not lie in its storage"))
        #expect(try problem(Self.state(Self.tensor(strides: [2, -1]))).contains("does not lie in its storage"))
        #expect(try problem(Self.state(Self.tensor(strides: [1]))).contains("does not lie in its storage"))
        #expect(try problem(Self.state(Self.tensor(size: [-2, -2]))).contains("negative size"))
        #expect(
            try problem(Self.state(Self.tensor(size: [.max, .max, .max], strides: [0, 0, 0])))
                .contains("more elements than can be addressed"))
        #expect(try problem(Self.state(Self.tensor(Self.storage(key: "1")))).contains("its storage is not there"))
        #expect(try problem(Self.state(Self.tensor()), data: [1]).contains("its storage is of another size"))
        #expect(try problem(Self.state(Self.tensor(Self.storage(count: -4)))).contains("a storage that is not as"))
        #expect(
            try problem(Self.state(Self.tensor(Self.storage("OddStorage")))).contains("a storage of an unknown type"))
        #expect(try problem(Self.state(Self.tensor(Self.integer(1)))).contains("a storage that is not as"))
    }

    /// A stride that no step is taken with may be any number, also one that overflows in bytes; pairs of elements have sizes of their own.
    @Test func numbersOf64BitsAreChecked() throws {
        func tensor(_ storage: [UInt8], offset: [UInt8], size: [[UInt8]], strides: [[UInt8]]) -> [UInt8] {
            Self.state(
                Self.global("torch._utils", "_rebuild_tensor_v2")
                    + Self.tuple(
                        storage, offset, Self.tuple(size.flatMap(\.self)), Self.tuple(strides.flatMap(\.self)), [0x89],
                        [0x7D]) + [0x52])
        }
        let (zero, one, two) = (Self.integer(0), Self.integer(1), Self.integer(2))
        let floats = Self.storage()
        let alone = tensor(floats, offset: zero, size: [one, two, two], strides: [Self.long(.max), one, two])
        let source = try CheckpointOpener.open(try file(alone))
        #expect(
            try source.readBytes(of: #require(source.tensors.first))
                == [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15])
        let empty = tensor(floats, offset: zero, size: [zero, two], strides: [Self.long(.max), Self.long(.max)])
        let nothing = try CheckpointOpener.open(try file(empty))
        #expect(try nothing.readBytes(of: #require(nothing.tensors.first)).isEmpty)
        for far in [Self.long(.max), Self.long(.min)] {
            for pickle in [
                tensor(floats, offset: far, size: [two], strides: [one]),
                tensor(floats, offset: zero, size: [far], strides: [one]),
                tensor(floats, offset: zero, size: [two, two], strides: [far, one]),
            ] { _ = try problem(pickle) }
        }
        func pairs(offset: [UInt8], size: [[UInt8]], strides: [[UInt8]]) -> [UInt8] {
            let storage =
                Self.tuple(
                    Self.text("storage"), Self.global("torch.storage", "UntypedStorage"), Self.text("0"),
                    Self.text("cpu"), Self.integer(16)) + [0x51]
            return Self.state(
                Self.global("torch._utils", "_rebuild_tensor_v3")
                    + Self.tuple(
                        storage, offset, Self.tuple(size.flatMap(\.self)), Self.tuple(strides.flatMap(\.self)), [0x89],
                        [0x7D], Self.global("torch", "float4_e2m1fn_x2")) + [0x52])
        }
        #expect(
            try CheckpointOpener.open(try file(pairs(offset: zero, size: [two], strides: [one]))).tensors.count == 1)
        for pickle in [
            pairs(offset: zero, size: [Self.long(.min)], strides: [one]),
            pairs(offset: Self.long(.min), size: [two], strides: [one]),
            pairs(offset: zero, size: [two], strides: [one, one]), pairs(offset: zero, size: [two], strides: []),
            pairs(offset: zero, size: [], strides: []),
        ] { _ = try problem(pickle) }
    }

    @Test func aTypeThatIsNotHeldIsALossThatIsNamed() throws {
        let pickle = Self.state(Self.tensor(Self.storage("ComplexDoubleStorage", count: 1), size: [1], strides: [1]))
        let source = try CheckpointOpener.open(try file(pickle))
        #expect(source.tensors.isEmpty)
        let issues = Conversion(source, to: .crux).issues
        #expect(issues.map(\.description) == ["not kept: the tensor 'w' of type complex128, which is not held"])
        #expect(issues.map(\.severity) == [.loss])
    }

    @Test func brokenPicklesAreNamed() throws {
        #expect(try problem([]).contains("the pickle ends early"))
        #expect(try problem([0x2E]).contains("takes from an empty stack"))
        #expect(try problem([0x80, 9, 0x2E]).contains("a version that is not read"))
        #expect(try problem([0x80, 2, 0x74]).contains("a mark that is not there"))
        #expect(try problem([0x80, 2, 0x28, 0x52]).contains("takes from an empty stack"))
        #expect(try problem([0x80, 2, 0x68, 5]).contains("the value 5, which is not there"))
        #expect(try problem([0x80, 2, 0x4E, 0x4E, 0x61]).contains("adds to what is no list"))
        #expect(try problem([0x80, 2, 0x8E] + [UInt8](repeating: 0xFF, count: 8)).contains("the pickle ends early"))
        #expect(try problem(Self.state([0x4E]).dropLast() + [0x4E, 0x73]).contains("takes from an empty stack"))
        // A list that holds itself.
        #expect(
            try problem([0x80, 2, 0x5D, 0x71, 0, 0x68, 0, 0x61, 0x2E]).contains("values hold each other too often"))
        // Twice as many values with each of sixty lines: 2^60 in all.
        var bomb: [UInt8] = [0x80, 2, 0x5D, 0x71, 0]
        for index in 0..<UInt8(60) { bomb += [0x30, 0x28, 0x68, index, 0x68, index, 0x74, 0x71, index + 1] }
        #expect(try problem(bomb + [0x2E]).contains("values hold each other too often"))
        // A long list copied again and again.
        let list = [UInt8](repeating: 0x4E, count: 100_000)
        var copies: [UInt8] = [0x80, 2, 0x28] + list + [0x6C, 0x71, 0]
        for _ in 0..<200 { copies += Self.global("builtins", "set") + [0x68, 0, 0x85, 0x52] }
        #expect(try problem(copies + [0x2E]).contains("the pickle has too many values"))
    }

    @Test func theOlderFormatIsCheckedAsWell() throws {
        let path = folder.file("a.pt")
        let magic: [UInt8] = [
            0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
        ]
        let keys: [UInt8] = [0x80, 2, 0x5D] + Self.text("0") + [0x61, 0x2E]
        let version: [UInt8] = [0x80, 2] + Self.integer(1001) + [0x2E]
        func file(_ version: [UInt8], count: UInt64) throws -> FilePath {
            let state = Self.state(
                Self.tensor(
                    Self.tuple(
                        Self.text("storage"), Self.global("torch", "FloatStorage"), Self.text("0"), Self.text("cpu"),
                        Self.integer(4), [0x4E]) + [0x51]))
            try path.writeBytes(
                magic + version + [0x80, 2, 0x7D, 0x2E] + state + keys + ZipBuilder.little(count) + Array(0..<16))
            return path
        }
        let source = try CheckpointOpener.open(try file(version, count: 4))
        #expect(try source.readBytes(of: #require(source.tensors.first)) == Array(0..<16))
        #expect(source.formatVersion == "1001")
        for (version, count, problem) in [
            (version, UInt64.max, "the file ends before the storage does"), (version, 5, "the file ends before"),
            ([0x80, 2] + Self.integer(7) + [0x2E], 4, "a version that cannot be read: found 7, expected 1001"),
        ] {
            let path = try file(version, count: count)
            let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(path) }
            #expect(error?.detail.contains(problem) == true, "\(error?.detail ?? "")")
        }
    }

    @Test func everyTruncationOfAPickleIsAnError() throws {
        let whole = Self.state(Self.tensor())
        for end in whole.indices {
            #expect(throws: CheckpointError.self) { _ = try Pickle(parsing: Array(whole[..<end]), path: "x") }
        }
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<3000 {
            var changed = whole
            for _ in 0..<3 { changed[Int(generator.next() % UInt64(changed.count))] = UInt8(generator.next() % 256) }
            _ = try? Pickle(parsing: changed, path: "x")
            if let path = try? file(changed) { _ = try? CheckpointOpener.open(path) }
        }
    }

    // MARK: Shards

    /// Opens the folder through an index of `w` in one.bin and `v` in two.bin, or of what else is given.
    private func shards(
        _ index: String = "{\"weight_map\":{\"w\":\"one.bin\",\"v\":\"two.bin\"}}"
    ) throws -> any CheckpointSource {
        try folder.file("pytorch_model.bin.index.json").writeBytes(Array(index.utf8))
        return try CheckpointOpener.open(folder.path)
    }

    private func problemOfShards(_ index: String = "{\"weight_map\":{\"w\":\"one.bin\",\"v\":\"two.bin\"}}") -> String {
        let error = #expect(throws: CheckpointError.self) { try shards(index) }
        return "\(error?.path.lastComponent?.string ?? ""): \(error?.detail ?? "")"
    }

    @Test func readsShardsThroughTheirIndex() throws {
        _ = try file(Self.state(Self.tensor()), name: "one.bin")
        _ = try file(Self.state(Self.tensor(strides: [1, 2]), name: "v"), data: Array(16..<32), name: "two.bin")
        // Indexes of other frameworks do not count.
        try folder.file("flax_model.msgpack.index.json").writeBytes(Array("{}".utf8))
        let source = try shards()
        #expect(source.format == .shardedPyTorch)
        #expect(source.tensors.map(\.name) == ["w", "v"])
        #expect(try source.readBytes(of: source.tensors[0]) == Array(0..<16))
        #expect(
            try source.readBytes(of: source.tensors[1])
                == [16, 17, 18, 19, 24, 25, 26, 27, 20, 21, 22, 23, 28, 29, 30, 31])
        #expect(
            try source.fileByteCount
                == ["one.bin", "two.bin", "pytorch_model.bin.index.json"].map { try folder.file($0).readBytes().count }
                .reduce(0, +))
        let outcome = try Conversion(source, to: .safetensors).run(to: folder.file("joined"))
        #expect(outcome.tensorCount == 2)
        // Where there are both, the safetensors files stand for the model.
        let safe = folder.file("model.safetensors.index.json")
        try safe.writeBytes(Array("{\"weight_map\":{\"w\":\"joined\",\"v\":\"joined\"}}".utf8))
        #expect(try CheckpointOpener.open(folder.path).format == .shardedSafetensors)
    }

    @Test func shardsAreCheckedAgainstTheirIndex() throws {
        _ = try file(Self.state(Self.tensor()), name: "one.bin")
        #expect(problemOfShards().hasPrefix("two.bin: "))
        _ = try file(Self.state(Self.tensor()), name: "two.bin")
        #expect(
            problemOfShards()
                == "pytorch_model.bin.index.json: tensor 'w', weight_map: index and files disagree: "
                + "found the tensor in two.bin, expected it in one.bin")
        #expect(
            problemOfShards("{\"weight_map\":{\"w\":\"one.bin\",\"x\":\"one.bin\"}}")
                == "pytorch_model.bin.index.json: tensor 'x', weight_map: index and files disagree: "
                + "found no such tensor in one.bin, expected it there")
        #expect(
            problemOfShards("{\"weight_map\":{\"w\":\"../one.bin\"}}")
                .hasSuffix("expected a file in the index's own folder"))
        let call = Self.global("os", "system") + Self.tuple(Self.text("touch /tmp/pwned")) + [0x52]
        _ = try file(Self.state(call, name: "v"), name: "two.bin")
        #expect(problemOfShards().contains("the pickle names Python code, which is never run: found os.system"))
        #expect(problemOfShards().hasPrefix("two.bin: "))
        _ = try Conversion(PyTorchSource(path: folder.file("one.bin")), to: .safetensors).run(
            to: folder.file("two.bin"))
        #expect(
            problemOfShards("{\"weight_map\":{\"v\":\"one.bin\",\"w\":\"two.bin\"}}").contains(
                "index and files disagree"))
    }

    @Test func shardsAreOfOneFormat() throws {
        _ = try file(Self.state(Self.tensor()), name: "one.bin")
        let other = try file(Self.state(Self.tensor(), name: "v"))
        _ = try Conversion(PyTorchSource(path: other), to: .safetensors).run(to: folder.file("two.bin"))
        #expect(
            problemOfShards()
                == "pytorch_model.bin.index.json: weight_map: names files of different formats: "
                + "found two.bin, which is safetensors, expected PyTorch as one.bin")
    }

    @Test func aTypeThatIsNotHeldMayBeInTheIndex() throws {
        _ = try file(Self.state(Self.tensor()), name: "one.bin")
        let complex = Self.tensor(Self.storage("ComplexDoubleStorage", count: 1), size: [1], strides: [1])
        _ = try file(Self.state(complex, name: "v"), name: "two.bin")
        #expect(
            try Conversion(shards(), to: .crux).issues.map(\.description)
                == ["not kept: in two.bin, the tensor 'v' of type complex128, which is not held"])
        #expect(
            problemOfShards("{\"weight_map\":{\"w\":\"one.bin\",\"v\":\"one.bin\",\"x\":\"two.bin\"}}")
                == "pytorch_model.bin.index.json: tensor 'v', weight_map: index and files disagree: "
                + "found the tensor in two.bin, expected it in one.bin")
    }
}
