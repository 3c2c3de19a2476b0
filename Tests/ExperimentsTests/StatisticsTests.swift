import Foundation
import SystemPackage
import TestSupport
import Testing

import Experiments

/// What scipy and numpy said about fixed numbers: `fixtures/statistics`.
private struct StatisticsGolden: Decodable {
    struct Paired: Decodable, CustomTestStringConvertible {
        let name: String
        let control: [Double]
        let treatment: [Double]
        let mean: Double
        let lower: Double
        let upper: Double
        let t: Double
        let t_probability: Double
        let permutation_probability: Double?
        let scipy_permutation_probability: Double?
        var testDescription: String { name }
    }

    struct RankingCase: Decodable, CustomTestStringConvertible {
        let name: String
        let scores: [Double]
        let members: [Bool]
        let area_under_curve: Double
        var testDescription: String { name }
    }

    struct CurveCase: Decodable {
        let steps: [Int]
        let values: [Double]
        let mean_height: Double
    }

    let paired: [Paired]
    let rankings: [RankingCase]
    let curves: [CurveCase]

    static func load() throws -> StatisticsGolden {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("statistics/golden.json").string))
        return try JSONDecoder().decode(StatisticsGolden.self, from: data)
    }
}

private func isClose(_ a: Double, _ b: Double, _ tolerance: Double = 1e-9) -> Bool {
    abs(a - b) <= tolerance * max(1, abs(b))
}

@Suite struct StatisticsTests {
    @Test func pairedTestsAgreeWithScipy() throws {
        let cases = try StatisticsGolden.load().paired
        #expect(cases.count == 7)
        for golden in cases {
            let test = PairedTest(treatment: golden.treatment, control: golden.control)
            let comment = Comment(rawValue: golden.name)
            #expect(test.difference.count == golden.control.count, comment)
            #expect(isClose(test.difference.mean, golden.mean), comment)
            #expect(isClose(test.difference.lowerBound, golden.lower), comment)
            #expect(isClose(test.difference.upperBound, golden.upper), comment)
            #expect(isClose(try #require(test.tStatistic), golden.t), comment)
            #expect(isClose(try #require(test.tProbability), golden.t_probability), comment)
            let permutation = try #require(test.permutationProbability)
            if let exact = golden.permutation_probability, let scipy = golden.scipy_permutation_probability {
                #expect(test.isPermutationExact, comment)
                #expect(permutation == exact, comment)
                #expect(isClose(permutation, scipy), comment)
            } else {
                // Sampled: near the t test's for so many normal differences, and never 0.
                #expect(!test.isPermutationExact, comment)
                #expect(permutation > 0 && abs(permutation - golden.t_probability) < 0.02, comment)
            }
        }
    }

    @Test func rankingsAgreeWithMannWhitney() throws {
        for golden in try StatisticsGolden.load().rankings {
            let items = zip(golden.scores, golden.members).map { (score: $0, isMember: $1) }
            let ranking = Ranking(items, places: [1, 5, items.count])
            #expect(
                isClose(try #require(ranking.areaUnderCurve), golden.area_under_curve), Comment(rawValue: golden.name))
            let share = Double(golden.members.count { $0 }) / Double(items.count)
            #expect(isClose(try #require(ranking.precision.last?.precision), share))
        }
    }

    @Test func areasAgreeWithNumpy() throws {
        for golden in try StatisticsGolden.load().curves {
            let points = zip(golden.steps, golden.values).map { (step: $0, value: $1) }
            #expect(isClose(try #require(Curve.meanHeight(points)), golden.mean_height))
        }
        #expect(Curve.meanHeight([]) == nil)
        #expect(Curve.meanHeight([(step: 3, value: 0.25)]) == 0.25)
    }

    @Test func tiesShareTheirPlaces() {
        let items: [(score: Double, isMember: Bool)] = [(2, true), (1, true), (1, false), (1, false), (0, false)]
        let ranking = Ranking(items, places: [1, 2, 4, 9])
        #expect(ranking.precision.map(\.k) == [1, 2, 4])
        #expect(isClose(ranking.precision[1].precision, (1 + 1.0 / 3) / 2))
        #expect(isClose(ranking.precision[2].precision, 0.5))
        #expect(Ranking([(score: 1, isMember: true)], places: []).areaUnderCurve == nil)
    }

    @Test func equalDifferencesHaveNoT() {
        let test = PairedTest(treatment: [0.5, 0.75], control: [0.25, 0.5])
        #expect(test.tStatistic == nil && test.tProbability == nil)
        #expect(test.permutationProbability == 0.5)
        let none = PairedTest(treatment: [], control: [1])
        #expect(none.permutationProbability == nil && none.difference.count == 0)
    }

    @Test func meanCurvesCountTheRunsThatHaveCome() {
        let points = Curve.mean([[(step: 1, value: 1), (step: 2, value: 3)], [(step: 1, value: 2)]])
        #expect(points.map(\.step) == [1, 2])
        #expect(points.map(\.value.count) == [2, 1])
        #expect(points.map(\.value.mean) == [1.5, 3])
    }
}
