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

    @Test("REINFORCE: without a critic and with λ 1, the discounted return that follows")
    func returns() {
        let result = Advantages(rewards: [0, 2, 1], values: [0, 0, 0], discount: 0.5, lambda: 1)
        // 1; 2 + 0.5·1; 0.5·2.5
        #expect(result.advantages == [1.25, 2.5, 1])
        #expect(result.returns == result.advantages)
    }

    @Test("GRPO by hand: an episode's reward relative to its group, the same for all its actions")
    func groupRelative() {
        // Group 1: mean 1/2, deviation 1/2. Group 2: all the same. Group 3: mean −1/3, deviation √(8/9).
        let rewards: [Float] = [1, 0, 1, 1, 1, -1]
        let two = Advantages.groupRelative(
            rewards: rewards, stateCounts: [1, 2, 1, 1, 3, 1], groupSize: 2, scalesByDeviation: true)
        #expect(zip(two.advantages, [1, -1, -1, 0, 0, 1, 1, 1, -1] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(two.advantages.count == 9)
        let three = Advantages.groupRelative(
            rewards: [-1, -1, 1], stateCounts: [1, 1, 1], groupSize: 3, scalesByDeviation: true)
        // (−1 + 1/3) / (√8/3) = −1/√2
        let root = Float(2).squareRoot()
        #expect(zip(three.advantages, [-1 / root, -1 / root, root] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
        let plain = Advantages.groupRelative(
            rewards: [-1, -1, 1], stateCounts: [1, 1, 1], groupSize: 3, scalesByDeviation: false)
        #expect(zip(plain.advantages, [-2, -2, 4].map { Float($0) / 3 }).allSatisfy { abs($0 - $1) < 1e-6 })
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
