import Gates
import SystemPackage
import TestSupport
import Testing

@Suite("Policy files")
struct GatePolicyTests {
    private static let policy = """
        verify: full
        format: [crux, safetensors]
        weights: 0123456789abcdef0123456789abcdef
        lineage: {reference: --reference, pretrained: 0123456789abcdef0123456789abcdef}
        tensors:
          wte.weight: {shape: [96, 16], dtype: F32}
          h.*: {dtype: [F32, BF16], count: 12}
        other_tensors: false
        metadata:
          required: [license]
          equal: {crux.kind: policy}
        finite: true
        values: ["norm:h.*>200", "zeros:kind=mlp>90%"]
        frozen: [wte.weight]
        diff: ["relativeL2:h.*>5%"]
        kl: {prompts: prompts.jsonl, limits: [kl.mean>0.05], max_tokens: 8}
        accuracy:
          - {digits: 5, minimum: 0.9}
        signed_by: release.pub

        """

    private func rules(_ text: String) throws -> [GateRule] {
        try GatePolicy(yaml: text, fileName: "p.yml") { name in
            name.hasSuffix(".jsonl") ? #"{"prompt": "1+1"}"# : "a key"
        }.rules
    }

    @Test("Every rule is read, with its line")
    func whole() throws {
        let rules = try rules(Self.policy)
        #expect(
            rules.map { "\($0.name.rawValue) \($0.line)" } == [
                "verify 1", "format 2", "weights 3", "lineage 4", "lineage 4", "tensors 6", "tensors 7",
                "other_tensors 8", "metadata 10", "metadata 11", "finite 12", "values 13", "values 13", "frozen 14",
                "diff 15", "kl 16", "accuracy 18", "signed_by 19",
            ])
        #expect(Set(rules.map(\.name)).count == GateRule.Name.allCases.count - 1)
    }

    @Test("Changed at random, a policy is read or refused with its line, and nothing else happens")
    func mutations() throws {
        var generator = SeededGenerator(seed: 7)
        let original = Array(Self.policy.utf8)
        let marks = Array("{}[]:,-#&*!|>'\"%@` \n\t0\u{0}".utf8)
        var refused = 0
        for _ in 0..<3000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = marks.randomElement(using: &generator) ?? 0
                case 1: bytes.insert(marks.randomElement(using: &generator) ?? 0, at: place)
                case 2:
                    bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...20, using: &generator)))
                default: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            do {
                _ = try rules(String(decoding: bytes, as: UTF8.self))
            } catch {
                refused += 1
                #expect("\(error)".hasPrefix("p.yml") || "\(error)".contains("prompts.jsonl"), "\(error)")
            }
        }
        #expect(refused > 500)
    }
}
