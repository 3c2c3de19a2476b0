import Analysis
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite("Limits on the figures of a report") struct LimitTests {
    @Test(
        "Limits are read",
        arguments: [
            ("kl.p99>0.5", "kl.p99", nil, Limit.Relation.above, 0.5),
            ("changed.frozen:wte*>0", "changed.frozen", "wte*", .above, 0),
            (" relativeL2 : h.*.mlp* >= 1e-3 ", "relativeL2", "h.*.mlp*", .atLeast, 1e-3),
            ("changed.bits:kind=mlp > 5%", "changed.bits", "kind=mlp", .above, 0.05),
            ("cosine:a>b<0.9", "cosine", "a>b", .below, 0.9),
            ("l2!=inf", "l2", nil, .unequal, .infinity),
        ] as [(String, String, String?, Limit.Relation, Double)])
    func reads(text: String, figure: String, scope: String?, relation: Limit.Relation, bound: Double) throws {
        let limit = try Limit(text)
        #expect(limit.figure == figure)
        #expect(limit.scope.map { "\($0)" } == scope)
        #expect(limit.relation == relation)
        #expect(limit.bound == bound)
        let again = try Limit("\(limit)")
        #expect(again == limit)
    }

    @Test("What is no limit says why", arguments: ["", "l2", "l2=1", "l2>", "l2>x", "l2>nan", ">1", "l2:>1", "l2=>1"])
    func refuses(text: String) { #expect(throws: LimitError.self) { try Limit(text) } }

    @Test("NaN breaks every limit", arguments: Limit.Relation.allCases)
    func nan(relation: Limit.Relation) throws {
        let limit = try Limit("l2\(relation.rawValue)1")
        #expect(limit.isBroken(by: .nan))
        #expect(limit.isBroken(by: 1) == [.atLeast, .atMost, .equal].contains(relation))
        #expect(limit.isBroken(by: 2) == [.above, .atLeast, .unequal].contains(relation))
        #expect(limit.isBroken(by: 0) == [.below, .atMost, .unequal].contains(relation))
    }

    @Test(
        "Patterns match whole names",
        arguments: [
            ("wte*", "wte.weight", true), ("wte*", "h.wte", false), ("h.*.mlp*", "h.10.mlp.c_fc.weight", true),
            ("h.?.mlp*", "h.10.mlp.c_fc.weight", false), ("*", "", true), ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false), ("", "a", false), ("a**", "a", true),
        ])
    func patterns(pattern: String, name: String, matches: Bool) {
        #expect(GlobPattern(pattern).matches(name) == matches)
    }

    private func diff(_ base: [SampleTensor], _ policy: [SampleTensor]) throws -> WeightDiff {
        let folder = try CheckpointFolder()
        return try WeightDiff.compare(
            base: folder.crux("base.crux", base), policy: folder.crux("policy.crux", policy),
            pool: WorkerPool(workerCount: 2))
    }

    private func sample() throws -> WeightDiff {
        try diff(
            [
                SampleTensor("wte.weight", [2, 2], [1, 2, 3, 4]), SampleTensor("h.0.mlp.c_fc.weight", [2], [3, 4]),
                SampleTensor("h.1.mlp.c_fc.weight", [2], [1, 0]), SampleTensor("gone", [1], [1]),
            ],
            [
                SampleTensor("wte.weight", [2, 2], [1, 2, 3, 4]), SampleTensor("h.0.mlp.c_fc.weight", [2], [3, 9]),
                SampleTensor("h.1.mlp.c_fc.weight", [2], [1, .nan]),
            ])
    }

    private func check(_ text: String) throws -> LimitCheck {
        try #require(try sample().check([Limit(text)]).first)
    }

    @Test("A limit that is kept shows the worst value")
    func kept() throws {
        let check = try check("changed.frozen:wte*>0")
        #expect(!check.isBroken)
        #expect(check.value == 0)
        #expect(check.subject == "wte.weight")
        #expect(check.measuredCount == 1)
    }

    @Test("A broken limit says what breaks it, by tensor, layer and kind")
    func broken() throws {
        for scope in ["h.0*", "layer=0"] {
            let check = try check("relativeL2:\(scope)>0.5")
            #expect(check.isBroken)
            #expect(check.value == 1)
            #expect(check.subject == "h.0.mlp.c_fc.weight")
        }
        let kind = try check("changed.bits:kind=mlp>0.9")
        #expect(!kind.isBroken)
        #expect(kind.measuredCount == 2)
        #expect(kind.value == 0.5)
    }

    @Test(
        "NaNs, absent tensors and patterns without a match break a limit",
        arguments: [
            ("l2:h.1*<0", "NaN"), ("l2>1e9", "NaN"), ("l2:gone>1e9", "only in the base"), ("l2:nothing*>1", "matches"),
            ("changed.frozen:gone>0", "only in the base"),
        ])
    func gaps(text: String, gap: String) throws {
        let check = try check(text)
        #expect(check.isBroken)
        #expect(check.value == nil)
        #expect(check.gap?.contains(gap) == true, "\(check.gap ?? "")")
    }

    @Test("Things are counted, by name")
    func counts() throws {
        #expect(try check("tensors.missing>0").value == 1)
        #expect(try check("tensors.missing:h.*>0").value == 0)
        #expect(try check("tensors.changed>5").value == 2)
        #expect(try check("nan:h.1*>0").value == 1)
    }

    @Test("What was not computed is an error, not a pass", arguments: ["null.relativeL2>1", "spectrum.shift>1"])
    func notComputed(text: String) throws {
        let report = try sample()
        #expect(throws: LimitError.self) { try report.check([Limit(text)]) }
    }

    @Test("An unknown figure is answered with those known")
    func unknown() throws {
        let report = try sample()
        let error = #expect(throws: LimitError.self) { try report.check([Limit("kl.p99>1")]) }
        #expect(error?.expected.contains("relativeL2") == true)
        #expect(throws: LimitError.self) { try report.check([Limit("l2:size=3>1")]) }
    }

    @Test("Every known figure can be measured")
    func allFigures() throws {
        let same = try diff([SampleTensor("w", [2], [1, 2])], [SampleTensor("w", [2], [1, 2])])
        for figure in WeightDiff.limitFigures.map(\.name)
        where !figure.hasPrefix("null") && !figure.hasPrefix("spectrum") {
            let check = try #require(try same.check([Limit("\(figure)>1")]).first)
            #expect(!check.isBroken, "\(figure)")
            #expect(check.value == (figure == "cosine" ? 1 : 0), "\(figure)")
        }
    }

    @Test("A policy file holds limits for both reports")
    func policy() throws {
        let policy = try LimitPolicy(
            yaml: "# limits\ndiff:\n  - relativeL2:h.*>1e-3\n  - changed.frozen:wte*>0\nkl:\n  - kl.p99>0.5\n",
            fileName: "limits.yml")
        #expect(policy.diff.map { "\($0)" } == ["relativeL2:h.*>0.001", "changed.frozen:wte*>0"])
        #expect(policy.kl.map { "\($0)" } == ["kl.p99>0.5"])
    }

    @Test(
        "A broken policy file names its line",
        arguments: [
            ("diff:\n  - l2>1\nother: 1\n", "limits.yml:3"), ("diff:\n  - kl.p99>1\n", "limits.yml:2"),
            ("diff: l2>1\n", "limits.yml:1"), ("", "limits.yml"), ("- l2>1\n", "limits.yml"),
            ("diff:\n  - [l2]\n", "limits.yml:2"), ("diff: [\n", "limits.yml"), ("kl:\n  - kl.p99>x\n", "limits.yml:2"),
        ])
    func brokenPolicy(yaml: String, place: String) {
        let error = #expect(throws: LimitError.self) { try LimitPolicy(yaml: yaml, fileName: "limits.yml") }
        #expect(error?.description.hasPrefix(place) == true, "\(error?.description ?? "")")
    }
}
