extension TokenHeat {
    /// The passages as HTML: a span for each token, coloured by the first measure that has a scale. The page's script
    /// shows all measures of the token under the pointer, and colours by another measure on request.
    func html() -> String {
        let first = firstColoured
        var text = "<div class=\"heat\">\n<div class=\"controls\">"
        for (index, measure) in measures.enumerated() where measure.scale != nil {
            text += Markup.element(
                "button",
                ["type": "button", "data-measure": "\(index)", "aria-pressed": index == first ? "true" : "false"],
                Markup.escape(measure.name))
        }
        text += "</div>\n"
        for (index, measure) in measures.enumerated() {
            guard let scale = measure.scale else { continue }
            text += legend(measure, scale, index: index, isShown: index == first)
        }
        let ranges = measures.indices.map { index in
            PackedRange(
                passages.flatMap { $0.tokens.compactMap { $0.values.indices.contains(index) ? $0.values[index] : nil } }
            )
        }
        let explained = zip(measures, ranges).map { measure, range in
            Markup.element(
                "dt", ["data-range": range.text, "data-scale": measure.scale.map(PackedRange.text) ?? ""],
                Markup.escape(measure.name)) + Markup.element("dd", [:], Markup.escape(measure.explanation))
        }
        text += Markup.element(
            "details", ["class": "measures"],
            Markup.element("summary", [:], "What is measured")
                + Markup.element("dl", [:], explained.joined(separator: "\n")))
        text += "\n"
        for (index, passage) in passages.enumerated() {
            text += html(of: passage, coloured: first, ranges: ranges, isOpen: index < Self.openPassageCount)
        }
        return text + "</div>"
    }

    private func legend(_ measure: Measure, _ scale: HeatScale, index: Int, isShown: Bool) -> String {
        let swatches = (0..<HeatScale.levelCount).map { "<i class=\"q\($0)\"></i>" }.joined()
        let ends = measure.ends(of: scale).map { Markup.element("span", [:], Markup.escape($0)) }
        let content =
            Markup.element("b", [:], Markup.escape(measure.name))
            + "<span class=\"ramp\"><span class=\"swatches\" aria-hidden=\"true\">\(swatches)</span>"
            + "<span class=\"ends\">\(ends.joined())</span></span>"
            + (hasMarks ? "<span class=\"sample\"><span class=\"mark\">7</span> critical token</span>" : "")
        return "<div class=\"legend\" data-measure=\"\(index)\"\(isShown ? "" : " hidden")>\(content)</div>\n"
    }

    private var hasMarks: Bool { passages.contains { $0.tokens.contains { $0.mark != nil } } }

    /// So many passages are unfolded at first.
    private static let openPassageCount = 6

    /// A passage. Neighbours of one colour share a span; the script takes them apart, so that a page of many tokens stays
    /// small: `data-packed` has the values of all tokens (``PackedRange``), `data-notes` what only some of them have.
    private func html(of passage: Passage, coloured: Int?, ranges: [PackedRange], isOpen: Bool) -> String {
        var prompt = ""
        var body = ""
        var lengths: [Int] = []
        var packed = ""
        var notes: [String] = []
        var open: String?
        func close() {
            if open?.isEmpty == false { body += "</span>" }
            open = nil
        }
        for (_, token) in Self.pieces(of: passage) {
            let (shown, endsLine) = Self.shown(token.text)
            if token.values.isEmpty, token.mark == nil {
                // A line end that nobody measured needs no sign.
                let text = Markup.escape(endsLine ? String(shown.dropLast()) : shown) + (endsLine ? "\n" : "")
                if lengths.isEmpty { prompt += text } else { body += text }
                continue
            }
            let level = coloured.flatMap { self.level(of: token, in: $0) } ?? 0
            let classes = (level > 0 ? "q\(level)" : "") + (token.mark == nil ? "" : level > 0 ? " mark" : "mark")
            if open != classes || token.mark != nil {
                close()
                open = classes
                if !classes.isEmpty {
                    body += "<span class=\"\(classes)\""
                    if let mark = token.mark { body += " title=\"\(Markup.escape(mark))\"" }
                    body += ">"
                }
            }
            body += Markup.escape(shown)
            if endsLine {
                // A line end stays outside, so that its background does not run to the margin.
                close()
                body += "\n"
            }
            if !token.note.isEmpty || token.mark != nil {
                notes.append([String(lengths.count), token.mark ?? "", token.note].joined(separator: "\t"))
            }
            lengths.append(shown.utf16.count)
            for (index, range) in ranges.enumerated() {
                packed += range.packed(token.values.indices.contains(index) ? token.values[index] : .nan)
            }
        }
        close()
        let text =
            (prompt.isEmpty ? "" : "<span class=\"prompt\">\(prompt)</span>")
            + Markup.element(
                "span",
                [
                    "class": "body", "data-packed": packed,
                    "data-lengths": lengths.allSatisfy { $0 == 1 }
                        ? "" : lengths.map(String.init).joined(separator: " "),
                    "data-notes": notes.joined(separator: "\n"),
                ], body)
        let summary =
            Markup.escape(passage.title)
            + (passage.detail.isEmpty ? "" : " " + Markup.element("small", [:], Markup.escape(passage.detail)))
        return "<details class=\"passage\"\(isOpen ? " open" : "")>" + Markup.element("summary", [:], summary)
            + Markup.element(
                "div", ["class": "tokens", "tabindex": "0", "role": "group", "aria-label": passage.title], text)
            + "</details>\n"
    }
}

/// How a page packs a measure's values: two characters each, 4,094 steps from the least to the greatest, of equal ratio
/// where all are positive and span more than a factor of twenty. `~~` stands for none.
struct PackedRange {
    private let lower: Double
    private let upper: Double
    private let isLogarithmic: Bool
    private static let stepCount = 4094
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    /// Below the greatest by so many orders of magnitude, values count as the least.
    private static let decades = 9

    init(_ values: [Double]) {
        let finite = values.filter(\.isFinite)
        let greatest = finite.max() ?? 1
        let least = finite.min() ?? 0
        isLogarithmic = least >= 0 && greatest > 0 && least < greatest / 20
        var floor = greatest
        for _ in 0..<Self.decades { floor /= 10 }
        lower = isLogarithmic ? max(least, floor) : least
        upper = greatest
    }

    /// For the script: transform and both ends.
    var text: String { "\(isLogarithmic ? "log" : "lin") \(lower) \(upper)" }

    /// The same of a scale of colours.
    static func text(_ scale: HeatScale) -> String {
        "\(scale.transform == .logarithmic ? "log" : "lin") \(scale.lower) \(scale.upper)"
    }

    /// A value in two characters.
    func packed(_ value: Double) -> String {
        guard value.isFinite else { return "~~" }
        var share = 0.0
        if upper > lower, value > lower {
            share =
                isLogarithmic ? logarithm(value / lower) / logarithm(upper / lower) : (value - lower) / (upper - lower)
        }
        let step = Int((min(max(share, 0), 1) * Double(Self.stepCount)).rounded())
        return String([Self.digits[step / 64], Self.digits[step % 64]])
    }
}
