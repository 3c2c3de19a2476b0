package import CheckpointFormat
internal import SystemPackage
package import TensorCore

/// A matrix of a checkpoint read as its transpose, in memory bounded by one band of rows.
///
/// A chunk is a band of the transpose's rows: columns of the stored matrix, so each chunk reads all of it. The
/// bands are large, so that all but huge matrices have only one.
package struct TensorTranspose: Sendable {
    /// The transpose.
    package let description: TensorDescription
    private let tensor: TensorDescription
    private let source: any CheckpointSource
    private let rowsOfBand: Int

    /// The rows of the stored matrix that are read at a time, in bytes.
    private static let pieceByteCount = 1 << 20

    /// - Parameter bandByteCount: The size of a band, about.
    /// - Throws: ``CheckpointError`` for a tensor that is no matrix, or of a type whose elements share bytes.
    package init(
        of tensor: TensorDescription, in source: any CheckpointSource, name: String, bandByteCount: Int = 64 << 20
    ) throws(CheckpointError) {
        let dimensions = tensor.shape.dimensions
        guard dimensions.count == 2, tensor.dtype.block.elementCount == 1,
            let description = try? TensorDescription(
                name: name, dtype: tensor.dtype, shape: Shape(dimensions.reversed()), role: tensor.role)
        else {
            throw CheckpointError(
                .invalid, path: source.path, place: CheckpointPlace(tensor: tensor.name),
                problem: "cannot be transposed",
                comparison: .values(
                    found: "\(tensor.dtype.rawValue) \(tensor.shape)",
                    expected: "a matrix of a type whose elements are whole bytes, for example F32"))
        }
        self.tensor = tensor
        self.source = source
        self.description = description
        let rowByteCount = max(1, dimensions[0] * tensor.dtype.block.byteCount)
        rowsOfBand = max(1, bandByteCount / rowByteCount)
    }

    /// Chunks of this type's own.
    package var storage: TensorStorage {
        let stored = source.storage(of: tensor)
        return TensorStorage(
            storedByteCount: stored.storedByteCount, chunkCount: chunkCount, codecNames: stored.codecNames, digest: nil)
    }

    private var rowCount: Int { description.shape.dimensions[0] }
    private var chunkCount: Int {
        description.byteCount == 0 ? 0 : rowCount / rowsOfBand + (rowCount % rowsOfBand == 0 ? 0 : 1)
    }

    /// Replaces the buffer's content by one band of rows.
    package func readChunk(_ chunk: Int, into buffer: inout [UInt8]) throws(CheckpointError) {
        guard (0..<chunkCount).contains(chunk) else {
            throw CheckpointError(
                .missing, path: source.path, place: CheckpointPlace(tensor: description.name, chunk: chunk),
                problem: "no such chunk")
        }
        switch description.dtype.block.byteCount {
        case 1: try readBand(chunk, of: UInt8.self, into: &buffer)
        case 2: try readBand(chunk, of: UInt16.self, into: &buffer)
        case 4: try readBand(chunk, of: UInt32.self, into: &buffer)
        default: try readBand(chunk, of: UInt64.self, into: &buffer)
        }
    }

    private func readBand<Element: FixedWidthInteger & BitwiseCopyable>(
        _ chunk: Int, of _: Element.Type, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        let width = MemoryLayout<Element>.size
        // Stored: [columnCount, rowCount]; wanted: rows `band` of [rowCount, columnCount].
        let columnCount = description.shape.dimensions[1]
        let band = chunk * rowsOfBand..<min(rowCount, (chunk + 1) * rowsOfBand)
        let byteCount = band.count * columnCount * width
        if buffer.count != byteCount { buffer = [UInt8](repeating: 0, count: byteCount) }
        let storedRowByteCount = rowCount * width
        let rowsOfPiece = max(1, Self.pieceByteCount / storedRowByteCount)
        var cursor = TensorCursor(tensor, in: source)
        var piece: [UInt8] = []
        for start in stride(from: 0, to: columnCount, by: rowsOfPiece) {
            let rows = min(rowsOfPiece, columnCount - start)
            try cursor.read(rows * storedRowByteCount, into: &piece)
            guard piece.count == rows * storedRowByteCount else {
                throw CheckpointError(
                    .truncated, path: source.path, place: CheckpointPlace(tensor: tensor.name),
                    problem: "the tensor ends early")
            }
            unsafe piece.withUnsafeBytes { piece in
                unsafe buffer.withUnsafeMutableBytes { buffer in
                    // Tiles of columns, so that the lines written to stay in the cache.
                    for tile in stride(from: band.lowerBound, to: band.upperBound, by: 16) {
                        let tileEnd = min(tile + 16, band.upperBound)
                        for row in 0..<rows {
                            for column in tile..<tileEnd {
                                let value = unsafe piece.loadUnaligned(
                                    fromByteOffset: (row * rowCount + column) * width, as: Element.self)
                                unsafe buffer.storeBytes(
                                    of: value,
                                    toByteOffset: ((column - band.lowerBound) * columnCount + start + row) * width,
                                    as: Element.self)
                            }
                        }
                    }
                }
            }
        }
    }
}
