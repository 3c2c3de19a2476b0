/// Texts whose tokens carry measures, such as a divergence, to be shown as colours over the text.
public struct TokenHeat: Hashable, Sendable {
    /// Something measured at every token.
    public struct Measure: Hashable, Sendable {
        /// Its name, with direction and estimator where it is a divergence.
        public var name: String
        /// What it means, in a sentence.
        public var explanation: String
        /// How its values become colours; nil for one that is only told, not coloured.
        public var scale: HeatScale?
        /// How its values are written.
        public var format: FigureFormat

        /// A measure.
        public init(
            _ name: String, explanation: String = "", scale: HeatScale? = nil, format: FigureFormat = .significant(3)
        ) {
            self.name = name
            self.explanation = explanation
            self.scale = scale
            self.format = format
        }

        /// What a legend says of the lowest, the middle and the highest colour.
        func ends(of scale: HeatScale) -> [String] {
            [
                (scale.transform == .logarithmic ? "≤ " : "") + format.trimmedText(scale.lower),
                format.trimmedText(scale.middle), (scale.isCutAtTop ? "≥ " : "") + format.trimmedText(scale.upper),
            ]
        }
    }

    /// One token of a passage.
    public struct Token: Hashable, Sendable {
        /// Its text, as it stands in the passage.
        public var text: String
        /// One value for each measure; not a number where there is none. Empty for a token that was not measured,
        /// such as one of the prompt.
        public var values: [Double]
        /// Why this token matters, when it is a critical one; else nil.
        public var mark: String?
        /// What else there is to say about it; empty for nothing.
        public var note: String

        /// A token and its values.
        public init(_ text: String, values: [Double] = [], mark: String? = nil, note: String = "") {
            self.text = text
            self.values = values
            self.mark = mark
            self.note = note
        }
    }

    /// A text of tokens.
    public struct Passage: Hashable, Sendable {
        /// What the text is.
        public var title: String
        /// Facts about it: its mean divergence, whether its answer was right.
        public var detail: String
        /// Its tokens, in order.
        public var tokens: [Token]

        /// A passage.
        public init(title: String, detail: String = "", tokens: [Token]) {
            self.title = title
            self.detail = detail
            self.tokens = tokens
        }
    }

    /// A passage's tokens with their positions, those without measures cut after each line end, so that a prompt keeps
    /// its lines.
    static func pieces(of passage: Passage) -> [(position: Int, token: Token)] {
        passage.tokens.enumerated().flatMap { position, token -> [(position: Int, token: Token)] in
            guard token.values.isEmpty, token.mark == nil, token.text.contains(where: \.isNewline) else {
                return [(position, token)]
            }
            var lines = [""]
            for character in token.text {
                lines[lines.count - 1].append(character)
                if character.isNewline { lines.append("") }
            }
            return lines.filter { !$0.isEmpty }.map { (position, Token($0, note: token.note)) }
        }
    }

    /// What is measured; the first one with a scale gives the colours at first.
    public var measures: [Measure]
    /// The texts.
    public var passages: [Passage]

    /// Texts with measures.
    public init(measures: [Measure], passages: [Passage]) {
        self.measures = measures
        self.passages = passages
    }

    /// The place of the measure that colours at first.
    var firstColoured: Int? { measures.firstIndex { $0.scale != nil } }

    /// The level of a token in a measure; nil when it was not measured.
    func level(of token: Token, in measure: Int) -> Int? {
        guard measures.indices.contains(measure), token.values.indices.contains(measure) else { return nil }
        return measures[measure].scale?.level(of: token.values[measure])
    }

    /// What stands for a token on the page or the terminal, and whether a line ends after it.
    static func shown(_ text: String) -> (text: String, endsLine: Bool) {
        let endsLine = text.hasSuffix("\n") || text.hasSuffix("\r\n")
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "↵"
            case "\t": result += "⇥"
            case "\r": result += "␍"
            default:
                if scalar.value < 0x20 {
                    result.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value) ?? "�")
                } else {
                    result += TerminalText.visible(String(scalar))
                }
            }
        }
        return (result, endsLine)
    }
}
