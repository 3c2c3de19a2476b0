internal import Analysis
internal import CheckpointFormat
internal import CheckpointInterop
internal import Tasks
internal import Training
internal import Yams

extension GatePolicy {
    /// Reads a policy file; `docs/check.md` lists the rules.
    ///
    /// - Parameters:
    ///   - yaml: The file's text.
    ///   - fileName: The file's name for messages.
    ///   - readFile: Reads a file that the policy names (prompts, texts, keys).
    /// - Throws: `ConfigurationError` with file and line for what is no rule, and what `readFile` throws.
    package init(yaml: String, fileName: String, readFile: @escaping (String) throws -> String) throws {
        let reader = PolicyReader(fileName: fileName)
        guard let root = try ConfigurationLoader.compose(yaml, source: fileName), root.mapping?.isEmpty == false else {
            throw ConfigurationError(source: fileName, key: "", problem: .syntax("expected 'rule: value' lines"))
        }
        var rules: [GateRule] = []
        for (key, node) in try reader.lines(root, "", expected: "rules") {
            let text = try reader.name(key, under: "", among: GateRule.Name.allCases.map(\.rawValue))
            guard let name = GateRule.Name(rawValue: text) else { continue }
            let parser = RuleParser(name: name, reader: reader, readFile: readFile)
            rules += try parser.rules(node, line: key.mark?.line ?? 0)
        }
        let patterns = rules.compactMap { rule in
            if case .tensors(let demand) = rule.demand { demand.pattern } else { nil }
        }
        self.init(
            rules: rules.map { rule in
                guard case .noOtherTensors = rule.demand else { return rule }
                return GateRule(name: rule.name, line: rule.line, demand: .noOtherTensors(patterns))
            })
    }
}

/// Reads the rules under one key.
private struct RuleParser {
    let name: GateRule.Name
    let reader: PolicyReader
    let readFile: (String) throws -> String

    private var key: String { name.rawValue }

    func rules(_ node: Node, line: Int) throws -> [GateRule] {
        switch name {
        case .verify: return [rule(node, .bytes(try reader.choice(node, key)))]
        case .format:
            return [rule(node, .format(try reader.list(node, key).map { try reader.choice($0, key) }))]
        case .sha256: return [rule(node, .fileDigest(try reader.digest(node, key, digitCount: 64)))]
        case .weights: return [rule(node, .weightsDigest(try reader.digest(node, key, digitCount: 32)))]
        case .lineage: return try lineage(node)
        case .tensors: return try tensors(node)
        case .otherTensors:
            try reader.only("false", node, key, meaning: "no tensors but those under 'tensors'")
            return [rule(node, .noOtherTensors([]))]
        case .finite:
            try reader.only("true", node, key, meaning: "no NaN and no infinity")
            return [rule(node, .finite)]
        case .values:
            return try reader.list(node, key).map {
                rule($0, .values(try reader.limit($0, key, on: Inspection.self)))
            }
        case .frozen:
            return try reader.list(node, key).map {
                rule($0, .difference(try Limit("changed.frozen:\(try reader.text($0, key))>0")))
            }
        case .diff:
            return try reader.list(node, key).map {
                rule($0, .difference(try reader.limit($0, key, on: WeightDiff.self)))
            }
        case .kl: return [GateRule(name: name, line: line, demand: .divergence(try divergence(node)))]
        case .accuracy:
            let entries = node.sequence.map { Array($0) } ?? [node]
            return try entries.map { rule($0, .accuracy(try accuracy($0))) }
        case .metadata: return try metadata(node)
        case .signedBy:
            let keys = try reader.list(node, key).map { entry in
                let path = try reader.text(entry, key)
                return SignerKey(path: path, pem: try readFile(path))
            }
            return [rule(node, .signature(keys: keys))]
        }
    }

    private func rule(_ node: Node, _ demand: GateRule.Demand) -> GateRule {
        GateRule(name: name, line: node.mark?.line ?? 0, demand: demand)
    }

    private func lineage(_ node: Node) throws -> [GateRule] {
        let keys = [
            "parent": MetadataKey.parent, "reference": MetadataKey.reference, "pretrained": MetadataKey.pretrained,
        ]
        return try reader.lines(node, key, expected: "a section with parent, reference, pretrained").map { line in
            let name = try reader.name(line.key, under: "lineage.", among: keys.keys.sorted())
            let isReference = line.value.scalar?.string == "--reference"
            let digest = isReference ? nil : try reader.digest(line.value, "lineage.\(name)", digitCount: 32)
            return rule(line.value, .lineage(key: keys[name] ?? name, digest: digest))
        }
    }

    private func tensors(_ node: Node) throws -> [GateRule] {
        try reader.lines(node, key, expected: "a section with a pattern for names a line").map { line in
            let pattern = try reader.text(line.key, key)
            let entries = try reader.section(line.value, "tensors.\(pattern)", known: ["shape", "dtype", "count"])
            let shape = try entries["shape"].map { node in
                // A scalar has no dimensions: the empty list.
                guard let sequence = node.sequence else {
                    throw reader.mismatch(node, "shape", expected: "a list of dimensions, as [768, 3072]")
                }
                return try sequence.map { try reader.integer($0, "shape", in: 0...Int.max) }
            }
            let dtypes = try entries["dtype"].map { try reader.list($0, "dtype").map { try reader.text($0, "dtype") } }
            let count = try entries["count"].map { try reader.integer($0, "count", in: 0...Int.max) }
            return rule(
                line.key,
                .tensors(TensorDemand(pattern: GlobPattern(pattern), shape: shape, dtypes: dtypes, count: count)))
        }
    }

    private func divergence(_ node: Node) throws -> DivergenceDemand {
        let entries = try reader.section(
            node, key,
            known: [
                "prompts", "text", "digits", "setup", "count", "trained_digits", "source", "max_tokens", "stop", "seed",
                "temperature", "limits",
            ])
        let inputs = ["prompts", "text", "digits"].compactMap { name in entries[name].map { (name: name, node: $0) } }
        guard let limits = entries["limits"], let input = inputs.first, inputs.count == 1 else {
            throw reader.mismatch(node, key, expected: "limits, and one of prompts, text and digits")
        }
        func integer(_ name: String, _ range: ClosedRange<Int>, _ standard: Int) throws -> Int {
            try entries[name].map { try reader.integer($0, name, in: range) } ?? standard
        }
        let writer: TextSource? = try entries["source"].map { try reader.choice($0, "source") }
        let texts: KLInput
        let standardWriter: TextSource
        switch input.name {
        case "digits":
            let digits = try reader.integer(input.node, input.name, in: 1...1000)
            texts = .additions(
                .init(
                    setup: try setup(entries["setup"], digits: digits), count: try integer("count", 1...1_000_000, 50),
                    trainedDigits: try integer("trained_digits", 0...1000, digits - 1)))
            standardWriter = .policySamples
        case "prompts":
            let path = try reader.text(input.node, input.name)
            let file = try PromptFile(try readFile(path), name: path)
            texts = .prompts(
                file,
                continuation: .init(
                    maximumTokenCount: try integer("max_tokens", 1...1_048_576, 256),
                    stopText: try entries["stop"].map { try reader.text($0, "stop") }))
            standardWriter = file.hasCompletions ? .truth : .policySamples
        default:
            let path = try reader.text(input.node, input.name)
            texts = .text(try readFile(path), name: path)
            standardWriter = .truth
        }
        let temperature = try entries["temperature"].map { try reader.number($0, "temperature", in: 1e-6...1e6) } ?? 1
        return DivergenceDemand(
            input: texts, source: writer ?? standardWriter, seed: UInt64(try integer("seed", 0...Int.max, 0)),
            temperature: Float(temperature),
            limits: try reader.list(limits, "limits").map {
                (try reader.limit($0, "kl", on: KLReport.self), $0.mark?.line ?? 0)
            })
    }

    private func accuracy(_ node: Node) throws -> AccuracyDemand {
        let entries = try reader.section(node, key, known: ["digits", "setup", "examples", "seed", "minimum"])
        guard let digits = entries["digits"], let minimum = entries["minimum"] else {
            throw reader.mismatch(node, key, expected: "digits and minimum")
        }
        return AccuracyDemand(
            setup: try setup(entries["setup"], digits: try reader.integer(digits, "digits", in: 1...1000)),
            exampleCount: try entries["examples"].map { try reader.integer($0, "examples", in: 1...1_000_000) } ?? 200,
            seed: UInt64(try entries["seed"].map { try reader.integer($0, "seed", in: 0...Int.max) } ?? 0),
            minimum: try reader.number(minimum, "minimum", in: 0...1))
    }

    private enum Setup: String, CaseIterable {
        case fixed, varying, balanced
    }

    private func setup(_ node: Node?, digits: Int) throws -> AdditionSetup {
        switch try node.map({ try reader.choice($0, "setup", of: Setup.self) }) ?? .varying {
        case .fixed: .fixed(digits: digits)
        case .varying: .varying(digits: digits)
        case .balanced: .balanced(maximumDigits: digits)
        }
    }

    private func metadata(_ node: Node) throws -> [GateRule] {
        let entries = try reader.section(node, key, known: ["required", "equal"])
        let required = try entries["required"].map { node in
            try reader.list(node, "metadata.required").map {
                rule($0, .metadataKey(try reader.text($0, "metadata.required")))
            }
        }
        let equal = try entries["equal"].map { node in
            try reader.lines(node, "metadata.equal", expected: "a section with 'key: value' lines").map { line in
                rule(
                    line.value,
                    .metadataValue(
                        key: try reader.text(line.key, "metadata.equal"),
                        value: try reader.text(line.value, "metadata.equal")))
            }
        }
        return ((required ?? []) + (equal ?? [])).sorted { $0.line < $1.line }
    }
}
