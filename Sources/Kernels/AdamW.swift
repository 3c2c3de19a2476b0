internal import CKernels
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// AdamW: Adam with decoupled weight decay (Loshchilov and Hutter), in PyTorch's formulation.
public enum AdamW {
    /// One step over a range of parameters.
    ///
    /// - Parameters:
    ///   - parameters: changed in place, [n].
    ///   - gradients: [n].
    ///   - firstMoment: running mean of the gradients, changed in place, [n].
    ///   - secondMoment: running mean of their squares, changed in place, [n].
    ///   - learningRate: of this step.
    ///   - beta1: decay of the first moment.
    ///   - beta2: decay of the second moment.
    ///   - epsilon: added to the root of the second moment.
    ///   - weightDecay: the share of a parameter, times the learning rate, that goes each step.
    ///   - gradientScale: multiplies the gradients first (clipping).
    ///   - step: the number of this step, from 1.
    public static func update(
        parameters: FloatSlice, gradients: FloatSlice, firstMoment: FloatSlice, secondMoment: FloatSlice,
        learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float, gradientScale: Float,
        step: Int
    ) {
        let count = parameters.count
        precondition(
            gradients.count == count && firstMoment.count == count && secondMoment.count == count,
            "AdamW: slices of different sizes")
        precondition(step >= 1, "AdamW: steps count from 1")
        let correction1 = Float(1 - pow(Double(beta1), Double(step)))
        let correction2 = Float(1 - pow(Double(beta2), Double(step)))
        unsafe crux_adamw(
            count, parameters.base, gradients.base, firstMoment.base, secondMoment.base, learningRate, beta1, beta2,
            epsilon, weightDecay, gradientScale, correction1, correction2)
    }
}
