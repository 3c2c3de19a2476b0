internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Rendering
internal import SystemPackage
internal import TensorCore

/// `crux diff`.
struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what changed in the weights from one checkpoint to another.",
        discussion: """
            Takes any two formats that can be opened; GPT-2 under the names of transformers, nanoGPT and llama.cpp is \
            paired whatever the two names. Exit code 0: the same, or within all limits; 1: different, or a limit is \
            broken; 2: could not run. How far weights moved does not tell how behaviour changed: see crux kl.
            """)

    @Argument(help: "The checkpoint that the change starts from.", completion: .file())
    var base: String

    @Argument(help: "The checkpoint that the change leads to.", completion: .file())
    var policy: String

    @Flag(help: "Compare the model's weights alone: neither optimiser, critic nor metadata.")
    var weightsOnly = false

    @Flag(name: .customLong("no-map"), help: "Take the tensors' names as they are.")
    var takesNamesAsTheyAre = false

    @Flag(help: "Believe the digests in crux files: do not read tensors whose digests are the same.")
    var trustDigests = false

    @Option(help: ArgumentHelp("How many tensors to list.", valueName: "n"))
    var limit = 20

    @Option(help: ArgumentHelp("|Δ| above this counts as changed beyond the absolute tolerance.", valueName: "x"))
    var absoluteTolerance = ChangeTolerances().absolute

    @Option(
        help: ArgumentHelp("|Δ| / max(|a|, |b|) above this counts as changed beyond the relative one.", valueName: "x"))
    var relativeTolerance = ChangeTolerances().relative

    @Option(
        help: ArgumentHelp(
            "Exit with 1 only where ‖Δ‖ / ‖base‖ of the weights is above this, or tensors cannot be compared.",
            valueName: "x"))
    var failAbove: Double?

    @Option(
        help: ArgumentHelp(
            "Another run from the same base, of another seed, say: put its figures beside the policy's.",
            valueName: "checkpoint"),
        completion: .file())
    var null: String?

    @Flag(
        help:
            "Compute singular values of each changed matrix; the leading 128 where the smaller side is above 2048.")
    var spectrum = false

    @Flag(help: "Make it an error, exit code 2, where tensors are missing or have other shapes.")
    var strict = false

    @Option(help: ArgumentHelp("Write a report page.", valueName: "file"), completion: .file(extensions: ["html"]))
    var html: String?

    @OptionGroup var limits: LimitOptions

    @OptionGroup var table: PlainTableOption

    @OptionGroup var output: OutputOptions

    func validate() throws {
        try limits.validate(for: WeightDiff.self)
        try table.validate(besides: output)
        if limit < 0 { throw ValidationError("--limit: found \(limit), expected 0 or more") }
        for (name, value) in [
            ("--absolute-tolerance", absoluteTolerance), ("--relative-tolerance", relativeTolerance),
            ("--fail-above", failAbove ?? 0),
        ] where !(value >= 0) {
            throw ValidationError("\(name): found \(value), expected a number of at least 0")
        }
    }

    mutating func run() throws {
        let limits = try limits.read(\.diff)
        let progress = output.progress("diff")
        let sources = try (output.open(base), output.open(policy))
        let options = WeightDiff.Options(
            tolerances: ChangeTolerances(absolute: absoluteTolerance, relative: relativeTolerance),
            roles: weightsOnly ? [.weight] : nil, mapsNames: !takesNamesAsTheyAre)
        let pool = output.pool
        var diff = try WeightDiff.compare(base: sources.0, policy: sources.1, options: options, pool: pool) {
            done, total in progress.update(.init(done, of: total))
        }
        progress.finish()
        if let null {
            let progress = output.progress("diff \(null)")
            let source = try output.open(null)
            let other = try WeightDiff.compare(base: sources.0, policy: source, options: options, pool: pool) {
                done, total in progress.update(.init(done, of: total))
            }
            progress.finish()
            if !trustDigests, other.tensors.contains(where: \.isIdentical) { try prove(source) }
            diff.null = NullDiff(other)
        }
        if spectrum {
            let progress = output.progress("spectrum")
            diff.spectra = try SpectralDiff.measure(diff, base: sources.0, policy: sources.1, pool: pool) {
                done, total in progress.update(.init(done, of: total))
            }
            progress.finish()
        }
        if !trustDigests, diff.tensors.contains(where: \.isIdentical) { try prove(sources.0, sources.1) }
        if self.limits.areSet { diff.limits = try diff.check(limits) }
        if let html {
            try HTMLFile.write(
                diff.page(command: CommandText.current, limit: limit, coversMetadata: !weightsOnly), to: html)
        }
        try StandardOutput.write(
            output.json
                ? ReportJSON.encode(diff)
                : table.plain
                    ? diff.plainTable
                    : diff.text(style: Terminal.output, limit: limit, coversMetadata: !weightsOnly))
        if strict, let reason = diff.structure.incomparable { throw CommandFailure.couldNotRun("--strict: \(reason)") }
        try LimitOptions.enforce(diff.limits)
        if isFailure(diff) { throw ExitCode(1) }
    }

    /// Checks what crux files store: tensors with equal digests were not read, and a damaged file must not pass for
    /// the same.
    private func prove(_ sources: any CheckpointSource...) throws {
        for source in sources where source.format == .crux {
            let progress = output.progress("verify \(source.path)")
            let report = Verifier.verify(path: source.path, mode: .quick, workerCount: output.workers) { done, total in
                progress.update(.init(done, of: total))
            }
            progress.finish()
            if let finding = report.findings.first {
                throw CommandFailure.couldNotRun("\(report.path): \(finding.description)")
            }
        }
    }

    private func isFailure(_ diff: WeightDiff) -> Bool {
        guard let failAbove else {
            if limits.areSet { return false }
            return weightsOnly ? !diff.hasSameTensors : !diff.isIdentical
        }
        guard diff.structure.isEmpty else { return true }
        if diff.hasSameTensors { return false }
        // What cannot be measured is not within a limit; NaN is above any.
        guard let figures = diff.weights else {
            return !diff.tensors.filter { $0.role == TensorRole.weight.name }.allSatisfy(\.isIdentical)
        }
        return figures.policyNaNCount != figures.baseNaNCount || !((figures.relativeChange ?? .infinity) <= failAbove)
    }
}
