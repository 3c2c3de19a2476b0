internal import Synchronization

/// How far a long task has come, on standard error.
///
/// On a terminal it is one line, redrawn in place; elsewhere a plain line now and then. The line is gone before
/// anything else is printed: by `finish`, by `note`, and when the value is let go, as happens when an error is thrown.
public final class ProgressLine: Sendable {
    /// How progress is shown.
    public enum Mode: Hashable, Sendable {
        /// One line of at most `width` columns, redrawn in place.
        case animated(width: Int, style: TerminalStyle)
        /// A line every so many seconds, the first after as many; the last at the end, where there has been any.
        case plain(interval: Double)
        /// Nothing.
        case silent
    }

    /// Where a task stands.
    public struct Step: Hashable, Sendable {
        /// How much is done, in the task's unit.
        public var completed: Int
        /// How much there is; nil when unknown.
        public var total: Int?
        /// Named figures of this moment, such as a loss, already formatted.
        public var figures: [Figure]

        /// A state of the task.
        public init(_ completed: Int, of total: Int?, figures: [Figure] = []) {
            self.completed = completed
            self.total = total
            self.figures = figures
        }
    }

    /// A figure shown beside the bar: `loss 0.132`.
    public struct Figure: Hashable, Sendable {
        /// What it is.
        public var name: String
        /// Its value.
        public var text: String

        /// A figure already formatted.
        public init(_ name: String, _ text: String) {
            self.name = name
            self.text = text
        }

        /// A number and its format.
        public init(_ name: String, _ value: Double, _ format: FigureFormat = .significant(3)) {
            self.init(name, format.text(value))
        }
    }

    private struct State {
        var start: Double?
        var firstCompleted = 0
        var lastShown: Double?
        var line = ""
        var isDrawn = false
        var isAnnounced = false
    }

    private static let shortestRedraw = 0.05
    private let label: String
    private let mode: Mode
    private let now: @Sendable () -> Double
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// A line of progress.
    /// - Parameters:
    ///   - label: What is under way.
    ///   - mode: How it is shown.
    ///   - now: The time in seconds, from any origin; for tests.
    ///   - write: Where the text goes: standard error.
    public init(
        label: String, mode: Mode, now: (@Sendable () -> Double)? = nil, write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.mode = mode
        self.write = write
        let origin = ContinuousClock.now
        self.now = now ?? { (ContinuousClock.now - origin) / .seconds(1) }
    }

    deinit {
        let isDrawn = state.withLock { $0.isDrawn }
        if isDrawn { write(Self.erase) }
    }

    /// The mode that fits a stream: in place on a terminal, else a line every ten seconds.
    public static func mode(for style: TerminalStyle, isWanted: Bool = true) -> Mode {
        guard isWanted else { return .silent }
        return style.allowsAnimation ? .animated(width: style.width ?? 80, style: style) : .plain(interval: 10)
    }

    /// Shows where the task stands; cheap enough to be called at every step.
    public func update(_ step: Step) {
        if mode == .silent { return }
        let time = now()
        let text = state.withLock { state -> String? in
            if state.start == nil {
                state.start = time
                state.firstCompleted = step.completed
            }
            let isLast = step.completed >= step.total ?? .max
            let pause: Double
            switch mode {
            case .animated: pause = Self.shortestRedraw
            case .plain(let interval): pause = interval
            case .silent: return nil
            }
            let isFirst = state.lastShown == nil
            // A plain line says nothing of a task that is over at once.
            if isFirst, case .plain = mode { state.lastShown = time }
            if let last = state.lastShown, time - last < pause, !(isLast && state.isAnnounced) { return nil }
            state.lastShown = time
            state.isAnnounced = true
            let elapsed = time - (state.start ?? time)
            let rate = elapsed > 0 ? Double(step.completed - state.firstCompleted) / elapsed : 0
            let left = step.total.flatMap { rate > 0 ? Double(max(0, $0 - step.completed)) / rate : nil }
            switch mode {
            case .animated(let width, let style):
                state.line = animatedLine(step, left: left, width: width, style: style)
                state.isDrawn = true
                return Self.erase + state.line
            case .plain:
                return plainLine(step, left: left) + "\n"
            case .silent:
                return nil
            }
        }
        if let text { write(text) }
    }

    /// Prints a line of its own without disturbing the progress.
    public func note(_ message: String) {
        if mode == .silent { return }
        let (isDrawn, line) = state.withLock { ($0.isDrawn, $0.line) }
        write((isDrawn ? Self.erase : "") + message + "\n" + (isDrawn ? line : ""))
    }

    /// Takes the line away.
    public func finish() {
        let isDrawn = state.withLock { state -> Bool in
            defer { state.isDrawn = false }
            return state.isDrawn
        }
        if isDrawn { write(Self.erase) }
    }

    /// Back to the line's beginning, and everything after it away.
    private static let erase = "\r\u{1B}[K"

    private func plainLine(_ step: Step, left: Double?) -> String {
        var parts = [label, counted(step)]
        parts += step.figures.map { "\($0.name) \($0.text)" }
        if let left, left > 0 { parts.append("\(FigureFormat.duration.text(left)) left") }
        return parts.map(TerminalText.visible).joined(separator: "  ")
    }

    private func counted(_ step: Step) -> String {
        guard let total = step.total else { return FigureFormat.count.text(step.completed) }
        return "\(FigureFormat.count.text(step.completed))/\(FigureFormat.count.text(total))"
    }

    private func animatedLine(_ step: Step, left: Double?, width: Int, style: TerminalStyle) -> String {
        var tail = "  " + counted(step)
        for figure in step.figures { tail += "  \(figure.name) \(figure.text)" }
        if let left, left >= 1 { tail += "  \(FigureFormat.duration.text(left)) left" }
        tail = TerminalText.visible(tail)
        let head = TerminalText.visible(label)
        // The last column stays free: some terminals wrap when it is written.
        let room = width - 1
        let barWidth = min(30, room - head.displayWidth - tail.displayWidth - 1)
        guard let total = step.total, total > 0, barWidth >= 8 else {
            return (head + tail).truncated(toWidth: room)
        }
        let fraction = min(max(Double(step.completed) / Double(total), 0), 1)
        let filled = Int(fraction * Double(barWidth))
        return head + " " + style.paint(String(repeating: "━", count: filled), .good)
            + style.paint(String(repeating: "─", count: barWidth - filled), .faint) + tail
    }
}
