internal import Analysis
internal import Rendering
internal import Synchronization

/// The progress lines of a comparison: one for each stage, each gone before the next.
final class KLProgress: Sendable {
    private struct State {
        var subject: String?
        var stage: KLMeasurement.Stage?
        var line: ProgressLine?
    }

    private let makeLine: @Sendable (String) -> ProgressLine
    private let state = Mutex(State())

    init(output: OutputOptions) {
        let hides = output.hidesProgress
        makeLine = { label in
            ProgressLine(
                label: label, mode: ProgressLine.mode(for: Terminal.error, isWanted: !hides),
                write: StandardError.write)
        }
    }

    /// Names what the next stages are about; nil for nothing in particular.
    func begin(_ subject: String?) {
        finish()
        state.withLock { $0.subject = subject }
    }

    /// Shows how far a stage has come.
    @Sendable func show(_ stage: KLMeasurement.Stage, _ done: Int, _ total: Int) {
        state.withLock { state in
            if state.stage != stage || state.line == nil {
                state.line?.finish()
                let name =
                    switch stage {
                    case .writing: "write"
                    case .comparing: "compare"
                    case .replacing: "cross-sample"
                    }
                state.line = makeLine(state.subject.map { "\(name) \($0)" } ?? name)
                state.stage = stage
                state.line?.update(.init(0, of: total))
            }
            state.line?.update(.init(done, of: total))
        }
    }

    /// Takes the line away.
    func finish() {
        state.withLock { state in
            state.line?.finish()
            state.line = nil
            state.stage = nil
        }
    }
}
