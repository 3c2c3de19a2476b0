internal import Analysis
internal import Rendering
internal import Synchronization

/// The progress lines of work in several parts: one for each, gone before the next.
final class PartProgress: Sendable {
    private struct State {
        var label: String?
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

    /// Shows how far the part of that name has come.
    func show(_ label: String, _ done: Int, _ total: Int) {
        state.withLock { state in
            if state.label != label || state.line == nil {
                state.line?.finish()
                state.line = makeLine(label)
                state.label = label
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
        }
    }
}

extension KLMeasurement.Stage {
    /// What is done, in a word.
    var word: String {
        switch self {
        case .writing: "write"
        case .comparing: "compare"
        case .replacing: "cross-sample"
        }
    }
}
