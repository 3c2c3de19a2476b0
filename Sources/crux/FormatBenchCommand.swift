internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Foundation
internal import Rendering
internal import SystemPackage
internal import TensorCore

/// `crux bench format`: how fast checkpoints are saved, read and verified.
struct FormatBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "format",
        abstract: "Measure how fast a checkpoint's weights are saved, read and verified.",
        discussion: """
            The tensors are in memory before the clock starts. Megabytes (10⁶ bytes) of content per second, the median of \
            rounds; Benchmarks/peers/format_peers.py runs this in turns with other formats.
            """)

    @Argument(help: "The checkpoint whose tensors are used.", completion: .file())
    var tensors: String

    @Option(help: "Where files are written and read; they are removed.")
    var folder = "."

    @Flag(help: "Round F32 tensors to BF16 first.")
    var bf16 = false

    @Option(help: "Rounds to measure, after one to warm up.")
    var rounds = 5

    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if !(1...10_000).contains(rounds) { throw ValidationError("--rounds: found \(rounds), expected 1 … 10000") }
    }

    mutating func run() throws {
        let benchmark = try FormatBenchmark(
            FilePath(tensors), bf16: bf16, folder: FilePath(folder), rounds: rounds, workerCount: output.workerCount)
        let result = try benchmark.run()
        try StandardOutput.write(
            output.json ? ReportJSON.encode(result, isPretty: false) : result.text)
    }
}

/// Measures saving, reading and verifying of tensors that lie in memory.
struct FormatBenchmark {
    /// What was measured; rates are 10⁶ bytes of content a second.
    struct Result: Encodable {
        let schemaVersion = 1
        let contentByteCount: Int
        let threads: Int
        let storedByteCount: Int
        /// Content by stored size.
        let ratio: Double
        let encode: Double
        let decode: Double
        /// The raw codec, hashes and fsync included.
        let saveRaw: Double
        /// The default codec, hashes and fsync included.
        let save: Double
        /// Stored bytes of the raw file against their hashes.
        let verifyQuick: Double
        let openMilliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case schemaVersion, contentByteCount, threads, storedByteCount, ratio, encode, decode, saveRaw, save
            case verifyQuick, openMilliseconds
        }

        var text: String {
            func rate(_ value: Double) -> String { FigureFormat.count.text(value.rounded()) + " MB/s" }
            return """
                ratio \(FigureFormat.significant(4).text(ratio)), \(threads) threads
                encode \(rate(encode)), decode \(rate(decode)), save \(rate(save)), raw \(rate(saveRaw))
                verify \(rate(verifyQuick)), open \(FigureFormat.significant(3).text(openMilliseconds)) ms

                """
        }
    }

    private let tensors: [BenchmarkTensors.Tensor]
    private let byteCount: Int
    private let folder: FilePath
    private let rounds: Int
    private let workerCount: Int

    init(_ path: FilePath, bf16: Bool, folder: FilePath, rounds: Int, workerCount: Int) throws {
        let source = try CheckpointOpener.open(path)
        tensors = try BenchmarkTensors.read(source, weightsOnly: true, asBF16: bf16)
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
        func rate(_ seconds: Double) -> Double { Double(byteCount) / seconds / 1e6 }
        return Result(
            contentByteCount: byteCount, threads: workerCount, storedByteCount: stored,
            ratio: Double(byteCount) / Double(stored), encode: rate(encode), decode: rate(decode),
            saveRaw: rate(saveRaw), save: rate(save), verifyQuick: rate(verify), openMilliseconds: 1e3 * open)
    }

    private func fill(_ writer: CheckpointWriter) throws {
        for (description, bytes) in tensors { try writer.append(description, bytes: unsafe bytes.span.bytes) }
        try writer.finish()
    }

    /// The median duration of the rounds, after one to warm up.
    private func measure(_ body: () throws -> Void) rethrows -> Double {
        var seconds: [Double] = []
        for round in 0...rounds {
            let duration = try ContinuousClock().measure(body)
            if round > 0 { seconds.append(duration / .seconds(1)) }
        }
        return seconds.sorted()[seconds.count / 2]
    }
}
