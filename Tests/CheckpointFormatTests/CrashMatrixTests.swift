import CheckpointFormat
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

/// Every call of a save goes wrong in every way: what is on the disk is the old checkpoint or the new one, whole.
@Suite struct CrashMatrixTests {
    /// What is saved over what.
    enum Save: CaseIterable, Hashable, CustomTestStringConvertible {
        case newFile, overwrite, edit

        var testDescription: String { "\(self)" }

        /// Puts what is there before into the folder.
        func prepare(_ path: FilePath) throws {
            if self != .newFile { try SmallCheckpoint.write(at: path) }
        }

        func run(at path: FilePath, _ disk: FaultyDisk) throws {
            if self == .edit {
                var edit = try CheckpointEdit(path: path)
                edit.set("note", to: .string("new"))
                try edit.save(operations: disk.operations)
                return
            }
            let writer = try CheckpointWriter.create(
                at: path, options: WriterOptions(codec: .raw, workerCount: 1), operations: disk.operations)
            // Larger than the buffer, so that there are several writes.
            let bytes = [UInt8](repeating: 7, count: 600_000)
            for name in ["a", "b"] {
                try writer.append(
                    TensorDescription(name: name, dtype: .u8, shape: [bytes.count]), bytes: unsafe bytes.span.bytes)
            }
            try writer.finish()
        }
    }

    @Test(arguments: Save.allCases, FaultyDisk.Fault.allCases)
    func theTargetIsTheOldOrTheNewCheckpoint(save: Save, fault: FaultyDisk.Fault) throws {
        var calls: [FaultyDisk.Call] = []
        for failing in 0... {
            let folder = try TemporaryFolder()
            let path = folder.file("run.crux")
            try save.prepare(path)
            let old = try? path.readBytes()
            let disk = FaultyDisk(fault, atCall: failing, seed: UInt64(failing))
            var failure: (any Error)?
            do {
                try save.run(at: path, disk)
            } catch {
                failure = error
            }
            calls = disk.calls
            let current = try? path.readBytes()
            let isOld = current == old
            let isNew = !isOld && Verifier.verify(path: path).isValid
            #expect(isOld || isNew, "\(failing) calls: \(calls)")
            if !disk.hasFailed || fault.isHarmless { #expect(failure == nil && isNew, "\(calls)") }
            if let failure {
                let error = try #require(failure as? CheckpointError)
                #expect(error.kind == .io)
                #expect(error.description.hasPrefix("\(path): cannot "))
            } else {
                #expect(isNew)
            }
            if fault.endsProcess {
                // The next save finds what was left and removes it.
                try SmallCheckpoint.write(at: path)
                #expect(Verifier.verify(path: path).isValid)
            }
            #expect(try folder.entries() == (current == nil && !fault.endsProcess ? [] : ["run.crux"]), "\(calls)")
            if !disk.hasFailed { break }
        }
        // Every kind of call was reached, in this order.
        var order: [FaultyDisk.Call] = []
        for call in calls where order.last != call { order.append(call) }
        #expect(order == [.create, .write, .synchroniseFile, .close, .rename, .synchroniseFolder])
    }

    @Test func theFilesOfLivingSavesAreLeftAlone() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("run.crux")
        let first = try CheckpointWriter.create(at: path)
        let second = try CheckpointWriter.create(at: path)
        try SmallCheckpoint.write(at: path)
        #expect(try folder.entries().count == 3)
        for writer in [first, second] {
            try SmallCheckpoint.fill(writer)
            try writer.finish()
            #expect(Verifier.verify(path: path).isValid)
        }
        #expect(try folder.entries() == ["run.crux"])
    }

    @Test func onlyAbandonedFilesOfTheSameTargetAreRemoved() throws {
        let folder = try TemporaryFolder()
        // Process 1 lives, whoever it is by now: its number does not protect the file.
        let abandoned = [".run.crux.tmp-1-0123abcd", ".run.crux.tmp-4194304-ffffffff"]
        let others = [
            ".other.crux.tmp-1-0123abcd", ".run.crux.tmp-1-xyz", ".run.crux.tmp--0123abcd", ".run.crux.tmp-1",
            "run.crux.tmp-1-0123abcd", ".run.crux.tmp-1-0123abcd.keep",
        ]
        for name in abandoned + others { try folder.file(name).writeBytes([1]) }
        try SmallCheckpoint.write(at: folder.file("run.crux"))
        #expect(try folder.entries() == (others + ["run.crux"]).sorted())
    }

    @Test func aThousandSavesUnderFaultsLoseNothing() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("run.crux")
        var generator = SeededGenerator(seed: 7)
        var saved: UInt64?
        var faults = 0
        for run in 0..<1000 as Range<UInt64> {
            let fault = FaultyDisk.Fault.allCases.randomElement(using: &generator)
            let failing = Int.random(in: 0..<10, using: &generator)
            let disk = FaultyDisk(fault, atCall: failing, seed: generator.next())
            var failed = false
            do {
                let writer = try CheckpointWriter.create(
                    at: path, options: WriterOptions(codec: .raw, workerCount: 1),
                    operations: disk.operations)
                writer.setMetadata(MetadataKey.step, .uint64(run))
                // Larger than the buffer, so that there are several writes.
                let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: run), count: 300_000)
                try writer.append(
                    TensorDescription(name: "w", dtype: .u8, shape: [bytes.count]), bytes: unsafe bytes.span.bytes)
                try writer.finish()
            } catch {
                failed = true
            }
            faults += disk.hasFailed ? 1 : 0
            guard let reader = try? CheckpointReader(path: path) else {
                // Only before the first save has come through.
                #expect(saved == nil && failed, "run \(run): the checkpoint is lost")
                continue
            }
            let step = try #require(reader.metadata[MetadataKey.step]?.intValue).magnitude
            #expect(UInt64(step) == run || (failed && UInt64(step) == saved), "run \(run)")
            let bytes = try reader.readBytes(of: try reader.requiredTensor(named: "w"))
            #expect(bytes == [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: 300_000))
            saved = UInt64(step)
        }
        #expect(faults > 600)
        try SmallCheckpoint.write(at: path)
        #expect(try folder.entries() == ["run.crux"])
    }
}
