/// Which side of its column a text stands on.
public enum ColumnAlignment: Hashable, Sendable {
    /// Texts.
    case left
    /// Numbers.
    case right
}

/// A table of text for the terminal: aligned columns, a header and a rule.
///
/// Control characters in cells are made visible. Columns are cut with `…` only when the style has a width: what goes
/// into a pipe is whole.
public struct TextTable: Hashable, Sendable {
    /// One column.
    public struct Column: Hashable, Sendable {
        /// The heading.
        public var title: String
        /// Which side the cells stand on.
        public var alignment: ColumnAlignment
        /// What is kept when the column must give way to a narrow terminal; nil for a column that never does.
        public var truncation: TruncationEnd?

        /// A column with its heading.
        public init(_ title: String, _ alignment: ColumnAlignment = .left, truncation: TruncationEnd? = nil) {
            self.title = title
            self.alignment = alignment
            self.truncation = truncation
        }
    }

    /// One cell: a text and its tone.
    public struct Cell: Hashable, Sendable, ExpressibleByStringInterpolation {
        /// The text.
        public var text: String
        /// Its tone.
        public var tone: Tone

        /// A text in a tone.
        public init(_ text: String, _ tone: Tone = .plain) {
            self.text = text
            self.tone = tone
        }

        /// A plain text.
        public init(stringLiteral value: String) { self.init(value) }
    }

    /// The columns, from left to right.
    public var columns: [Column]
    /// The rows; a row shorter than the columns is filled with empty cells, a longer one is cut.
    public var rows: [[Cell]]
    /// Whether the headings and the rule are printed.
    public var showsHeader: Bool

    /// A table.
    public init(columns: [Column], rows: [[Cell]] = [], showsHeader: Bool = true) {
        self.columns = columns
        self.rows = rows
        self.showsHeader = showsHeader
    }

    private static let gap = 2
    private static let narrowest = 8

    /// The table's lines, each ended by a newline and without trailing spaces.
    public func text(style: TerminalStyle = .plain) -> String {
        guard !columns.isEmpty else { return "" }
        let cells = rows.map { row in
            columns.indices.map { index -> Cell in
                guard row.indices.contains(index) else { return "" }
                return Cell(TerminalText.visible(row[index].text), row[index].tone)
            }
        }
        let widths = fittedWidths(naturalWidths(of: cells), to: style.width)
        var lines: [String] = []
        if showsHeader {
            lines.append(line(columns.map { Cell($0.title, .strong) }, widths, style))
            lines.append(line(widths.map { Cell(String(repeating: "─", count: $0), .faint) }, widths, style))
        }
        for row in cells { lines.append(line(row, widths, style)) }
        return lines.map { $0 + "\n" }.joined()
    }

    private func naturalWidths(of cells: [[Cell]]) -> [Int] {
        columns.indices.map { index in
            let header = showsHeader ? columns[index].title.displayWidth : 0
            return cells.reduce(header) { max($0, $1[index].text.displayWidth) }
        }
    }

    /// Takes what is too much from the widest column that may shrink, a column at a time.
    private func fittedWidths(_ natural: [Int], to limit: Int?) -> [Int] {
        guard let limit else { return natural }
        var widths = natural
        var excess = widths.reduce(0, +) + Self.gap * (widths.count - 1) - limit
        while excess > 0 {
            let shrinkable = widths.indices.filter { columns[$0].truncation != nil && widths[$0] > Self.narrowest }
            guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { break }
            let next = shrinkable.filter { $0 != widest }.map { widths[$0] }.max() ?? Self.narrowest
            let taken = min(excess, max(1, widths[widest] - max(next, Self.narrowest)))
            widths[widest] -= taken
            excess -= taken
        }
        return widths
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ style: TerminalStyle) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let text = cell.text.truncated(toWidth: widths[index], keeping: columns[index].truncation ?? .start)
            let spaces = String(repeating: " ", count: max(0, widths[index] - text.displayWidth))
            if index > 0 { line += String(repeating: " ", count: Self.gap) }
            if columns[index].alignment == .right { line += spaces }
            line += style.paint(text, cell.tone)
            if columns[index].alignment == .left { line += spaces }
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}
