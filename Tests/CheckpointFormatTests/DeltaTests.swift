import CheckpointFormat
import Codecs
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct DeltaTests {
    let folder: TemporaryFolder
    let basePath: FilePath
    let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        basePath = folder.file("reference.crux")
        path = folder.file("policy.crux")
    }

    typealias Tensors = [(name: String, dtype: DType, role: TensorRole, bytes: [UInt8])]

    static func write(
        _ tensors: Tensors, to path: FilePath, base: (any DeltaBase)? = nil, chunkByteCount: Int = 256,
        workerCount: Int = 2
    ) throws {
        let writer = try CheckpointWriter.create(
            at: path, options: WriterOptions(chunkByteCount: chunkByteCount, workerCount: workerCount), base: base)
        writer.setMetadata("step", .uint32(1))
        for (name, dtype, role, bytes) in tensors {
            let count = bytes.count / dtype.block.byteCount * dtype.block.elementCount
            try writer.append(
                TensorDescription(name: name, dtype: dtype, shape: [count], role: role),
                bytes: unsafe bytes.span.bytes)
        }
        try writer.finish()
    }

    static func contents(_ reader: CheckpointReader) throws -> [[UInt8]] {
        try reader.tensors.map { try reader.readBytes(of: $0) }
    }

    /// Weights as F32: exponents vary little.
    static func weights(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).flatMap { _ in
            let word = UInt32(truncatingIfNeeded: generator.next()) & 0x807F_FFFF | 0x3C00_0000
            return (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
        }
    }

    /// Some bytes changed, of every so many.
    static func changed(_ bytes: [UInt8], every: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = bytes
        for index in stride(from: 0, to: bytes.count, by: every) { bytes[index] &+= UInt8(generator.next() % 7) }
        return bytes
    }

    @Test(arguments: DType.allCases)
    func everyTypeAndBitPatternComesBack(dtype: DType) throws {
        var generator = SeededGenerator(seed: UInt64(dtype.code))
        var (old, new): (Tensors, Tensors) = ([], [])
        for (index, role) in [TensorRole.weight, .firstMoment, .criticSecondMoment, .state].enumerated() {
            let count = [1, 13, 100, 517][index] * dtype.block.byteCount
            let base = dtype == .bool ? generator.bytes(count).map { $0 & 1 } : generator.bytes(count)
            let name = "tensor \(index)"
            old.append((name, dtype, role, base))
            switch index {
            case 0: new.append((name, dtype, role, base))
            case 1: new.append((name, dtype, role, dtype == .bool ? base.map { 1 - $0 } : generator.bytes(count)))
            case 2: new.append((name, dtype, role, dtype == .bool ? base : Self.changed(base, every: 40, seed: 1)))
            default: new.append((name, dtype, role, dtype == .bool ? base : Self.changed(base, every: 3, seed: 2)))
            }
        }
        try Self.write(old, to: basePath, chunkByteCount: 128)
        try Self.write(new, to: path, base: CheckpointReader(path: basePath))
        let reader = try CheckpointReader(path: path)
        #expect(reader.requiredFeatures == .deltas)
        #expect(try Self.contents(reader) == new.map(\.bytes))
        #expect(Verifier.verify(path: path).findings == [])
        let whole = folder.file("whole.crux")
        try Self.write(new, to: whole)
        #expect(try CheckpointReader(path: whole).weightsDigest == reader.weightsDigest)
    }

    @Test(arguments: 0..<40)
    func randomCheckpointsComeBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var (old, new): (Tensors, Tensors) = ([], [])
        for index in 0..<Int.random(in: 1...5, using: &generator) {
            let dtype = [DType.f32, .bf16, .f64, .i8, .f8e4m3, .q8_0].randomElement(using: &generator) ?? .f32
            let count = Int.random(in: 0...3000, using: &generator) * dtype.block.byteCount
            let base = Bool.random(using: &generator) ? Self.weights(count / 4 + 1, seed: seed) : generator.bytes(count)
            let bytes = Array(base.prefix(base.count / dtype.block.byteCount * dtype.block.byteCount))
            old.append(("\(index)", dtype, .weight, bytes))
            let every = [1, 2, 9, 1000].randomElement(using: &generator) ?? 1
            new.append(("\(index)", dtype, .weight, Self.changed(bytes, every: every, seed: seed)))
        }
        let chunks = [64, 192, 1024, 1 << 20]
        try Self.write(old, to: basePath, chunkByteCount: chunks.randomElement(using: &generator) ?? 64)
        try Self.write(
            new, to: path, base: CheckpointReader(path: basePath),
            chunkByteCount: chunks.randomElement(using: &generator) ?? 64,
            workerCount: Int.random(in: 1...3, using: &generator))
        let reader = try CheckpointReader(path: path)
        #expect(try Self.contents(reader) == new.map(\.bytes))
        #expect(Verifier.verify(path: path).findings == [])
    }

    /// What each situation is stored as.
    @Test func theSmallestCodecIsChosen() throws {
        let words = Self.weights(4096, seed: 1)
        // As 16-bit words, of which a sixth goes a step up or down.
        var (sparse, generator) = (words, SeededGenerator(seed: 5))
        for index in stride(from: 0, to: sparse.count, by: 2) where generator.next() % 6 == 0 {
            sparse[index] = sparse[index] == 255 ? 254 : sparse[index] + 1
        }
        let dense = Self.changed(words, every: 4, seed: 3)
        try Self.write(
            ["same", "sparse", "dense", "other", "constant"].map {
                ($0, $0 == "sparse" ? .bf16 : .f32, .weight, words)
            }, to: basePath,
            chunkByteCount: 1 << 20)
        try Self.write(
            [
                ("same", .f32, .weight, words), ("sparse", .bf16, .weight, sparse), ("dense", .f32, .weight, dense),
                ("other", .f32, .weight, Self.weights(4096, seed: 9)),
                ("constant", .f32, .weight, [UInt8](repeating: 0, count: words.count)),
                ("new", .f32, .weight, words),
            ], to: path, base: CheckpointReader(path: basePath), chunkByteCount: 1 << 20)
        let reader = try CheckpointReader(path: path)
        #expect(
            reader.tensors.map { "\($0.codecNames)" } == [
                "[\"same as base\"]", "[\"sparse difference + zstd\"]", "[\"difference + zstd\"]",
                "[\"rotated planes + zstd\"]", "[\"constant\"]", "[\"rotated planes + zstd\"]",
            ])
        #expect(reader.tensors[0].storedByteCount == 0)
        #expect(reader.tensors[1].storedByteCount < words.count / 10)
        #expect(reader.tensors[2].storedByteCount < words.count / 5)
        #expect(reader.baseReference?.pathHint == "reference.crux")
    }

    @Test func theSameInputGivesTheSameBytes() throws {
        let words = Self.weights(5000, seed: 1)
        try Self.write([("w", .f32, .weight, words)], to: basePath)
        let base = try CheckpointReader(path: basePath)
        for name in ["1.crux", "2.crux", "3.crux"] {
            try Self.write(
                [("w", .f32, .weight, Self.changed(words, every: 4, seed: 2))], to: folder.file(name), base: base,
                workerCount: name == "1.crux" ? 1 : 3)
        }
        let first = try folder.file("1.crux").readBytes()
        #expect(try folder.file("2.crux").readBytes() == first)
        #expect(try folder.file("3.crux").readBytes() == first)
    }

    // The base.

    private func makePair() throws {
        let words = Self.weights(300, seed: 1)
        try Self.write([("w", .f32, .weight, words)], to: basePath)
        try Self.write(
            [("w", .f32, .weight, Self.changed(words, every: 4, seed: 2))], to: path,
            base: CheckpointReader(path: basePath))
    }

    private func failure(bases: BaseSearch = BaseSearch()) -> CheckpointError? {
        do throws(CheckpointError) {
            _ = try CheckpointReader(path: path, bases: bases)
            return nil
        } catch {
            return error
        }
    }

    @Test func aMissingBaseIsNamedAndOnlyWhatIsStoredIsVerified() throws {
        try makePair()
        let digest = try CheckpointReader(path: basePath).weightsDigest
        try Platform.move(basePath, to: folder.file(".hidden"))
        let error = try #require(failure())
        #expect(error.kind == .missing)
        #expect(
            error.description == "\(path): base: the checkpoint that this delta is stored against was not found: "
                + "weights \(digest.hex); looked at \(basePath)")
        let report = Verifier.verify(path: path)
        #expect(report.isValid)
        #expect(!report.checksContent)
        #expect(report.missingBase == error.problem)
        #expect(report.base?.weightsDigest == digest)
        // Damage of what is stored is found all the same.
        let stored = try #require(try CheckpointReader.describing(path).tensors.first?.byteRange)
        var bytes = try path.readBytes()
        bytes[stored.lowerBound + 5] ^= 1
        try path.writeBytes(bytes)
        #expect(!Verifier.verify(path: path).isValid)
    }

    @Test func aBaseIsFoundByPathFolderAndBesideTheDelta() throws {
        try makePair()
        let other = try TemporaryFolder()
        let moved = other.file("moved.crux")
        let bytes = try basePath.readBytes()
        try moved.writeBytes(bytes)
        try Platform.move(basePath, to: folder.file(".hidden"))
        #expect(failure() != nil)
        #expect(failure(bases: BaseSearch(paths: [moved])) == nil)
        #expect(failure(bases: BaseSearch(folders: [other.path])) == nil)
        // Files that are something else are passed over.
        try other.file("a.crux").writeBytes([1, 2, 3])
        try SmallCheckpoint.write(at: other.file("b.crux"))
        #expect(failure(bases: BaseSearch(folders: [other.path])) == nil)
        let elsewhere = try TemporaryFolder()
        try elsewhere.file("reference.crux").writeBytes(bytes)
        try elsewhere.file("policy.crux").writeBytes(path.readBytes())
        #expect(throws: Never.self) { _ = try CheckpointReader(path: elsewhere.file("policy.crux")) }
    }

    @Test func anotherBaseIsNamed() throws {
        try makePair()
        let digest = try CheckpointReader(path: basePath)
        let new = Self.weights(300, seed: 4)
        try Self.write([("w", .f32, .weight, new)], to: basePath)
        let error = try #require(failure())
        #expect(error.kind == .wrongBase)
        let found = try CheckpointReader(path: basePath).tensors[0].digest
        #expect(
            error.description == "\(path): base: \(basePath): tensor 'w', digest: this is not the delta's base, "
                + "whose weights are \(digest.weightsDigest.hex): found \(found.hex), "
                + "expected \(digest.tensors[0].digest.hex)")
        #expect(Verifier.verify(path: path).findings.map(\.kind) == [.wrongBase])
        try Self.write([("v", .f32, .weight, new)], to: basePath)
        #expect(failure()?.description.contains("tensor 'w', name: this is not the delta's base") == true)
    }

    @Test func aDamagedBaseIsNamed() throws {
        try makePair()
        let range = try CheckpointReader(path: basePath).tensors[0].byteRange
        var bytes = try basePath.readBytes()
        bytes[range.lowerBound] ^= 1
        try basePath.writeBytes(bytes)
        let reader = try CheckpointReader(path: path)
        let error = try #require(throws: CheckpointError.self) { _ = try reader.readBytes(of: reader.tensors[0]) }
        #expect(error.kind == .damaged)
        #expect(error.path == path)
        #expect(error.problem.hasPrefix("the base cannot be read: \(basePath): tensor 'w', chunk 0"))
        #expect(!Verifier.verify(path: path).isValid)
        try basePath.writeBytes(Array(bytes.dropLast()))
        #expect(failure()?.kind == .truncated)
        // A new delta against it is not written.
        try basePath.writeBytes(bytes)
        let base = try CheckpointReader(path: basePath)
        let old = try path.readBytes()
        #expect(throws: CheckpointError.self) {
            try Self.write([("w", .f32, .weight, Self.weights(300, seed: 1))], to: path, base: base)
        }
        #expect(try path.readBytes() == old)
        #expect(try folder.entries() == ["policy.crux", "reference.crux"])
    }

    @Test func theBaseIsNotOverwrittenByItsDelta() throws {
        try makePair()
        let bytes = try basePath.readBytes()
        let base = try CheckpointReader(path: basePath)
        let error = try #require(throws: CheckpointError.self) {
            try Self.write([("w", .f32, .weight, Self.weights(300, seed: 1))], to: basePath, base: base)
        }
        #expect(error.kind == .wrongBase)
        // Nor by a delta of the delta.
        let delta = try CheckpointReader(path: path)
        #expect(throws: CheckpointError.self) {
            try Self.write([("w", .f32, .weight, Self.weights(300, seed: 1))], to: basePath, base: delta)
        }
        #expect(try basePath.readBytes() == bytes)
    }

    // Chains.

    @Test func deltasOfDeltasAreReadUpToALimit() throws {
        var words = Self.weights(300, seed: 1)
        try Self.write([("w", .f32, .weight, words)], to: folder.file("0.crux"))
        for step in 1...Format.maximumBaseDepth {
            words = Self.changed(words, every: 4, seed: UInt64(step))
            let base = try CheckpointReader(path: folder.file("\(step - 1).crux"))
            try Self.write([("w", .f32, .weight, words)], to: folder.file("\(step).crux"), base: base)
            let reader = try CheckpointReader(path: folder.file("\(step).crux"))
            #expect(try reader.readBytes(of: reader.tensors[0]) == words)
        }
        let last = folder.file("\(Format.maximumBaseDepth).crux")
        #expect(Verifier.verify(path: last).findings == [])
        // One more cannot be written, as it could not be read.
        let error = try #require(throws: CheckpointError.self) {
            try Self.write([("w", .f32, .weight, words)], to: path, base: CheckpointReader(path: last))
        }
        #expect(error.problem == "too many deltas lie behind one another")
        #expect(!(try folder.entries().contains("policy.crux")))
    }

    @Test func aCycleIsRefused() throws {
        let path = Fixtures.path("invalid/base-cycle.crux")
        let error = try #require(throws: CheckpointError.self) { _ = try CheckpointReader(path: path) }
        #expect(error.kind == .invalid)
        #expect(error.problem.contains("a cycle of deltas leads from"))
    }

    // Damage.

    @Test func everyFlippedBitAndTruncationIsFound() throws {
        let valid = Fixtures.path("valid/v1/delta-of-delta.crux")
        let bases = BaseSearch(folders: [Fixtures.path("valid/v1")])
        let bytes = try valid.readBytes()
        try path.writeBytes(bytes)
        #expect(Verifier.verify(path: path, bases: bases).checksContent)
        // All that a delta adds is in the header, the base section, the chunks and the index.
        for index in bytes.indices where index < 512 || index % 3 == 0 {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(index % 8)
            try path.writeBytes(damaged)
            let report = Verifier.verify(path: path, bases: bases, workerCount: 1)
            #expect(!report.isValid, "byte \(index)")
        }
        for count in stride(from: 0, to: bytes.count, by: 7) {
            try path.writeBytes(Array(bytes.prefix(count)))
            #expect(!Verifier.verify(path: path, bases: bases, workerCount: 1).isValid, "\(count) bytes")
        }
    }

    @Test func anEditedDeltaStaysOne() throws {
        try makePair()
        var edit = try CheckpointEdit(path: path)
        edit.metadata["note"] = .bool(true)
        try edit.save()
        let reader = try CheckpointReader(path: path)
        #expect(reader.baseReference?.pathHint == "reference.crux")
        #expect(Verifier.verify(path: path).findings == [])
    }
}

/// Renaming, for files that the tests move out of sight.
private enum Platform {
    static func move(_ source: FilePath, to target: FilePath) throws {
        let bytes = try source.readBytes()
        try target.writeBytes(bytes)
        try FileOperations.system.remove(source)
    }
}

extension CheckpointReader {
    /// Opens a delta without its base.
    fileprivate static func describing(_ path: FilePath) throws -> CheckpointReader {
        try CheckpointReader(pathOfDeltaWithoutBase: path)
    }
}
