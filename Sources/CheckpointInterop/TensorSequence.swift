internal import CheckpointFormat
internal import TensorCore

/// Writes the bytes of tensors one after the other, each padded to an alignment.
final class TensorSequence {
    let tensors: [TensorDescription]
    private let file: OutputFile
    private let alignment: Int
    private let byteCount: Int
    private var writtenByteCount = 0
    /// The tensor whose bytes come next, and how many of them are missing.
    private var index = 0
    private var missing = 0

    /// Takes a file that holds what stands before the tensors, padded.
    init(_ tensors: [TensorDescription], to file: OutputFile, alignment: Int = 1) {
        self.tensors = tensors
        self.file = file
        self.alignment = alignment
        byteCount = tensors.reduce(0) { $0 + $1.byteCount }
        missing = tensors.first?.byteCount ?? 0
    }

    deinit { file.discard() }

    /// Adds the next bytes, in pieces of any size.
    ///
    /// - Throws: `CheckpointError` where there are more than the tensors have, or the file cannot be written.
    func write(_ bytes: RawSpan) throws(CheckpointError) {
        guard bytes.byteCount <= byteCount - writtenByteCount else {
            throw miscount(found: writtenByteCount + bytes.byteCount)
        }
        writtenByteCount += bytes.byteCount
        var offset = 0
        while offset < bytes.byteCount {
            while missing == 0 { try endTensor() }
            let count = min(missing, bytes.byteCount - offset)
            try file.write(bytes.extracting(offset..<offset + count))
            offset += count
            missing -= count
        }
    }

    /// Makes the file durable and gives it its name.
    ///
    /// - Throws: `CheckpointError` where bytes are missing, or the file cannot be written.
    func finish() throws(CheckpointError) {
        guard writtenByteCount == byteCount else {
            file.discard()
            throw miscount(found: writtenByteCount)
        }
        while index < tensors.count { try endTensor() }
        try file.finish()
    }

    private func endTensor() throws(CheckpointError) {
        try file.write([UInt8](repeating: 0, count: tensors[index].byteCount.paddingCount(to: alignment)))
        index += 1
        missing = index < tensors.count ? tensors[index].byteCount : 0
    }

    private func miscount(found: Int) -> CheckpointError {
        CheckpointError(
            .invalid, path: file.path, problem: "another number of bytes than the tensors have",
            comparison: .values(found: "\(found)", expected: "\(byteCount)"))
    }
}
