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
        let explained = measures.map {
            Markup.element("dt", [:], Markup.escape($0.name)) + Markup.element("dd", [:], Markup.escape($0.explanation))
        }
        text += Markup.element(
            "details", ["class": "measures"],
            Markup.element("summary", [:], "What is measured")
                + Markup.element("dl", [:], explained.joined(separator: "\n")))
        text += "\n"
        for passage in passages { text += html(of: passage, coloured: first) }
        return text + "</div>"
    }

    private func legend(_ measure: Measure, _ scale: HeatScale, index: Int, isShown: Bool) -> String {
        let swatches = (0..<HeatScale.levelCount).map { "<i class=\"q\($0)\"></i>" }.joined()
        let ends = [scale.lower, scale.middle, scale.upper].map {
            Markup.element("span", [:], Markup.escape(measure.format.trimmedText($0)))
        }
        let content =
            Markup.element("b", [:], Markup.escape(measure.name))
            + "<span class=\"ramp\"><span class=\"swatches\" aria-hidden=\"true\">\(swatches)</span>"
            + "<span class=\"ends\">\(ends.joined())</span></span>"
            + (hasMarks ? "<span class=\"sample\"><span class=\"mark\">7</span> critical token</span>" : "")
        return "<div class=\"legend\" data-measure=\"\(index)\"\(isShown ? "" : " hidden")>\(content)</div>\n"
    }

    private var hasMarks: Bool { passages.contains { $0.tokens.contains { $0.mark != nil } } }

    private func html(of passage: Passage, coloured: Int?) -> String {
        var body = ""
        var isInPrompt = false
        for (position, token) in Self.pieces(of: passage) {
            let (shown, endsLine) = Self.shown(token.text)
            if token.values.isEmpty, token.mark == nil {
                if !isInPrompt { body += "<span class=\"prompt\">" }
                isInPrompt = true
                // A line end that nobody measured needs no sign.
                body += Markup.escape(endsLine ? String(shown.dropLast()) : shown) + (endsLine ? "\n" : "")
                continue
            }
            if isInPrompt { body += "</span>" }
            isInPrompt = false
            let level = coloured.flatMap { self.level(of: token, in: $0) }
            let levels = measures.indices.map { self.level(of: token, in: $0).map { String($0, radix: 16) } ?? "-" }
            let values = measures.indices.map { index -> String in
                guard token.values.indices.contains(index), !token.values[index].isNaN else {
                    return FigureFormat.missing
                }
                return measures[index].format.text(token.values[index])
            }
            let classes = (level.map { "q\($0)" } ?? "q0") + (token.mark == nil ? "" : " mark")
            body += "<span class=\"\(classes)\" data-at=\"\(position)\" data-levels=\"\(levels.joined())\""
            body += " data-values=\"\(values.joined(separator: "|"))\""
            if let mark = token.mark { body += " data-mark=\"\(Markup.escape(mark))\"" }
            if !token.note.isEmpty { body += " data-note=\"\(Markup.escape(token.note))\"" }
            // A line end stays outside, so that its background does not run to the margin.
            body += ">\(Markup.escape(shown))</span>" + (endsLine ? "\n" : "")
        }
        if isInPrompt { body += "</span>" }
        return "<article class=\"passage\">"
            + Markup.element(
                "h4", [:],
                Markup.escape(passage.title)
                    + (passage.detail.isEmpty ? "" : " " + Markup.element("small", [:], Markup.escape(passage.detail))))
            + Markup.element(
                "div", ["class": "tokens", "tabindex": "0", "role": "group", "aria-label": passage.title], body)
            + "</article>\n"
    }
}
