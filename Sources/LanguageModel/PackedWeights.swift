internal import Kernels

/// The weights of a model's linear layers, packed for products with the same weights over and over.
struct PackedWeights: Sendable {
    /// One block's linear layers.
    struct Block: Sendable {
        let attention: PackedMatrix
        let attentionProjection: PackedMatrix
        let expansion: PackedMatrix
        let contraction: PackedMatrix
    }

    let blocks: [Block]
    /// wte.weight as the head.
    let head: PackedMatrix
    private let sources: [(matrix: PackedMatrix, range: Range<Int>)]

    /// Allocates memory for the weights of a model.
    init(_ model: GPT) {
        let width = model.configuration.embeddingSize
        var sources: [(matrix: PackedMatrix, range: Range<Int>)] = []
        func matrix(_ range: Range<Int>, inputCount: Int) -> PackedMatrix {
            let outputCount = range.count / inputCount
            let storage = FloatArena(
                count: PackedMatrix.floatCount(outputCount: outputCount, inputCount: inputCount))
            let matrix = PackedMatrix(outputCount: outputCount, inputCount: inputCount, storage: storage.all)
            sources.append((matrix, range))
            return matrix
        }
        blocks = model.blocks.map { ranges in
            Block(
                attention: matrix(ranges.attention.weight, inputCount: width),
                attentionProjection: matrix(ranges.attentionProjection.weight, inputCount: width),
                expansion: matrix(ranges.expansion.weight, inputCount: width),
                contraction: matrix(ranges.contraction.weight, inputCount: 4 * width))
        }
        head = matrix(model.tokenTable, inputCount: width)
        self.sources = sources
    }

    /// Takes over the parameters as they are now.
    func pack(_ parameters: FloatSlice, pool: WorkerPool) {
        pool.run(taskCount: sources.count) { index, _ in
            sources[index].matrix.pack(parameters[sources[index].range])
        }
    }
}

/// How a pass computes its linear layers.
struct LinearExecution: Sendable {
    /// The weights, packed; nil where they are used only once as they are.
    var weights: PackedWeights?
    /// The workers that share each layer; nil where the calling thread does everything.
    var pool: WorkerPool?
}
