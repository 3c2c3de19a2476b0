import Testing
import Training

@Suite("Generalised advantage estimation")
struct AdvantagesTests {
    @Test("Three actions by hand")
    func byHand() {
        // λ = 0.5, discount = 0.9, rewards 0 0 1, values 0.2 0.4 0.6:
        // δ3 = 1 − 0.6 = 0.4; δ2 = 0.54 − 0.4 = 0.14; δ1 = 0.36 − 0.2 = 0.16
        // A3 = 0.4; A2 = 0.14 + 0.45·0.4 = 0.32; A1 = 0.16 + 0.45·0.32 = 0.304
        let result = Advantages(rewards: [0, 0, 1], values: [0.2, 0.4, 0.6], discount: 0.9, lambda: 0.5)
        for (found, expected) in zip(result.advantages, [0.304, 0.32, 0.4] as [Float]) {
            #expect(abs(found - expected) < 1e-6)
        }
        for (found, expected) in zip(result.returns, [0.504, 0.72, 1.0] as [Float]) {
            #expect(abs(found - expected) < 1e-6)
        }
    }

    @Test("With λ and discount 1 every return is the episode's reward")
    func monteCarlo() {
        let result = Advantages(rewards: [0, 0, 0, -1], values: [0.3, -2, 5, 0.1], discount: 1, lambda: 1)
        #expect(result.returns.allSatisfy { abs($0 + 1) < 1e-6 })
    }

    @Test("Normalising gives mean 0 and deviation 1; equal advantages become 0")
    func normalising() {
        var result = Advantages(rewards: [1, 2, 6], values: [0, 0, 0], discount: 0, lambda: 0)
        result.normalize()
        // mean 3, population deviation √(14/3)
        let deviation = Float((14.0 / 3).squareRoot())
        #expect(zip(result.advantages, [-2, -1, 3] as [Float]).allSatisfy { abs($0 - $1 / deviation) < 1e-6 })
        #expect(result.returns == [1, 2, 6])
        var equal = Advantages(rewards: [1, 1], values: [0, 0], discount: 0, lambda: 0)
        equal.normalize()
        #expect(equal.advantages == [0, 0])
    }
}
