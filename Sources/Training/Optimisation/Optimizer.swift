package import Kernels
import LanguageModel

/// Turns the lanes' gradients into one AdamW step over all groups.
///
/// Work is shared out in fixed blocks; sums run over lanes and blocks in a fixed order, so that the result does
/// not depend on the number of workers.
package struct Optimizer: Sendable {
    /// A range of one parameter tensor.
    private struct Block {
        let group: Int
        let range: Range<Int>
        let decays: Bool
    }

    /// Floats of one block: small enough to stay in a core's cache with its lanes.
    private static let blockSize = 16_384

    private let groups: [ParameterGroup]
    private let settings: OptimizerConfiguration
    private let blocks: [Block]

    package init(groups: [ParameterGroup], settings: OptimizerConfiguration) {
        self.groups = groups
        self.settings = settings
        blocks = groups.enumerated().flatMap { index, group in
            group.layout.entries.flatMap { entry in
                stride(from: entry.range.lowerBound, to: entry.range.upperBound, by: Self.blockSize).map { start in
                    Block(
                        group: index, range: start..<min(start + Self.blockSize, entry.range.upperBound),
                        decays: entry.decays)
                }
            }
        }
    }

    /// Adds up the lanes, clips, updates the parameters and zeroes the gradients.
    ///
    /// - Parameters:
    ///   - usedLaneCount: The lanes that hold gradients: 0..<usedLaneCount.
    ///   - learningRate: The run's learning rate at this step.
    ///   - update: The number of this update, from 1.
    ///   - step: The run's step, for messages.
    /// - Returns: The global norm of the gradient before clipping.
    /// - Throws: ``TrainingError`` where the gradient is not finite; the parameters are unchanged then.
    package func apply(
        usedLaneCount: Int, learningRate: Double, update: Int, step: Int, pool: WorkerPool
    ) throws(TrainingError) -> Double {
        let squares = ShardResults<Double>(count: blocks.count)
        pool.run(taskCount: blocks.count) { index, _ in
            squares.set(sumLanes(blocks[index], usedLaneCount: usedLaneCount), at: index)
        }
        let norm = squares.ordered.reduce(0, +).squareRoot()
        guard norm.isFinite else {
            // Lane 0 holds the sums.
            let name = groups.lazy.compactMap { $0.firstNotFinite(in: $0.laneGradients[0]) }.first
            for group in groups { for lane in group.laneGradients { lane.fill(0) } }
            let quantity = name.map { "the gradient of '\($0)'" } ?? "the gradient's norm"
            throw TrainingError(.notFinite(quantity: quantity, step: step))
        }
        let clip = settings.gradientClip
        let scale = clip > 0 ? min(1, clip / (norm + 1e-6)) : 1
        pool.run(taskCount: blocks.count) { index, _ in
            updateParameters(blocks[index], learningRate: learningRate, gradientScale: Float(scale), number: update)
        }
        return norm
    }

    /// Adds lanes 1... to lane 0 in order, zeroes them, and returns the sum of squares.
    private func sumLanes(_ block: Block, usedLaneCount: Int) -> Double {
        let lanes = groups[block.group].laneGradients
        let total = lanes[0][block.range]
        for lane in lanes.prefix(usedLaneCount).dropFirst() {
            Reduction.add(into: total, from: lane[block.range])
            lane[block.range].fill(0)
        }
        return Reduction.sumOfSquares(total)
    }

    private func updateParameters(_ block: Block, learningRate: Double, gradientScale: Float, number: Int) {
        let group = groups[block.group]
        let gradients = group.laneGradients[0][block.range]
        AdamW.update(
            parameters: group.parameters[block.range], gradients: gradients,
            firstMoment: group.firstMoment[block.range], secondMoment: group.secondMoment[block.range],
            learningRate: Float(learningRate * group.learningRateFactor), beta1: Float(settings.beta1),
            beta2: Float(settings.beta2), epsilon: Float(settings.epsilon),
            weightDecay: block.decays ? Float(settings.weightDecay) : 0, gradientScale: gradientScale, step: number)
        gradients.fill(0)
    }
}
