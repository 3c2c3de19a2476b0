package import Kernels
internal import TensorCore

/// The value head: a multilayer perceptron with ReLU from the policy's last hidden state to V(s).
package struct Critic: Sendable {
    /// The widths from the hidden state to the value: C, hidden sizes, 1.
    package let widths: [Int]
    /// `critic.<layer>.weight` [out, in] and `critic.<layer>.bias` [out].
    package let layout: ParameterLayout

    /// A critic on hidden states of `inputSize` floats.
    package init(inputSize: Int, hiddenSizes: [Int]) {
        widths = [inputSize] + hiddenSizes + [1]
        layout = ParameterLayout(
            zip(widths, widths.dropFirst()).enumerated().flatMap { layer, widths -> [(name: String, shape: Shape)] in
                [("critic.\(layer).weight", [widths.1, widths.0]), ("critic.\(layer).bias", [widths.1])]
            })
    }

    /// PyTorch's default of a linear layer: weights and biases uniform within ±1/√in, keyed by the run's seed.
    package func initialise(_ parameters: FloatSlice, seed: UInt64) {
        var stream = RandomStream(RandomStream.Key(seed: seed, purpose: .criticInitialisation))
        for layer in 0..<layerCount {
            let bound = 1 / Double(widths[layer]).squareRoot()
            for slice in [weight(layer, of: parameters), bias(layer, of: parameters)] {
                for index in 0..<slice.count { slice[index] = Float((2 * stream.nextUnit() - 1) * bound) }
            }
        }
    }

    /// The memory of one worker for up to so many states.
    package struct Workspace: Sendable {
        /// The input of each layer after the first, after ReLU, and the values [M, 1] at the end.
        fileprivate let outputs: [FloatSlice]
        /// The gradient of each of ``outputs``; the last is that of the values.
        fileprivate let outputGradients: [FloatSlice]

        /// V of each state, [M, 1].
        package func values(_ rowCount: Int) -> FloatSlice { outputs[outputs.count - 1].prefix(rowCount) }
        /// The loss's gradient with respect to each V, [M, 1]; set before ``Critic/backward``.
        package func valueGradients(_ rowCount: Int) -> FloatSlice {
            outputGradients[outputGradients.count - 1].prefix(rowCount)
        }
    }

    /// Memory for up to `maximumRowCount` states.
    package func makeWorkspace(maximumRowCount: Int) -> Workspace {
        Workspace(
            outputs: widths.dropFirst().map { FloatArena(count: maximumRowCount * $0).all },
            outputGradients: widths.dropFirst().map { FloatArena(count: maximumRowCount * $0).all })
    }

    /// Fills the workspace's values from hidden states, [M, C].
    package func forward(hidden: FloatSlice, rowCount: Int, parameters: FloatSlice, workspace: Workspace) {
        var input = hidden.prefix(rowCount * widths[0])
        for layer in 0..<layerCount {
            let output = workspace.outputs[layer].prefix(rowCount * widths[layer + 1])
            Matmul.multiply(
                matrix(input, rowCount, layer), weightView(layer, of: parameters).transposed,
                into: matrix(output, rowCount, layer + 1))
            Bias.add(bias(layer, of: parameters), to: output)
            if layer < layerCount - 1 { Self.rectify(output) }
            input = output
        }
    }

    /// Adds the gradients of parameters and, where given, of the hidden states, from the workspace's value
    /// gradients; `hidden` is what ``forward`` read.
    package func backward(
        hidden: FloatSlice, rowCount: Int, parameters: FloatSlice, gradients: FloatSlice, workspace: Workspace,
        hiddenGradient: FloatSlice?
    ) {
        for layer in (0..<layerCount).reversed() {
            let outputGradient = workspace.outputGradients[layer].prefix(rowCount * widths[layer + 1])
            if layer < layerCount - 1 {
                let output = workspace.outputs[layer].prefix(outputGradient.count)
                Self.rectifyGradient(outputGradient, output: output)
            }
            let input = layer == 0 ? hidden : workspace.outputs[layer - 1]
            Matmul.multiply(
                matrix(outputGradient, rowCount, layer + 1).transposed, matrix(input, rowCount, layer),
                into: weightView(layer, of: gradients), accumulate: true)
            Bias.addGradient(of: outputGradient, to: bias(layer, of: gradients))
            guard let inputGradient = layer == 0 ? hiddenGradient : workspace.outputGradients[layer - 1] else {
                continue
            }
            Matmul.multiply(
                matrix(outputGradient, rowCount, layer + 1), weightView(layer, of: parameters),
                into: matrix(inputGradient, rowCount, layer), accumulate: layer == 0)
        }
    }

    private var layerCount: Int { widths.count - 1 }

    private func weight(_ layer: Int, of arena: FloatSlice) -> FloatSlice { arena[layout.entries[2 * layer].range] }

    private func bias(_ layer: Int, of arena: FloatSlice) -> FloatSlice { arena[layout.entries[2 * layer + 1].range] }

    private func weightView(_ layer: Int, of arena: FloatSlice) -> MatrixView {
        MatrixView(weight(layer, of: arena), rows: widths[layer + 1], columns: widths[layer])
    }

    private func matrix(_ slice: FloatSlice, _ rowCount: Int, _ width: Int) -> MatrixView {
        MatrixView(slice, rows: rowCount, columns: widths[width])
    }

    private static func rectify(_ slice: FloatSlice) {
        slice.withMutableSpan { span in
            for index in span.indices { span[index] = max(0, span[index]) }
        }
    }

    private static func rectifyGradient(_ gradient: FloatSlice, output: FloatSlice) {
        output.withSpan { output in
            gradient.withMutableSpan { gradient in
                for index in gradient.indices where output[index] <= 0 { gradient[index] = 0 }
            }
        }
    }
}
