internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import Experiments
internal import Foundation
internal import Rendering
internal import SystemPackage
internal import Training

/// What the experiments that queue their runs have in common.
struct ExperimentOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("The folder for everything.", valueName: "folder"))
    var out: String

    @Option(help: ArgumentHelp("Runs of each group: seeds 1 … n.", valueName: "n"))
    var seeds: Int?

    @Option(help: ArgumentHelp("Runs at a time; each has one thread (as many as there are cores).", valueName: "n"))
    var jobs: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a setting of every training, for example steps=20.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "List the runs and how far they have come; do nothing.")
    var dryRun = false

    @Flag(name: .customLong("report"), help: "Make the report from what is there, also while runs are under way.")
    var onlyReports = false

    @Flag(help: "Write JSON instead of text; its first level has a schemaVersion.")
    var json = false

    @Flag(name: .customLong("no-progress"), help: "Say nothing of how far the work has come.")
    var hidesProgress = false

    mutating func validate() throws {
        if let jobs, !(1...1024).contains(jobs) {
            throw ValidationError("--jobs: found \(jobs), expected 1 … 1024")
        }
        if let seeds, !(1...10_000).contains(seeds) {
            throw ValidationError("--seeds: found \(seeds), expected 1 … 10000")
        }
    }

    /// The seeds 1 … n.
    func seedValues(default count: Int) -> [UInt64] { (1...UInt64(seeds ?? count)).map(\.self) }

    /// Settings of a file, or the defaults, with the overrides.
    func configuration<Configuration: RunConfiguration>(_ file: String) throws -> Configuration {
        try ConfigurationLoader.load(yaml: TextFile.read(file), fileName: file, overrides: overrides)
    }

    /// Works off a plan and reports; or only lists it, or only reports.
    func run(_ plan: ExperimentPlan) throws {
        let folder = ExperimentFolder(FilePath(out))
        if dryRun { return try StandardOutput.write(plan.listing(in: folder, style: Terminal.output)) }
        let reports = ExperimentReports(plan: plan, folder: folder, command: CommandText.current)
        if !onlyReports { try work(on: plan, in: folder, reports) }
        let result = try reports.write()
        try StandardOutput.write(
            json ? try ReportJSON.encode(result) : result.text(style: Terminal.output, report: reports.page.string))
    }

    private func work(on plan: ExperimentPlan, in folder: ExperimentFolder, _ reports: ExperimentReports) throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let progress = QueueProgress(plan.runs, jobs: jobs ?? cores, hidesProgress: hidesProgress)
        let queue = RunQueue(
            plan.runs, in: folder, jobs: jobs ?? cores, workersPerRun: 1, stop: Interruption.stopFlag
        ) { event in
            progress.show(event)
            // A report that cannot be made yet is no reason to stop; the last one says why.
            if case .finished = event { _ = try? reports.write() }
        }
        do {
            try queue.run()
        } catch is ExperimentInterrupted {
            progress.finish()
            _ = try? reports.write()
            Interruption.endExperiment(savedIn: out)
        }
        progress.finish()
    }
}

/// The reports of an experiment: a page, the figures for programs, and tables.
struct ExperimentReports: Sendable {
    let plan: ExperimentPlan
    let folder: ExperimentFolder
    /// The command line that made them.
    let command: String

    /// The page's path.
    var page: FilePath { folder.path.appending("report.html") }

    /// Collects what is there and writes all reports anew.
    @discardableResult
    func write() throws -> ExperimentResult {
        let result = try ExperimentResult(plan, in: folder)
        try FileManager.default.createDirectory(atPath: folder.path.string, withIntermediateDirectories: true)
        try HTMLFile.write(result.page(command: command), to: page.string)
        try OutputFile.write(try ReportJSON.encode(result), to: folder.path.appending("report.json"))
        try OutputFile.write(result.runsCSV, to: folder.path.appending("runs.csv"))
        try OutputFile.write(result.curvesCSV, to: folder.path.appending("curves.csv"))
        return result
    }
}

extension ExperimentPlan {
    /// The runs and how far they have come.
    func listing(in folder: ExperimentFolder, style: TerminalStyle) throws -> String {
        var table = TextTable(columns: [.init("run"), .init("work"), .init("steps", .right), .init("state")])
        var left = 0
        for run in runs {
            let state = try RunState(run, in: folder)
            let text =
                switch state.progress {
                case .waiting: "waiting"
                case .trained(let step): "saved at step \(step)"
                case .finished: "finished"
                }
            if !state.isFinished { left += 1 }
            let work =
                switch run.work {
                case .pretraining: "pre-train, N = \(run.trainedDigits)"
                case .fineTuning(let configuration, _):
                    "fine-tune on \(run.trainedDigits + configuration.task.additionalDigits) digits"
                case .given(let path): "measure \(path)"
                }
            table.rows.append([
                .init(run.name), .init(work), .init(run.steps == 0 ? "" : FigureFormat.count.text(run.steps)),
                .init(text, state.isFinished ? .good : .plain),
            ])
        }
        return table.text(style: style) + "\(FigureFormat.counted(runs.count, "run")), \(left) to do\n"
    }
}
