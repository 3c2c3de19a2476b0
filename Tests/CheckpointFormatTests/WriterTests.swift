import CheckpointFormat
import Codecs
import Foundation
import OrderedCollections
import Synchronization
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct WriterTests {
    let folder: TemporaryFolder
    let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("run.crux")
    }

    func description(_ name: String, _ count: Int = 4) throws -> TensorDescription {
        try TensorDescription(name: name, dtype: .u8, shape: [count])
    }

    @Test func aWriterThatGoesLeavesNothing() throws {
        do {
            let writer = try CheckpointWriter.create(at: path)
            try writer.append(description("a"), bytes: unsafe [UInt8](1...4).span.bytes)
            #expect(try folder.entries().count == 1)
            #expect(try folder.entries()[0].hasPrefix(".run.crux.tmp-"))
        }
        #expect(try folder.entries() == [])
    }

    @Test func anUnfinishedSaveKeepsTheOldFile() throws {
        try SmallCheckpoint.write(at: path)
        let old = try path.readBytes()
        do {
            let writer = try CheckpointWriter.create(at: path)
            try writer.append(description("a"), bytes: unsafe [UInt8](1...4).span.bytes)
        }
        #expect(try path.readBytes() == old)
        #expect(try folder.entries() == ["run.crux"])
    }

    @Test func aFinishedSaveReplacesTheOldFile() throws {
        try path.writeBytes([1, 2, 3])
        try SmallCheckpoint.write(at: path)
        #expect(Verifier.verify(path: path).isValid)
        #expect(try folder.entries() == ["run.crux"])
    }

    @Test func permissionsAreKept() throws {
        try path.writeBytes([])
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path.string)
        try SmallCheckpoint.write(at: path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test func linksAreFollowed() throws {
        let real = folder.file("real.crux")
        try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: "real.crux")
        // The link leads nowhere yet, then to a file.
        for _ in 0..<2 {
            try SmallCheckpoint.write(at: path)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path.string) == "real.crux")
            #expect(Verifier.verify(path: real).isValid)
        }
        #expect(try folder.entries() == ["real.crux", "run.crux"])
    }

    @Test func theLongestNameWorks() throws {
        let long = folder.file(String(repeating: "é", count: 125) + ".crux")
        try SmallCheckpoint.write(at: long)
        #expect(Verifier.verify(path: long).isValid)
        #expect(try folder.entries().count == 1)
    }

    @Test func theSameContentGivesTheSameBytes() throws {
        for workerCount in 1...4 {
            let other = folder.file("\(workerCount).crux")
            try SmallCheckpoint.write(
                at: other, options: WriterOptions(chunkByteCount: 64, workerCount: workerCount))
        }
        let first = try folder.file("1.crux").readBytes()
        for workerCount in 2...4 { #expect(try folder.file("\(workerCount).crux").readBytes() == first) }
    }

    @Test(arguments: ["/dev/null", ".", "/"])
    func placesThatAreNoFilesAreRefused(target: String) throws {
        let error = try #require(throws: CheckpointError.self) { _ = try CheckpointWriter.create(at: FilePath(target)) }
        #expect(error.kind == .io)
    }

    @Test func aFolderThatIsMissingIsNamed() throws {
        let error = try #require(throws: CheckpointError.self) {
            _ = try CheckpointWriter.create(at: "/nonexistent/run.crux")
        }
        #expect(
            error.description == "/nonexistent/run.crux: cannot create a temporary file beside it: "
                + "No such file or directory")
    }

    @Test func aFullDeviceIsNamed() throws {
        let device = try FileDescriptor.open(FilePath("/dev/full"), .writeOnly)
        defer { try? device.close() }
        let error = try #require(throws: CheckpointError.self) {
            let writer = try CheckpointWriter.stream(to: device, path: "/dev/full")
            try SmallCheckpoint.fill(writer)
            try writer.finish()
        }
        #expect(error.description == "/dev/full: cannot write: No space left on device")
        #expect(error.kind == .io)
    }

    @Test func aPipeIsEnough() async throws {
        let (reading, writing) = try FileDescriptor.pipe()
        async let bytes = Task.detached { () -> [UInt8] in
            let handle = FileHandle(fileDescriptor: reading.rawValue, closeOnDealloc: true)
            return [UInt8](try handle.readToEnd() ?? Data())
        }.value
        let writer = try CheckpointWriter.stream(
            to: writing, path: "pipe", options: WriterOptions(chunkByteCount: 256, workerCount: 2))
        try SmallCheckpoint.fill(writer)
        try writer.finish()
        try writing.close()
        try SmallCheckpoint.write(at: path)
        #expect(try await bytes == path.readBytes())
    }

    // Mistakes of the caller.

    @Test func mistakesAreNamed() throws {
        let bytes: [UInt8] = [1, 2, 3, 4]
        func message(_ body: (CheckpointWriter) throws -> Void) throws -> String {
            let writer = try CheckpointWriter.create(at: path)
            let error = try #require(throws: CheckpointError.self) { try body(writer) }
            #expect(error.kind == .invalid)
            #expect(try folder.entries() == [])
            let again = try #require(throws: CheckpointError.self) { try writer.finish() }
            #expect(again.detail == "the checkpoint was given up after an error")
            return error.detail
        }
        #expect(
            try message { writer in
                try writer.append(description("a"), bytes: unsafe bytes.span.bytes)
                try writer.append(description("a"), bytes: unsafe bytes.span.bytes)
            } == "tensor 'a': two tensors have this name")
        #expect(
            try message { try $0.append(description("a", 3), bytes: unsafe bytes.span.bytes) }
                == "tensor 'a': more content than the 3 bytes of a U8 [3]")
        #expect(
            try message { try $0.append(description("a", 5), bytes: unsafe bytes.span.bytes) }
                == "tensor 'a': 4 bytes of content for the 5 of a U8 [5]")
        #expect(
            try message { writer in
                try writer.beginTensor(description("a"))
                try writer.beginTensor(description("b"))
            } == "a tensor begins before the last one has ended")
        #expect(try message { try $0.write(unsafe bytes.span.bytes) } == "content without a tensor")
        #expect(try message { try $0.endTensor() } == "the end of a tensor that was not begun")
        #expect(
            try message { writer in
                try writer.beginTensor(description("a"))
                try writer.finish()
            } == "the checkpoint is finished inside a tensor or twice")
        #expect(
            try message { writer in
                try writer.beginTensor(
                    TensorDescription(name: "a", dtype: .u8, shape: Shape(Array(repeating: 1, count: 65))))
            } == "tensor 'a': the rank 65 is larger than 64")
        #expect(
            try message { try $0.beginTensor(description(String(repeating: "n", count: 65_536))) }
                .hasSuffix("the name is longer than 65535 bytes or contains U+0000"))
    }

    @Test(arguments: [0, 63, 100, 1 << 27])
    func chunkSizesThatAreNotAllowedAreRefused(count: Int) throws {
        let error = try #require(throws: CheckpointError.self) {
            _ = try CheckpointWriter.create(at: path, options: WriterOptions(chunkByteCount: count))
        }
        #expect(
            error.detail == "chunk byte count: not an allowed chunk size: found \(count), "
                + "expected a multiple of 64 in 64 … 16777216")
        #expect(try folder.entries() == [])
    }

    @Test func anErrorOfTheFillingClosureEndsTheSave() throws {
        struct Stop: Error {}
        let writer = try CheckpointWriter.create(at: path, options: WriterOptions(chunkByteCount: 64))
        var ranges: [Range<Int>] = []
        #expect(throws: Stop.self) {
            try writer.append(description("a", 200)) { range, _ in
                ranges.append(range)
                if range.lowerBound > 0 { throw Stop() }
            }
        }
        #expect(ranges == [0..<64, 64..<128])
        #expect(try folder.entries() == [])
    }
}
