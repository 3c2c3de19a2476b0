import LanguageModel
import Tasks
import Testing

@Suite("Distributions of problems")
struct AdditionSetupTests {
    private static func sizes(_ setup: AdditionSetup, count: Int = 4000) -> [(Int, Int)] {
        setup.problems(count: count, key: RandomStream.Key(seed: 3, purpose: .rolloutPrompts)).map {
            ($0.first.count, $0.second.count)
        }
    }

    @Test("Fixed: both operands have exactly k digits")
    func fixed() {
        #expect(Self.sizes(.fixed(digits: 5)).allSatisfy { $0 == (5, 5) })
    }

    @Test("Varying: one operand has k digits, either one, the other 1...k, each equally often")
    func varying() {
        let sizes = Self.sizes(.varying(digits: 4))
        #expect(sizes.allSatisfy { max($0.0, $0.1) == 4 })
        for smaller in 1...3 {
            // 1/4 of all, half of them on each side: 500 of 4000 ± 5 standard deviations.
            #expect(abs(sizes.count { $0.0 == smaller } - 500) < 105)
            #expect(abs(sizes.count { $0.1 == smaller } - 500) < 105)
        }
        #expect(abs(sizes.count { $0 == (4, 4) } - 1000) < 140)
    }

    @Test("Reference code: one operand N+k; the other half the time 1...N, else N+1...N+k")
    func referenceCode() {
        let sizes = Self.sizes(.referenceCode(trainedDigits: 3, additionalDigits: 2))
        #expect(sizes.allSatisfy { max($0.0, $0.1) == 5 })
        #expect(abs(sizes.count { min($0.0, $0.1) <= 3 } - 2000) < 160)
        #expect(abs(sizes.count { min($0.0, $0.1) == 4 } - 1000) < 140)
        for smaller in 1...3 { #expect(abs(sizes.count { $0.0 == smaller } - 333) < 90) }
    }

    @Test("Balanced: every pair of lengths up to N is equally likely")
    func balanced() {
        let sizes = Self.sizes(.balanced(maximumDigits: 3))
        for first in 1...3 {
            for second in 1...3 { #expect(abs(sizes.count { $0 == (first, second) } - 444) < 100) }
        }
    }

    @Test("No leading zeros beyond one digit; every digit occurs; one digit may be 0")
    func digits() {
        let problems = AdditionSetup.balanced(maximumDigits: 3).problems(
            count: 2000, key: RandomStream.Key(seed: 1, purpose: .pretrainingExamples))
        let operands = problems.flatMap { [$0.first, $0.second] }
        #expect(operands.allSatisfy { $0.count == 1 || $0[0] != 0 })
        #expect(Set(operands.filter { $0.count == 1 }) == Set((0...9).map { [UInt8($0)] }))
        #expect(Set(operands.filter { $0.count == 3 }.map { $0[1] }) == Set(0...9))
    }

    @Test("A sample's problem is a function of seed, purpose, step and sample alone")
    func counterBased() {
        let key = RandomStream.Key(seed: 7, purpose: .rolloutPrompts, step: 12)
        let setup = AdditionSetup.varying(digits: 6)
        #expect(setup.problems(count: 50, key: key) == Array(setup.problems(count: 100, key: key).prefix(50)))
        var other = key
        other.step = 13
        #expect(setup.problems(count: 50, key: key) != setup.problems(count: 50, key: other))
    }
}
