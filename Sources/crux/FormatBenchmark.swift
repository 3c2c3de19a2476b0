internal import CheckpointFormat
internal import CheckpointInterop
internal import Foundation
internal import Rendering
internal import SystemPackage
internal import TensorCore

/// Measures saving, reading and verifying of tensors that lie in memory.
struct FormatBenchmark {
    /// What was measured.
    struct Result: Encodable {
        let schemaVersion = 2
        let contentByteCount: Int
        let threads: Int
        let storedByteCount: Int
        /// Content by stored size.
        let ratio: Double
        let encode: ContentRate
        let decode: ContentRate
        /// The raw codec, hashes and fsync included.
        let saveRaw: ContentRate
        /// The default codec, hashes and fsync included.
        let save: ContentRate
        /// Stored bytes of the raw file against their hashes.
        let verifyQuick: ContentRate
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

    private func rate(_ seconds: ProcessorUse.Durations) -> ContentRate { ContentRate(of: byteCount, in: seconds) }

    /// The median durations of the rounds, after one to warm up.
    private func measure(_ body: () throws -> Void) rethrows -> ProcessorUse.Durations {
        var rounds: [ProcessorUse.Durations] = []
        for round in 0...self.rounds {
            let durations = try ProcessorUse.measure(body)
            if round > 0 { rounds.append(durations) }
        }
        return ProcessorUse.Durations(mediansOf: rounds)
    }
}
