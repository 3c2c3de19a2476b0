import Foundation
import LanguageModel
import SystemPackage
import TestSupport
import Testing

@Suite("crux check: policies")
struct CheckCommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
    }

    private func crux(_ arguments: String..., environment: [String: String] = [:]) async throws -> CommandResult {
        try await CommandResult.crux(arguments, in: folder.path, environment: environment)
    }

    /// Holds a sample against rules.
    private func check(_ rules: String, _ path: String = "policy.crux", reference: Bool = true) async throws -> Outcome
    {
        try folder.file("p.yml").writeBytes(Array(rules.utf8))
        let result = try await CommandResult.crux(
            ["check", path, "--policy", "p.yml", "--json"] + (reference ? ["--reference", "base.crux"] : []),
            in: folder.path)
        return try Outcome(result)
    }

    private struct Outcome {
        let exitCode: Int
        let standardError: String
        /// Rules in their order: whether each passed, and what was found.
        let rules: [(name: String, isPassed: Bool, found: String)]

        init(_ result: CommandResult) throws {
            exitCode = result.exitCode
            standardError = result.standardError
            let json = try? JSONSerialization.jsonObject(with: Data(result.standardOutput.utf8)) as? [String: Any]
            let checkpoints = json?["checkpoints"] as? [[String: Any]] ?? []
            rules = (checkpoints.first?["rules"] as? [[String: Any]] ?? []).map { rule in
                (
                    rule["rule"] as? String ?? "", rule["isPassed"] as? Bool ?? false, rule["found"] as? String ?? ""
                )
            }
        }
    }

    private func weights(_ name: String) async throws -> String {
        let output = try await crux("verify", name).standardOutput
        let words = output.split(whereSeparator: \.isWhitespace)
        return String(try #require(words.last))
    }

    @Test("Each rule passes where it should, and fails where it should not, with what was found")
    func rules() async throws {
        let (base, policy) = (try await weights("base.crux"), try await weights("policy.crux"))
        for (rule, isPassed, found) in [
            ("verify: full", true, "all checksums match"),
            ("verify: quick", true, "all checksums match"),
            ("format: crux", true, "crux"),
            ("format: [safetensors, GGUF]", false, "crux"),
            ("weights: \(policy)", true, policy),
            ("weights: \(base)", false, policy),
            ("sha256: \(String(repeating: "0", count: 64))", false, "09ad05baacca1f38"),
            ("lineage: {reference: --reference}", true, base),
            ("lineage: {reference: \(policy)}", false, base),
            ("lineage: {parent: \(policy)}", false, "no such key"),
            ("tensors: {wte.weight: {shape: [\(vocabularySize), 16], dtype: F32}}", true, "1 tensor"),
            ("tensors: {wte.weight: {shape: [16, \(vocabularySize)]}}", false, "'wte.weight' is F32"),
            ("tensors: {\"h.*.attn.c_attn.weight\": {count: 2, dtype: [BF16, F32]}}", true, "2 tensors"),
            ("tensors: {\"h.*.attn.c_attn.weight\": {count: 3}}", false, "2 tensors"),
            ("tensors: {lm_head.weight: {dtype: F32}}", false, "0 tensors"),
            ("finite: true", true, "none"),
            ("values: [\"norm:h.*>1000\"]", true, "h.0.ln_1.weight: 4; 0 of 12 break it"),
            ("values: [\"magnitude>0.01\"]", false, "break it"),
            ("frozen: [wte.weight]", true, "wte.weight: 0"),
            ("frozen: [\"h.0.mlp.*\"]", false, "h.0.mlp.c_fc.weight"),
            ("diff: [\"relativeL2>99%\"]", true, "all weights"),
            ("diff: [\"relativeL2:h.0.mlp.c_fc.weight>1e-6\"]", false, "h.0.mlp.c_fc.weight"),
            ("kl: {text: text.txt, limits: [kl.mean>100]}", true, "policy.crux"),
            ("kl: {text: text.txt, limits: [kl.mean>0]}", false, "policy.crux"),
            ("kl: {digits: 2, count: 2, source: truth, limits: [kl.maximum>0]}", false, "policy.crux"),
            ("accuracy: {digits: 1, examples: 3, minimum: 0}", true, "of 3"),
            ("accuracy: {digits: 1, examples: 3, minimum: 1}", false, "of 3"),
            ("metadata: {required: [crux.kind]}", true, "policy"),
            ("metadata: {required: [license]}", false, "no such key"),
            ("metadata: {equal: {crux.kind: policy}}", true, "policy"),
            ("metadata: {equal: {crux.step: 26}}", false, "25"),
        ] {
            let outcome = try await check(rule)
            #expect(outcome.exitCode == (isPassed ? 0 : 1), "\(rule): \(outcome)")
            #expect(outcome.rules.count == 1, "\(rule): \(outcome)")
            #expect(outcome.rules.first?.isPassed == isPassed, "\(rule): \(outcome)")
            #expect(outcome.rules.first?.found.contains(found) == true, "\(rule): \(outcome)")
        }
    }

    private var vocabularySize: Int { SampleCheckpoints.configuration.vocabularySize }

    @Test("All rules are judged, in the policy's order, whatever fails")
    func several() async throws {
        let outcome = try await check(
            """
            # A policy as a release has it.
            verify: full
            other_tensors: false
            tensors:
              w?e.weight: {dtype: F32}
              h.*: {}
              ln_f.weight: {shape: [16]}
            finite: true
            frozen:
              - wte.weight
              - h.1.attn.c_attn.weight
            """)
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.rules.map(\.name)
                == ["verify", "other_tensors", "tensors", "tensors", "tensors", "finite", "frozen", "frozen"])
        // The moments of the optimiser are not among those listed.
        #expect(outcome.rules.map(\.isPassed) == [true, false, true, true, true, true, true, false])
    }

    @Test("A damaged checkpoint fails what cannot be judged of it; one that is not there is an error")
    func damaged() async throws {
        let outcome = try await check("{verify: full, finite: true, values: [norm>1], format: crux}", "damaged.crux")
        #expect(outcome.exitCode == 1)
        #expect(outcome.rules.map(\.isPassed) == [false, false, false, true])
        #expect(outcome.rules.first?.found.contains("checksum mismatch") == true)
        let noise = try await check("{format: crux}", "noise.bin")
        #expect(noise.exitCode == 1)
        let missing = try await check("{format: crux}", "nowhere.crux")
        #expect(missing.exitCode == 2)
        #expect(missing.standardError.hasPrefix("error: nowhere.crux: "))
    }

    @Test("NaNs, by the rule and by limits on values")
    func notFinite() async throws {
        let header = #"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"# + " "
        let values: [Float] = [.nan, -.infinity, 1]
        try folder.file("w.safetensors").writeBytes(
            [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8)
                + values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } })
        let outcome = try await check(
            "{finite: true, values: [\"nan>0\", \"infinity:w>1\", \"norm>0.5\"]}", "w.safetensors", reference: false)
        #expect(outcome.rules.map(\.isPassed) == [false, false, true, false])
        #expect(outcome.rules.first?.found == "tensor 'w': 1 NaN, 1 infinity")
    }

    @Test("A signature by a key of the policy's folder")
    func signed() async throws {
        _ = try await crux("keygen", "k")
        let unsigned = try await check("signed_by: k.pub")
        #expect(unsigned.rules.first?.found.hasPrefix("there is no signature") == true)
        _ = try await crux("sign", "policy.crux", "--key", "k")
        #expect(try await check("signed_by: [k.pub]").exitCode == 0)
        _ = try await crux("edit", "policy.crux", "--set", "note=changed")
        let changed = try await check("signed_by: [k.pub]")
        #expect(changed.exitCode == 1)
        #expect(changed.rules.first?.found.contains(#"metadata "note" was added"#) == true)
    }

    @Test(
        "What is no rule is an error with its line",
        arguments: [
            ("verify: full\nfinit: true", "p.yml:2: unknown key 'finit'; the nearest known key is 'finite'"),
            ("verify: fast", "p.yml:1: verify: found 'fast', expected one of quick, full"),
            ("finite: yes please", "p.yml:1: finite: found 'yes please', expected true: no NaN and no infinity"),
            ("weights: 12", "p.yml:1: weights: found '12', expected 32 hexadecimal digits"),
            (
                "\n\nkl:\n  text: text.txt\n  limit: [kl.mean>1]",
                "p.yml:5: unknown key 'kl.limit'; the nearest known key is 'kl.limits'"
            ),
            (
                "tensors:\n  wte.weight: {shape: 3}",
                "p.yml:2: shape: found '3', expected a list of dimensions, as [768, 3072]"
            ),
            ("accuracy: {digits: 5}", "p.yml:1: accuracy: found a section, expected digits and minimum"),
            ("diff: [norms>1]", "p.yml:1: diff: norms>1: found the figure 'norms', expected one of "),
            ("values: [norm]", "p.yml:1: values: norm: found no relation, expected one of "),
            ("signed_by: gone.pub", "gone.pub: "),
            ("[1, 2", "p.yml: not valid YAML: "),
            ("", "p.yml: not valid YAML: expected 'rule: value' lines"),
        ])
    func notARule(rules: String, message: String) async throws {
        let outcome = try await check(rules)
        #expect(outcome.exitCode == 2)
        #expect(outcome.standardError.hasPrefix("error: " + message), "\(outcome.standardError)")
        #expect(outcome.rules.isEmpty)
    }

    @Test("Without a reference nothing is compared: an error, not a pass")
    func noReference() async throws {
        let outcome = try await check("verify: full\nfrozen: [wte.weight]", reference: false)
        #expect(outcome.exitCode == 2)
        #expect(outcome.standardError == "error: p.yml:2: frozen: expected --reference with it\n")
    }

    @Test("Text, JUnit with a case a rule, SARIF with a finding a failure, annotations")
    func reports() async throws {
        try folder.file("p.yml").writeBytes(Array("verify: full\nmetadata: {required: [license]}\n".utf8))
        let result = try await crux(
            "check", "base.crux", "policy.crux", "--policy", "p.yml", "--junit", "out.xml", "--sarif", "out.sarif",
            environment: ["GITHUB_ACTIONS": "true"])
        #expect(result.exitCode == 1)
        #expect(result.standardOutput.hasPrefix("failed  base.crux  1 of 2 rules\n  pass  verify "))
        #expect(
            result.standardOutput.contains("FAIL  metadata  expected the key license, found no such key  (p.yml:2)\n"))
        #expect(result.standardError.hasPrefix("::error file=base.crux,title=crux check%3A metadata::expected the key"))
        let xml = String(decoding: try folder.file("out.xml").readBytes(), as: UTF8.self)
        #expect(xml.contains("tests=\"4\" failures=\"2\" errors=\"0\""))
        let log =
            try JSONSerialization.jsonObject(with: Data(try folder.file("out.sarif").readBytes())) as? [String: Any]
        let run = try #require((log?["runs"] as? [[String: Any]])?.first)
        #expect((run["results"] as? [[String: Any]])?.count == 2)
    }
}
