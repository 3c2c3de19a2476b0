internal import CheckpointFormat
internal import CheckpointInterop
internal import Codecs
internal import Foundation
internal import Synchronization
internal import SystemPackage
internal import TensorCore

/// Compares ways to store what a run has changed: crux deltas, XOR and zstd as RL frameworks ship it, and no delta.
///
/// All of them work from memory, in chunks of 1 MiB, on the same number of threads, and hash the content.
struct DeltaBenchmark {
    /// A way to store a checkpoint against another.
    enum Method: String, CaseIterable, Encodable {
        case cruxDelta = "crux delta"
        case xorZstd1 = "XOR + zstd 1"
        case xorZstd3 = "XOR + zstd 3"
        case crux = "crux, no delta"
    }

    /// What is stored.
    enum Subject: String, CaseIterable, Encodable {
        case weights = "weights"
        case weightsAsBF16 = "weights as BF16"
        case wholeState = "whole state"
    }

    /// What one method did with one subject.
    struct Result: Encodable {
        let policy: String
        let subject: Subject
        let method: Method
        /// The content's size in bytes.
        let byteCount: Int
        /// The stored size in bytes.
        let storedByteCount: Int
        /// Content by stored size.
        let ratio: Double
        /// The share of elements whose bits are the base's.
        let sameShare: Double
        let encode: ContentRate
        let decode: ContentRate
    }

    let workerCount: Int
    let roundCount: Int
    private static let chunkByteCount = 1 << 20

    /// Measures all methods in turns, and takes the median of the rounds.
    func measure(
        _ subject: Subject, base: any CheckpointSource, policy: any CheckpointSource
    ) throws -> [Result] {
        let new = try Self.tensors(of: policy, subject)
        let old = MemoryBase(try Self.tensors(of: base, subject), path: base.path)
        let byteCount = new.reduce(0) { $0 + $1.bytes.count }
        var seconds: [Method: (encode: [ProcessorUse.Durations], decode: [ProcessorUse.Durations])] = [:]
        var sizes: [Method: Int] = [:]
        let path = FilePath(FileManager.default.temporaryDirectory.path()).appending("crux-bench-\(UUID().uuidString)")
        UnfinishedPaths.creating(path) {}
        defer {
            try? FileManager.default.removeItem(atPath: path.string)
            UnfinishedPaths.forget(path)
        }
        let peers = (0..<workerCount).map { _ in XORCodec() }
        let frames = Self.pieces(of: new).map { tensor, range in
            XORCodec.Frame(tensor: tensor, range: range)
        }
        for _ in 0..<roundCount {
            for method in Method.allCases {
                var times = seconds[method] ?? ([], [])
                switch method {
                case .crux, .cruxDelta:
                    let base = method == .cruxDelta ? old : nil
                    times.encode.append(try ProcessorUse.measure { try write(new, to: "/dev/null", base: base) })
                    // Opened by the same code, but durable and so not timed.
                    try write(new, to: path, base: base)
                    sizes[method] = try open(path, base: old).tensors.reduce(0) { $0 + $1.storedByteCount }
                    times.decode.append(try ProcessorUse.measure { try read(path, new, base: old) })
                case .xorZstd1, .xorZstd3:
                    let level = method == .xorZstd1 ? 1 : 3
                    for peer in peers { try peer.begin(level: level) }
                    times.encode.append(
                        try ProcessorUse.measure {
                            try run(frames, peers) { peer, frame in
                                try peer.encode(
                                    frame, new[frame.tensor].bytes, old.bytes(of: new[frame.tensor].description))
                            }
                        })
                    sizes[method] = frames.reduce(0) { $0 + $1.byteCount }
                    times.decode.append(
                        try ProcessorUse.measure {
                            try run(frames, peers) { peer, frame in
                                try peer.decode(frame, old.bytes(of: new[frame.tensor].description))
                            }
                        })
                }
                seconds[method] = times
            }
        }
        let same = Self.sameShare(new, old)
        return Method.allCases.map { method in
            func rate(_ times: [ProcessorUse.Durations]?) -> ContentRate {
                ContentRate(of: byteCount, in: ProcessorUse.Durations(mediansOf: times ?? []))
            }
            let stored = sizes[method] ?? 0
            return Result(
                policy: policy.path.string, subject: subject, method: method, byteCount: byteCount,
                storedByteCount: stored, ratio: Double(byteCount) / Double(max(1, stored)), sameShare: same,
                encode: rate(seconds[method]?.encode), decode: rate(seconds[method]?.decode))
        }
    }

    private typealias Tensor = BenchmarkTensors.Tensor

    private static func tensors(of source: any CheckpointSource, _ subject: Subject) throws -> [Tensor] {
        try BenchmarkTensors.read(
            source, weightsOnly: subject != .wholeState, asBF16: subject == .weightsAsBF16)
    }

    private static func sameShare(_ new: [Tensor], _ old: MemoryBase) -> Double {
        var (same, all) = (0, 0)
        for (tensor, bytes) in new {
            guard let base = old.bytes(of: tensor) else { continue }
            let size = max(1, tensor.dtype.block.byteCount)
            for start in stride(from: 0, to: bytes.count, by: size) {
                same += bytes[start..<start + size] == base[start..<start + size] ? 1 : 0
                all += 1
            }
        }
        return all == 0 ? 0 : Double(same) / Double(all)
    }

    // Crux.

    private func write(_ tensors: [Tensor], to path: FilePath, base: MemoryBase?) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        let writer = try CheckpointWriter.stream(
            to: file, path: path, options: WriterOptions(workerCount: workerCount), base: base)
        for (description, bytes) in tensors { try writer.append(description, bytes: unsafe bytes.span.bytes) }
        try writer.finish()
    }

    private func open(_ path: FilePath, base: MemoryBase) throws -> CheckpointReader {
        var bases = BaseSearch(paths: [base.path])
        bases.open = { _, _, check throws(CheckpointError) in
            try check(base)
            return base
        }
        return try CheckpointReader(path: path, bases: bases)
    }

    private func read(_ path: FilePath, _ tensors: [Tensor], base: MemoryBase) throws {
        let reader = try open(path, base: base)
        for (description, bytes) in tensors {
            let read = try reader.readBytes(of: reader.requiredTensor(named: description.name))
            guard read.count == bytes.count else { throw CommandFailure.couldNotRun("\(path): another size") }
        }
    }

    // XOR and zstd.

    private static func pieces(of tensors: [Tensor]) -> [(tensor: Int, range: Range<Int>)] {
        tensors.enumerated().flatMap { index, tensor in
            stride(from: 0, to: tensor.bytes.count, by: chunkByteCount).map {
                (index, $0..<min($0 + chunkByteCount, tensor.bytes.count))
            }
        }
    }

    private func run(
        _ frames: [XORCodec.Frame], _ peers: [XORCodec], _ body: (XORCodec, XORCodec.Frame) throws -> Void
    ) throws {
        let failures = Mutex<[any Error]>([])
        ParallelTasks.run(taskCount: frames.count, workerCount: workerCount) { task, worker in
            do { try body(peers[worker], frames[task]) } catch { failures.withLock { $0.append(error) } }
        }
        if let failure = failures.withLock({ $0.first }) { throw failure }
    }
}
