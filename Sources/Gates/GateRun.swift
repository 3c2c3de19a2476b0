internal import Analysis
package import CheckpointFormat
package import CheckpointInterop
internal import Codecs
internal import Crypto
internal import Integrity
package import Kernels
internal import LanguageModel
internal import OrderedCollections
internal import Rendering
package import SystemPackage
internal import Tasks
internal import TensorCore

/// Holds a checkpoint against a policy.
///
/// What rules are about is read or computed once, when the first rule asks for it. A rule that cannot be judged, because the
/// checkpoint is damaged or has no such thing, has not passed.
package final class GateRun {
    private let path: FilePath
    private let reference: (any CheckpointSource)?
    private let bases: BaseSearch
    private let pool: WorkerPool
    private var cachedSource: Result<any CheckpointSource, CheckpointError>?
    private var cachedVerification: FileVerification?
    private var cachedDifference: WeightDiff?
    private var cachedInspection: Inspection?
    private var cachedModel: LoadedModel?

    /// Prepares a run; nothing is read.
    package init(path: FilePath, reference: (any CheckpointSource)?, bases: BaseSearch, pool: WorkerPool) {
        self.path = path
        self.reference = reference
        self.bases = bases
        self.pool = pool
    }

    /// Judges every rule.
    ///
    /// - Parameter progress: Is told the number of each rule, from 0, before it is judged.
    /// - Throws: `CheckpointError` where the checkpoint is not there or the system refuses to read it.
    package func judge(_ policy: GatePolicy, progress: (Int) -> Void) throws(CheckpointError) -> GateReport {
        if case .failure(let error) = opened, error.kind == .missing || error.kind == .io { throw error }
        var results: [RuleResult] = []
        for (index, rule) in policy.rules.enumerated() {
            progress(index)
            do {
                results += try judge(rule)
            } catch {
                results.append(
                    RuleResult(
                        rule, isPassed: false, expected: "a checkpoint that this can be judged of", found: "\(error)"))
            }
        }
        return GateReport(path: path.string, reference: reference?.path.string, rules: results)
    }

    private func judge(_ rule: GateRule) throws -> [RuleResult] {
        switch rule.demand {
        case .bytes(let mode): return [bytes(rule, mode)]
        case .finite: return [finite(rule)]
        case .format(let formats):
            let format = try source.format
            return [
                RuleResult(
                    rule, isPassed: formats.contains(format),
                    expected: formats.map(\.rawValue).joined(separator: " or "), found: format.rawValue)
            ]
        case .fileDigest(let digest):
            let found = try CheckpointManifest.File.hash(path).sha256
            return [RuleResult(rule, isPassed: found == digest, expected: digest, found: found)]
        case .weightsDigest(let digest):
            let found = try source.weightsDigest().hex
            return [RuleResult(rule, isPassed: found == digest, expected: digest, found: found)]
        case .lineage(let key, let digest):
            let expected = try digest ?? requiredReference().weightsDigest().hex
            let found = try source.metadata[key]?.stringValue
            return [
                RuleResult(
                    rule, isPassed: found?.lowercased() == expected, expected: "\(key) \(expected)",
                    found: found ?? "no such key")
            ]
        case .tensors(let demand): return [try tensors(rule, demand)]
        case .noOtherTensors(let patterns): return [try noOtherTensors(rule, patterns)]
        case .values(let limit): return try inspection().check([limit]).map { RuleResult(rule, $0) }
        case .difference(let limit): return try difference().check([limit]).map { RuleResult(rule, $0) }
        case .divergence(let demand): return try divergence(rule, demand)
        case .accuracy(let demand): return [try accuracy(rule, demand)]
        case .metadataKey(let key):
            let value = try source.metadata[key]
            return [
                RuleResult(
                    rule, isPassed: value != nil, expected: "the key \(key)",
                    found: value.map { Self.shortened(MetadataText.text(of: $0)) } ?? "no such key")
            ]
        case .metadataValue(let key, let expected):
            let found = try source.metadata[key].map(MetadataText.text(of:))
            return [
                RuleResult(
                    rule, isPassed: found == expected, expected: "\(key): \(expected)",
                    found: found.map(Self.shortened) ?? "no such key")
            ]
        case .signature(let keys): return [try signature(rule, keys)]
        }
    }

    // MARK: What is read and computed once

    private var opened: Result<any CheckpointSource, CheckpointError> {
        if let cachedSource { return cachedSource }
        let result: Result<any CheckpointSource, CheckpointError>
        do throws(CheckpointError) {
            result = .success(try CheckpointOpener.open(path, bases: bases))
        } catch {
            result = .failure(error)
        }
        cachedSource = result
        return result
    }

    private var source: any CheckpointSource { get throws { try opened.get() } }

    private func requiredReference() throws(GateError) -> any CheckpointSource {
        guard let reference else { throw GateError(description: "there is no reference to compare with") }
        return reference
    }

    /// The outcome of verifying the file; that of a full pass serves both modes.
    private func verification(_ mode: VerificationReport.Mode) -> FileVerification {
        if let cachedVerification, mode == .quick || cachedVerification.hasReadContent { return cachedVerification }
        let verification = FileVerification(
            path: path, checks: .init(mode: mode, bases: bases, workerCount: pool.workerCount)
        ) { _, _ in }
        cachedVerification = verification
        return verification
    }

    private func inspection() throws -> Inspection {
        if let cachedInspection { return cachedInspection }
        let inspection = try Inspection.inspect(
            source, options: .init(computesStatistics: true, computesDigests: false), pool: pool)
        cachedInspection = inspection
        return inspection
    }

    private func difference() throws -> WeightDiff {
        if let cachedDifference { return cachedDifference }
        let difference = try WeightDiff.compare(
            base: requiredReference(), policy: source, options: WeightDiff.Options(), pool: pool)
        cachedDifference = difference
        return difference
    }

    private func model() throws -> LoadedModel {
        if let cachedModel { return cachedModel }
        let model = try LoadedModel(source)
        cachedModel = model
        return model
    }

    // MARK: Rules

    private func bytes(_ rule: GateRule, _ mode: VerificationReport.Mode) -> RuleResult {
        let result = verification(mode)
        // Content that could not be decoded, as that of a delta without its base, is not proven.
        let unproven = mode == .full ? result.notes.filter { $0.rule == "missing" } : []
        let problems = (result.problems + unproven).map(\.description)
        return RuleResult(
            rule, isPassed: result.status == .valid && problems.isEmpty,
            expected: mode == .full ? "every byte as it was written" : "every stored byte as it was written",
            found: Self.first(of: problems)
                ?? (result.hasChecksums ? "all checksums match" : "all bytes can be read; the format has no checksums"))
    }

    private func finite(_ rule: GateRule) -> RuleResult {
        let result = verification(.full)
        let isJudged = result.status == .valid && result.hasReadContent
        let found = isJudged ? result.notes.filter { $0.rule == "notFinite" } : result.problems + result.notes
        return RuleResult(
            rule, isPassed: isJudged && found.isEmpty, expected: "no NaN and no infinity",
            found: Self.first(of: found.map(\.description)) ?? (isJudged ? "none" : "the content could not be read"))
    }

    private func tensors(_ rule: GateRule, _ demand: TensorDemand) throws -> RuleResult {
        let matching = try source.tensors.filter { demand.pattern.matches($0.name) }
        let hasRightCount = demand.count.map { $0 == matching.count } ?? !matching.isEmpty
        let wrong = matching.filter { tensor in
            (demand.shape.map { $0 != tensor.shape.dimensions } ?? false)
                || (demand.dtypes.map { !$0.contains(tensor.dtype.rawValue) } ?? false)
        }
        let expected: [String?] = [
            demand.count.map { FigureFormat.counted($0, "tensor") } ?? "at least one tensor",
            demand.dtypes?.joined(separator: " or "), demand.shape.map { "\(Shape($0))" },
        ]
        let differing = wrong.map { "'\($0.name)' is \($0.dtype.rawValue) \($0.shape)" }
        return RuleResult(
            rule, isPassed: hasRightCount && wrong.isEmpty,
            expected: "\(demand.pattern.text): " + expected.compactMap(\.self).joined(separator: ", "),
            found: (hasRightCount ? Self.first(of: differing) : nil)
                ?? FigureFormat.counted(matching.count, "tensor"))
    }

    private func noOtherTensors(_ rule: GateRule, _ patterns: [GlobPattern]) throws -> RuleResult {
        let others = try source.tensors.map(\.name).filter { name in !patterns.contains { $0.matches(name) } }
        return RuleResult(
            rule, isPassed: others.isEmpty, expected: "no tensors but those under 'tensors'",
            found: Self.first(of: others) ?? "none")
    }

    private func divergence(_ rule: GateRule, _ demand: DivergenceDemand) throws -> [RuleResult] {
        let measurement = try KLMeasurement(
            reference: LoadedModel(requiredReference()), input: demand.input, source: demand.source,
            options: .init(temperature: demand.temperature, seed: demand.seed, keepsTokens: false), pool: pool)
        let report = measurement.report([try measurement.measure(model())])
        let checks = try report.check(demand.limits.map(\.limit))
        return zip(checks, demand.limits).map { check, limit in RuleResult(rule, check, line: limit.line) }
    }

    private func accuracy(_ rule: GateRule, _ demand: AccuracyDemand) throws -> RuleResult {
        let evaluation = try ModelEvaluation.measure(
            model(), trainedDigits: nil, setups: [demand.setup],
            options: .init(exampleCount: demand.exampleCount, sampling: .greedy, seed: demand.seed), pool: pool)
        guard let accuracy = evaluation.results.first?.accuracy else {
            throw GateError(description: "nothing was asked")
        }
        let percent = FigureFormat.percent(1)
        return RuleResult(
            rule, isPassed: accuracy.mean >= demand.minimum,
            expected: "at least \(percent.text(demand.minimum)) right, \(demand.setup)",
            found: "\(percent.text(accuracy.mean)) of \(FigureFormat.count.text(accuracy.exampleCount)) "
                + "(95 %: \(percent.text(accuracy.lowerBound)) … \(percent.text(accuracy.upperBound)))",
            value: accuracy.mean, bound: demand.minimum)
    }

    private func signature(_ rule: GateRule, _ keys: [SignerKey]) throws -> RuleResult {
        let trusted = try keys.map { key throws(GateError) in
            do throws(KeyError) {
                return try Curve25519.Signing.PublicKey(pem: key.pem)
            } catch {
                throw GateError(description: "\(key.path): \(error)")
            }
        }
        let problems = try ContentSignature.problems(of: source, trusting: trusted, workerCount: pool.workerCount)
        return RuleResult(
            rule, isPassed: problems.isEmpty, expected: "signed by \(keys.map(\.path).joined(separator: " or "))",
            found: Self.first(of: problems) ?? "signed, every tensor and metadata key")
    }

    /// The first of several things, and how many more there are; nil where there are none.
    private static func first(of texts: [String]) -> String? {
        texts.first.map { $0 + (texts.count > 1 ? "; \(texts.count - 1) more" : "") }
    }

    private static func shortened(_ text: String) -> String { text.count > 80 ? "\(text.prefix(80))…" : text }
}

/// Why a rule could not be judged.
struct GateError: Error, CustomStringConvertible {
    /// One line.
    let description: String
}
