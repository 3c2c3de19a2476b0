internal import CheckpointFormat
internal import CheckpointInterop
internal import Foundation
internal import Rendering
internal import SystemPackage
internal import TensorCore

/// Measures saving, reading and verifying of tensors that lie in memory.
struct FormatBenchmark {
    /// How fast something went, in 10⁶ bytes of content.
    struct Rate: Encodable {
        /// A second of the clock.
        let clock: Double
        /// A second of processor time, of all threads together: what other programs do at the same time matters less.
        let processor: Double

        var text: String {
            func text(_ value: Double) -> String { FigureFormat.count.text(value.rounded()) }
            return "\(text(clock)) MB/s, \(text(processor)) MB per second of processor time"
        }
    }

    /// What was measured.
    struct Result: Encodable {
        let schemaVersion = 2
        let contentByteCount: Int
        let threads: Int
        let storedByteCount: Int
        /// Content by stored size.
        let ratio: Double
        let encode: Rate
        let decode: Rate
        /// The raw codec, hashes and fsync included.
        let saveRaw: Rate
        /// The default codec, hashes and fsync included.
        let save: Rate
        /// Stored bytes of the raw file against their hashes.
        let verifyQuick: Rate
        let openMilliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case schemaVersion, contentByteCount, threads, storedByteCount, ratio, encode, decode, saveRaw, save
            case verifyQuick, openMilliseconds
        }

        var text: String {
            """
            ratio \(FigureFormat.significant(4).text(ratio)), \(threads) threads
            encode   \(encode.text)
            decode   \(decode.text)
            save     \(save.text)
            save raw \(saveRaw.text)
            verify   \(verifyQuick.text)
            open     \(FigureFormat.significant(3).text(openMilliseconds)) ms

            """
        }
    }

    private let tensors: [BenchmarkTensors.Tensor]
    private let byteCount: Int
    private let folder: FilePath
    private let rounds: Int
    private let workerCount: Int

    /// Reads the tensors.
    ///
    /// - Parameter copyCount: How often each is used, under different names, for files larger than the one there is.
    init(_ path: FilePath, bf16: Bool, copyCount: Int, folder: FilePath, rounds: Int, workerCount: Int) throws {
        let source = try CheckpointOpener.open(path)
        let own = try BenchmarkTensors.read(source, weightsOnly: true, asBF16: bf16)
        tensors =
            try own
            + (1..<copyCount).flatMap { copy in
                try own.map { tensor in
                    let description = tensor.description
                    return (
                        try TensorDescription(
                            name: "\(copy).\(description.name)", dtype: description.dtype, shape: description.shape,
                            role: description.role), tensor.bytes
                    )
                }
            }
        byteCount = tensors.reduce(0) { $0 + $1.bytes.count }
        self.folder = folder
        self.rounds = rounds
        self.workerCount = workerCount
    }

    func run() throws -> Result {
        let process = ProcessInfo.processInfo.processIdentifier
        let (best, raw) = (folder.appending("bench-\(process).crux"), folder.appending("bench-\(process)-raw.crux"))
        for path in [best, raw] { UnfinishedPaths.creating(path) {} }
        defer {
            for path in [best, raw] {
                try? FileManager.default.removeItem(atPath: path.string)
                UnfinishedPaths.forget(path)
            }
        }
        let null = try FileDescriptor.open(FilePath("/dev/null"), .writeOnly)
        defer { try? null.close() }
        let bestOptions = WriterOptions(workerCount: workerCount)
        let rawOptions = WriterOptions(codec: .raw, workerCount: workerCount)
        let encode = try measure {
            try fill(try CheckpointWriter.stream(to: null, path: "/dev/null", options: bestOptions))
        }
        let save = try measure { try fill(try CheckpointWriter.create(at: best, options: bestOptions)) }
        let saveRaw = try measure { try fill(try CheckpointWriter.create(at: raw, options: rawOptions)) }
        let decode = try measure {
            let reader = try CheckpointReader(path: best)
            var offsets: [Int] = []
            var end = 0
            for tensor in reader.tensors {
                offsets.append(end)
                end += tensor.description.byteCount
            }
            // All of it into fresh memory, as a program does that loads a model.
            _ = try unsafe [UInt8](unsafeUninitializedCapacity: end) { buffer, count in
                var content = unsafe UnsafeMutableRawBufferPointer(buffer).mutableBytes
                try reader.read(reader.tensors, at: offsets, into: &content)
                count = end
            }
        }
        let verify = try measure {
            let report = Verifier.verify(path: raw, mode: .quick, workerCount: workerCount)
            guard report.isValid else { throw CommandFailure.couldNotRun("\(raw): \(report.findings)") }
        }
        // Ready for zero-copy reading: the first byte of each tensor is at hand.
        let open = try measure {
            let reader = try CheckpointReader(path: raw)
            for tensor in reader.tensors { try reader.withBytes(of: tensor, checked: false) { _ in } }
        }
        let stored = try CheckpointReader(path: best).fileByteCount
        return Result(
            contentByteCount: byteCount, threads: workerCount, storedByteCount: stored,
            ratio: Double(byteCount) / Double(stored), encode: rate(encode), decode: rate(decode),
            saveRaw: rate(saveRaw), save: rate(save), verifyQuick: rate(verify), openMilliseconds: 1e3 * open.clock)
    }

    private func fill(_ writer: CheckpointWriter) throws {
        for (description, bytes) in tensors { try writer.append(description, bytes: unsafe bytes.span.bytes) }
        try writer.finish()
    }

    private func rate(_ seconds: (clock: Double, processor: Double)) -> Rate {
        // The clock of processor time is coarse: what takes less than one of its steps has no rate.
        Rate(
            clock: Double(byteCount) / seconds.clock / 1e6,
            processor: Double(byteCount) / max(seconds.processor, 1e-6) / 1e6)
    }

    /// The median durations of the rounds, after one to warm up.
    private func measure(_ body: () throws -> Void) rethrows -> (clock: Double, processor: Double) {
        var clock: [Double] = []
        var processor: [Double] = []
        for round in 0...rounds {
            let start = ProcessorUse.now.seconds
            let duration = try ContinuousClock().measure(body)
            guard round > 0 else { continue }
            clock.append(duration / .seconds(1))
            processor.append(ProcessorUse.now.seconds - start)
        }
        return (clock.sorted()[rounds / 2], processor.sorted()[rounds / 2])
    }
}
