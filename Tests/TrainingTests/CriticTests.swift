import Kernels
import LanguageModel
import Testing
import Training

@Suite("Critic")
struct CriticTests {
    private static let rowCount = 3
    private let critic = Critic(inputSize: 4, hiddenSizes: [6, 5])
    private let hidden = FloatArena.holding([0.5, -1, 0.25, 2, -0.3, 0.8, 1.5, -0.6, 0.9, 0.1, -1.1, 0.7])
    private let targets: [Float] = [1, -0.5, 0.25]

    /// Σ (V − target)² over the rows.
    private func loss(_ parameters: FloatSlice) -> Double {
        let workspace = critic.makeWorkspace(maximumRowCount: 8)
        critic.forward(hidden: hidden, rowCount: Self.rowCount, parameters: parameters, workspace: workspace)
        let values = workspace.values(Self.rowCount).array
        return zip(values, targets).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }

    private func makeParameters() -> FloatSlice {
        let parameters = FloatArena(count: critic.layout.count).all
        critic.initialise(parameters, seed: 5)
        return parameters
    }

    @Test("Layout: C → 6 → 5 → 1")
    func layout() {
        #expect(
            critic.layout.entries.map { "\($0.name) \($0.shape)" } == [
                "critic.0.weight [6, 4]", "critic.0.bias [6]", "critic.1.weight [5, 6]", "critic.1.bias [5]",
                "critic.2.weight [1, 5]", "critic.2.bias [1]",
            ])
    }

    @Test("Gradients of parameters and hidden states agree with finite differences")
    func gradients() {
        let parameters = makeParameters()
        let workspace = critic.makeWorkspace(maximumRowCount: 8)
        let gradients = FloatArena(count: critic.layout.count).all
        let hiddenGradient = FloatArena(count: hidden.count).all
        critic.forward(hidden: hidden, rowCount: Self.rowCount, parameters: parameters, workspace: workspace)
        for row in 0..<Self.rowCount {
            workspace.valueGradients(Self.rowCount)[row] = 2 * (workspace.values(Self.rowCount)[row] - targets[row])
        }
        critic.backward(
            hidden: hidden, rowCount: Self.rowCount, parameters: parameters, gradients: gradients, workspace: workspace,
            hiddenGradient: hiddenGradient)
        check(gradients, of: parameters) { loss(parameters) }
        check(hiddenGradient, of: hidden) { loss(parameters) }
    }

    private func check(_ gradient: FloatSlice, of slice: FloatSlice, loss: () -> Double) {
        let step: Float = 1e-3
        for index in 0..<slice.count {
            let original = slice[index]
            slice[index] = original + step
            let above = loss()
            slice[index] = original - step
            let below = loss()
            slice[index] = original
            let difference = (above - below) / Double(2 * step)
            #expect(abs(Double(gradient[index]) - difference) < 2e-3, "\(index)")
        }
    }

    @Test("The fresh critic is a function of the seed, within ±1/√in")
    func initialisation() {
        let parameters = makeParameters()
        #expect(parameters.array == makeParameters().array)
        let other = FloatArena(count: critic.layout.count).all
        critic.initialise(other, seed: 6)
        #expect(parameters.array != other.array)
        #expect(parameters.array.prefix(30).allSatisfy { abs($0) <= 0.5 })
        #expect(Set(parameters.array).count == parameters.count)
    }
}
