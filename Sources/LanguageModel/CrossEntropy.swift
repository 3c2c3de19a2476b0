public import Kernels

/// The loss of supervised training.
public enum CrossEntropy {
    /// The sum of −log softmax(logits)[target] over the rows that have a target, and how many those are.
    public struct Sum: Sendable, Hashable {
        /// In nats.
        public var loss: Double
        /// Rows with a target.
        public var count: Int

        /// A loss and the number of rows in it.
        public init(loss: Double = 0, count: Int = 0) {
            self.loss = loss
            self.count = count
        }
    }

    /// Computes the loss and, where wanted, its gradient.
    ///
    /// - Parameters:
    ///   - logits: [M, V].
    ///   - targets: [M]; -1 leaves a row out. Others must be below V.
    ///   - scale: factor of the gradient, for example 1 / the number of targets in the step.
    ///   - losses: scratch, [M]; ``Workspace/losses`` for instance.
    ///   - gradient: scale · (softmax − one-hot), [M, V], overwritten; zero in rows left out.
    public static func evaluate(
        logits: FloatSlice, targets: [Int32], losses: FloatSlice, scale: Float = 1, gradient: FloatSlice? = nil
    ) -> Sum {
        Softmax.crossEntropy(logits, targets: targets.span, scale: scale, losses: losses, gradient: gradient)
        return losses.withSpan { losses in
            var sum = Sum()
            for index in losses.indices where targets[index] >= 0 {
                sum.loss += Double(losses[index])
                sum.count += 1
            }
            return sum
        }
    }
}
