internal import Analysis
internal import Rendering

extension TensorSlice {
    /// The values for a terminal: a line a row, `…` where indices are left out, an empty line between matrices.
    var text: String {
        var lines = ["\(TerminalText.visible(name))  \(dtype)  \(Inspection.text(ofShape: shape))"]
        let columns = indices.last ?? [0]
        let cells = values.map { FigureFormat.significant(5).text($0) }
        let width = cells.map(\.displayWidth).max() ?? 0
        guard !columns.isEmpty else { return lines[0] + "\n" }
        let outer = Array(indices.dropLast())
        for row in 0..<(cells.count / columns.count) {
            // The row's place in each dimension but the last.
            var rest = row
            let place =
                outer.reversed().map { dimension in
                    defer { rest /= dimension.count }
                    return rest % dimension.count
                }.reversed() as [Int]
            if row > 0, let lastOuter = place.last {
                if lastOuter == 0, outer.count > 1 { lines.append("") }
                if lastOuter > 0, let dimension = outer.last, dimension[lastOuter] > dimension[lastOuter - 1] + 1 {
                    lines.append("…")
                }
            }
            var parts: [String] = []
            for (column, index) in columns.enumerated() {
                if column > 0, index > columns[column - 1] + 1 { parts.append("…") }
                let cell = cells[row * columns.count + column]
                parts.append(String(repeating: " ", count: max(0, width - cell.displayWidth)) + cell)
            }
            let label = zip(outer, place).map { "\($0[$1])" }.joined(separator: ", ")
            lines.append((label.isEmpty ? "" : "[\(label)]  ") + parts.joined(separator: "  "))
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
