internal import Codecs
internal import TensorCore

/// A tensor that an index, or its own record, describes in a broken file.
struct PlacedTensor: Sendable {
    /// The tensor; once checked, its chunks lie where they were found.
    private(set) var tensor: StoredTensor
    /// How far bytes may lie from where they should: 0, and what sections that were found tell.
    let displacements: [Int]
    /// Why it does not come back; nil while nothing speaks against it.
    private(set) var loss: SalvageReport.Loss?

    init(_ tensor: StoredTensor, displacements: [Int]) {
        self.tensor = tensor
        self.displacements = displacements
    }

    /// Where the record lies in the file, as far as its chunks or the first displacement tell.
    var range: Range<Int> {
        let displacement = displacements.first ?? 0
        return max(
            0, tensor.recordRange.lowerBound + displacement)..<max(0, tensor.recordRange.upperBound + displacement)
    }

    /// Where a chunk lies whose digests are right.
    func place(
        ofChunk index: Int, in file: InputFile, base: (any DeltaBase)?, _ decoder: ChunkDecoder,
        _ content: ScratchBuffer
    ) throws(CheckpointError) -> Range<Int> {
        let chunk = tensor.chunks[index]
        var failure: CheckpointError?
        for displacement in displacements {
            let moved = chunk.moved(by: displacement)
            do throws(CheckpointError) {
                guard moved.byteRange.lowerBound >= 0, moved.byteRange.upperBound <= file.byteCount else {
                    throw CheckpointError(
                        .truncated, path: file.path, place: ChunkDecoder.place(moved, tensor.name),
                        problem: "the file ends before",
                        comparison: .values(
                            found: "\(file.byteCount) bytes", expected: "\(moved.byteRange.upperBound) bytes"))
                }
                try content.withMutableBytes(count: chunk.contentRange.count) { bytes throws(CheckpointError) in
                    try decoder.read(moved, of: tensor, from: file, base: base, into: &bytes)
                }
                return moved.byteRange
            } catch {
                failure = failure ?? error
            }
        }
        throw failure
            ?? CheckpointError(
                .missing, path: file.path, place: ChunkDecoder.place(chunk, tensor.name),
                problem: "nothing says where the chunk lies")
    }

    /// The tensor with its chunks where they were found, or as lost where one was not.
    func placed(at places: [Range<Int>?], failures: [CheckpointError]) -> PlacedTensor {
        var copy = self
        if failures.isEmpty {
            copy.tensor = tensor.with(
                chunks: zip(tensor.chunks, places).map { chunk, place in
                    chunk.moved(by: (place?.lowerBound ?? chunk.byteRange.lowerBound) - chunk.byteRange.lowerBound)
                })
            return copy
        }
        var ranges = RangeSet<Int>()
        for (chunk, place) in zip(tensor.chunks, places) where place == nil {
            ranges.insert(contentsOf: chunk.contentRange)
        }
        let intactCount = places.count { $0 != nil }
        var loss = SalvageReport.Loss(
            tensor: tensor.description, byteRange: range,
            problem: intactCount == 0 ? "no chunk is whole" : "\(intactCount) of \(places.count) chunks are whole")
        loss.chunkCount = places.count
        loss.intactChunkCount = intactCount
        loss.lostContentRanges = Array(ranges.ranges)
        loss.findings = failures.prefix(SalvageReport.maximumFindingCount).map(Finding.init)
        copy.loss = loss
        return copy
    }

    /// Checks the digest over all chunks, which are whole.
    mutating func checkDigest(
        in file: InputFile, base: (any DeltaBase)?, _ decoder: ChunkDecoder, _ content: ScratchBuffer
    ) {
        let description = tensor.description
        let computed: Digest128
        if tensor.chunkByteCount == Format.leafByteCount {
            computed = ContentDigest.tensor(
                dtype: description.dtype, shape: description.shape, byteCount: description.byteCount,
                leaves: tensor.chunks.map(\.contentDigest))
        } else {
            var digester = TensorDigester()
            for chunk in tensor.chunks {
                content.withMutableBytes(count: chunk.contentRange.count) { bytes in
                    // A chunk that cannot be read any more makes another digest.
                    try? decoder.read(chunk, of: tensor, from: file, base: base, into: &bytes)
                    digester.update(bytes.bytes)
                }
            }
            computed = digester.finalize(dtype: description.dtype, shape: description.shape)
        }
        guard computed != tensor.digest else { return }
        loss = SalvageReport.Loss(
            tensor: description, byteRange: range,
            problem: "checksum mismatch of the whole tensor: stored \(tensor.digest.hex), computed \(computed.hex)")
    }
}

extension StoredChunk {
    /// The chunk at another place of the file.
    fileprivate func moved(by displacement: Int) -> StoredChunk {
        StoredChunk(
            index: index, codec: codec,
            byteRange: byteRange.lowerBound + displacement..<byteRange.upperBound + displacement,
            contentRange: contentRange, storedDigest: storedDigest, contentDigest: contentDigest)
    }
}

extension StoredTensor {
    /// The tensor with its chunks at other places.
    fileprivate func with(chunks: [StoredChunk]) -> StoredTensor {
        StoredTensor(
            description: description, digest: digest, chunkByteCount: chunkByteCount, chunks: chunks,
            baseDigest: baseDigest, recordRange: recordRange, byteRange: byteRange)
    }
}
