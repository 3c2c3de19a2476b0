#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The learning rate of each step: a linear warm-up, then constant, half a cosine or a straight line.
public struct LearningRateSchedule: Hashable, Sendable {
    private let optimizer: OptimizerConfiguration
    private let stepCount: Int

    /// The schedule of a run of `stepCount` steps.
    public init(_ optimizer: OptimizerConfiguration, stepCount: Int) {
        self.optimizer = optimizer
        self.stepCount = stepCount
    }

    /// The learning rate of the update numbered `step`, from 1.
    ///
    /// The last warm-up step reaches the peak; the decay reaches its minimum at the run's last step.
    public func learningRate(atStep step: Int) -> Double {
        let peak = optimizer.learningRate
        let warmup = optimizer.warmupSteps
        if step < warmup { return peak * Double(step) / Double(warmup) }
        let progress = min(1, Double(step - warmup) / Double(max(1, stepCount - warmup)))
        let minimum = min(optimizer.minimumLearningRate, peak)
        switch optimizer.schedule {
        case .constant: return peak
        case .cosine: return minimum + 0.5 * (peak - minimum) * (1 + cos(.pi * progress))
        case .linear: return minimum + (peak - minimum) * (1 - progress)
        }
    }
}
