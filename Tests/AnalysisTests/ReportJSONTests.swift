import Analysis
import Kernels
import TensorCore
import Testing

/// The literal JSON of small reports: a change here is a change of the schema.
@Suite struct ReportJSONTests {
    @Test func aTensorDifferenceIsWrittenLikeThis() throws {
        let folder = try CheckpointFolder()
        let report = try WeightDiff.compare(
            base: folder.crux("a", [SampleTensor("h.0.mlp.c_fc.bias", [2], [3, 4])]),
            policy: folder.crux("b", [SampleTensor("h.0.mlp.c_fc.bias", [2], [3, 4.5])]),
            pool: WorkerPool(workerCount: 1))
        let difference = try #require(report.tensors.first)
        let text = try ReportJSON.encode(difference, isPretty: false)
        #expect(
            text == #"{"baseDType":"F32","changedBitwise":{"count":1,"share":0.5},"figures":{"baseNaNCount":0,"#
                + #""baseNorm":5,"changeL1":0.5,"changeNorm":0.5,"changedAsBFloat16":{"count":1,"share":0.5},"#
                + #""changedBeyondAbsolute":{"count":1,"share":0.5},"changedBeyondRelative":{"count":1,"share":0.5},"#
                + #""changedBitwise":{"count":1,"share":0.5},"comparedCount":2,"cosine":0.9984603532054123,"#
                + #""elementCount":2,"largestChange":{"base":4,"index":[1],"magnitude":0.5,"policy":4.5,"#
                + #""tensor":"h.0.mlp.c_fc.bias"},"policyNaNCount":0,"policyNorm":5.408326913195984,"#
                + #""relativeChange":0.1,"stepHistogram":[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]},"#
                + #""isIdentical":false,"name":"h.0.mlp.c_fc.bias","#
                + #""place":{"kind":"mlp","layer":0},"policyDType":"F32","role":"weight","shape":[2]}"# + "\n")
        #expect(try ReportJSON.decode(TensorDifference.self, from: text) == difference)
    }

    @Test func aDistributionIsWrittenLikeThis() throws {
        let distribution = try #require(Distribution([0, 1, 2, 3, 4, .infinity]))
        #expect(
            try ReportJSON.encode(distribution)
                == """
                {
                  "count" : 6,
                  "maximum" : "Infinity",
                  "mean" : "Infinity",
                  "median" : 2.5,
                  "minimum" : 0,
                  "p0_1" : 0.005,
                  "p1" : 0.05,
                  "p10" : 0.5,
                  "p25" : 1.25,
                  "p5" : 0.25,
                  "p75" : 3.75,
                  "p90" : "Infinity",
                  "p95" : "Infinity",
                  "p99" : "Infinity",
                  "p99_9" : "Infinity"
                }

                """)
    }

    @Test func reportsSurviveJSON() throws {
        let folder = try CheckpointFolder()
        let source = try folder.crux("a", [SampleTensor("w", [3], [1, .nan, .infinity])])
        let inspection = try Inspection.inspect(
            source, options: .init(computesStatistics: true), pool: WorkerPool(workerCount: 1))
        #expect(try ReportJSON.decode(Inspection.self, from: ReportJSON.encode(inspection)) == inspection)
        let diff = try WeightDiff.compare(
            base: source, policy: folder.crux("b", [SampleTensor("w", [3], [2, 2, 2])]),
            pool: WorkerPool(workerCount: 1))
        #expect(try ReportJSON.decode(WeightDiff.self, from: ReportJSON.encode(diff)) == diff)
    }
}
