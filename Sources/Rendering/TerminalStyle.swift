/// What the place that text goes to can show. The executable makes one for each stream and hands it down; nothing else
/// asks the environment.
public struct TerminalStyle: Hashable, Sendable {
    /// How many colours may be used.
    public enum ColourDepth: Hashable, Sendable {
        /// No escape sequences at all.
        case none
        /// The xterm palette.
        case palette256
        /// 24-bit colours.
        case full
    }

    /// The colours that may be used.
    public var colours: ColourDepth
    /// Whether a line may be rewritten in place.
    public var allowsAnimation: Bool
    /// The number of columns; nil when unlimited (a file, a pipe).
    public var width: Int?

    /// A file or a pipe: no colours, no limit.
    public static let plain = TerminalStyle(colours: .none, allowsAnimation: false, width: nil)

    /// A style with everything said.
    public init(colours: ColourDepth, allowsAnimation: Bool, width: Int?) {
        self.colours = colours
        self.allowsAnimation = allowsAnimation
        self.width = width
    }

    /// The style for a stream: whether it is a terminal and how wide, and what the environment asks for.
    ///
    /// `NO_COLOR` (not empty) and `TERM=dumb` switch colours off; `CLICOLOR_FORCE` (neither empty nor 0) switches them
    /// on for a pipe.
    public init(isTerminal: Bool, environment: [String: String], width: Int?) {
        let terminal = environment["TERM"] ?? ""
        let isDumb = terminal == "dumb" || terminal.isEmpty
        let refuses = !(environment["NO_COLOR"] ?? "").isEmpty
        let force = environment["CLICOLOR_FORCE"] ?? ""
        let isForced = !force.isEmpty && force != "0"
        if refuses || !(isForced || (isTerminal && !isDumb)) {
            colours = .none
        } else {
            let colour = environment["COLORTERM"] ?? ""
            colours = colour == "truecolor" || colour == "24bit" ? .full : .palette256
        }
        allowsAnimation = isTerminal && !isDumb
        self.width = isTerminal ? width.map { max($0, 20) } : nil
    }

    /// The text in a tone, when colours are on.
    public func paint(_ text: String, _ tone: Tone) -> String {
        guard colours != .none, let code = tone.code, !text.isEmpty else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

/// What a piece of text says beside its words; shown by colour where there is any.
public enum Tone: Hashable, Sendable {
    /// Ordinary text.
    case plain
    /// Headings.
    case strong
    /// Text of lesser weight.
    case faint
    /// Something is as it should be.
    case good
    /// Something needs a look.
    case warning
    /// Something is wrong.
    case bad

    /// The SGR parameters.
    var code: String? {
        switch self {
        case .plain: nil
        case .strong: "1"
        case .faint: "2"
        case .good: "32"
        case .warning: "33"
        case .bad: "1;31"
        }
    }
}
