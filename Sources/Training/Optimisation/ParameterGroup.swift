package import Kernels
package import LanguageModel

/// The parameters of one network with all that training adds: AdamW's moments and the lanes' gradients.
///
/// Lanes make sums independent of the number of workers: a lane's gradient is added up by one worker in the
/// order of the lane's micro-shards, and lanes are added in the order of their numbers.
package final class ParameterGroup: Sendable {
    /// Where each parameter lies.
    package let layout: ParameterLayout
    /// The parameters.
    package let parameters: FloatSlice
    /// AdamW's running mean of the gradients.
    package let firstMoment: FloatSlice
    /// AdamW's running mean of the squared gradients.
    package let secondMoment: FloatSlice
    /// One gradient for each lane; zero between steps.
    package let laneGradients: [FloatSlice]
    /// The group's learning rate as a multiple of the run's.
    package let learningRateFactor: Double

    /// Zero parameters and moments.
    package init(layout: ParameterLayout, laneCount: Int, learningRateFactor: Double = 1) {
        self.layout = layout
        self.learningRateFactor = learningRateFactor
        parameters = FloatArena(count: layout.count).all
        firstMoment = FloatArena(count: layout.count).all
        secondMoment = FloatArena(count: layout.count).all
        laneGradients = (0..<laneCount).map { _ in FloatArena(count: layout.count).all }
    }

    /// A group of the same layout for a copy of parameters and moments, all zero.
    func withoutGradients() -> ParameterGroup {
        ParameterGroup(layout: layout, laneCount: 0, learningRateFactor: learningRateFactor)
    }

    /// Copies parameters and moments of a group of the same layout.
    func copyState(of other: ParameterGroup) {
        parameters.copy(from: other.parameters)
        firstMoment.copy(from: other.firstMoment)
        secondMoment.copy(from: other.secondMoment)
    }

    /// The name of the first tensor whose part of `arena` holds an infinity or a NaN; nil where there is none.
    package func firstNotFinite(in arena: FloatSlice) -> String? {
        // The sum of squares in double precision is finite exactly where all floats are.
        guard !Reduction.sumOfSquares(arena).isFinite else { return nil }
        return layout.entries.first { !Reduction.sumOfSquares(arena[$0.range]).isFinite }?.name
    }
}
