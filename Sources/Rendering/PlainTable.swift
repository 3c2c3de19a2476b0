/// A table for programs: a line of column names, then a line a row, cells apart by tabs.
///
/// A cell that is absent is empty; tabs, line ends and other control characters in texts are escaped (`\t`, `\n`); numbers
/// have all their digits and a point, whatever the locale.
public struct PlainTable: Hashable, Sendable {
    /// One cell.
    public struct Cell: Hashable, Sendable {
        /// The text as it is written.
        let text: String

        /// A text.
        public init(_ text: String?) { self.text = text.map(TerminalText.visible) ?? "" }
        /// A whole number.
        public init(_ number: Int?) { text = number.map { "\($0)" } ?? "" }
        /// A number: its shortest text that reads back as the same number, `inf` or `nan`.
        public init(_ number: Double?) { text = number.map { "\($0)" } ?? "" }
        /// Dimensions or an index, apart by commas.
        public init(_ numbers: [Int]) { text = numbers.map { "\($0)" }.joined(separator: ",") }
    }

    /// The names of the columns.
    public var columns: [String]
    /// The rows, with a cell for each column.
    public var rows: [[Cell]]

    /// A table.
    public init(columns: [String], rows: [[Cell]] = []) { (self.columns, self.rows) = (columns, rows) }

    /// The table's lines.
    public var text: String {
        ([columns.joined(separator: "\t")] + rows.map { $0.map(\.text).joined(separator: "\t") })
            .map { $0 + "\n" }.joined()
    }
}
