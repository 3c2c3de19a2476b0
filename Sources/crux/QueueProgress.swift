internal import Experiments
internal import Rendering
internal import Synchronization
internal import Training

/// Says on standard error how far the runs of an experiment have come: a line for each run that ends, and where all of
/// them stand, with the time left.
final class QueueProgress: Sendable {
    private struct State {
        /// Steps done in this session and before, by run.
        var steps: [String: Int] = [:]
        /// The success or loss that a run shows now.
        var active: [String: String] = [:]
        var finishedCount = 0
        /// Steps that this session did.
        var ownSteps = 0
        var lastShown = -Double.infinity
    }

    private let totalSteps: Int
    private let runCount: Int
    private let line: ProgressLine
    private let isAnimated: Bool
    private let start = ContinuousClock.now
    private let state = Mutex(State())
    /// Seconds between lines where there is no terminal.
    private static let plainInterval = 30.0

    init(_ runs: [ExperimentRun], jobs: Int, hidesProgress: Bool) {
        totalSteps = runs.reduce(0) { $0 + $1.steps }
        runCount = runs.count
        let mode = ProgressLine.mode(for: Terminal.error, isWanted: !hidesProgress)
        if case .animated = mode { isAnimated = true } else { isAnimated = false }
        line = ProgressLine(label: "runs", mode: mode, write: StandardError.write)
    }

    /// Tells of one event.
    func show(_ event: RunQueue.Event) {
        switch event {
        case .skipped(let run):
            state.withLock { state in
                state.steps[run.name] = run.steps
                state.finishedCount += 1
            }
        case .started(let run):
            line.note("\(run.name): starts")
        case .training(let run, let progress):
            guard progress.kind == .step else { return }
            let figure = Self.figure(progress)
            let overall = state.withLock { state -> String? in
                if state.steps[run.name] == nil { state.steps[run.name] = progress.firstStep }
                state.ownSteps += progress.step - (state.steps[run.name] ?? 0)
                state.steps[run.name] = progress.step
                state.active[run.name] = "\(run.name) \(progress.step)/\(progress.totalSteps)\(figure)"
                return overallText(&state)
            }
            if let overall { show(overall) }
        case .measuring(let run):
            state.withLock { $0.active[run.name] = "\(run.name) asked" }
        case .finished(let run):
            let count = state.withLock { state in
                state.active[run.name] = nil
                state.finishedCount += 1
                return state.finishedCount
            }
            line.note("\(run.name): finished, \(count) of \(FigureFormat.counted(runCount, "run"))\(timeLeft)")
        case .failed(let run, let reason):
            state.withLock { $0.active[run.name] = nil }
            line.note("\(run.name): failed: \(reason)")
        }
    }

    /// Takes the line away.
    func finish() { line.finish() }

    private static func figure(_ progress: ProgressEvent) -> String {
        if let success = progress.metrics["success_rate"] {
            return ", success \(FigureFormat.percent(0).text(success))"
        }
        if let loss = progress.metrics["loss"] { return ", loss \(FigureFormat.significant(3).text(loss))" }
        return ""
    }

    private func overallText(_ state: inout State) -> String? {
        let now = (ContinuousClock.now - start) / .seconds(1)
        if !isAnimated, now - state.lastShown < Self.plainInterval { return nil }
        state.lastShown = now
        return state.active.sorted { $0.key < $1.key }.map(\.value).joined(separator: "; ")
    }

    private func show(_ overall: String) {
        guard isAnimated else { return line.note(overall + timeLeft) }
        let (done, left) = state.withLock { ($0.steps.values.reduce(0, +), timeLeft(in: $0)) }
        var figures = [ProgressLine.Figure("", overall)]
        if let left { figures.append(.init("", FigureFormat.duration.text(left) + " left")) }
        line.update(.init(done, of: nil, figures: figures))
    }

    private var timeLeft: String {
        guard let left = state.withLock({ timeLeft(in: $0) }), left > 0 else { return "" }
        return ", about \(FigureFormat.duration.text(left)) left"
    }

    /// Seconds for the steps that are left, at the speed of this session, questions included.
    private func timeLeft(in state: State) -> Double? {
        guard state.ownSteps > 0 else { return nil }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        return elapsed / Double(state.ownSteps) * Double(totalSteps - state.steps.values.reduce(0, +))
    }
}
