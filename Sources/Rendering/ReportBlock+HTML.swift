extension ReportBlock {
    /// The block as HTML.
    func html() -> String {
        switch self {
        case .paragraph(let text):
            Markup.element("p", [:], Markup.prose(text))
        case .heading(let text):
            Markup.element("h3", [:], Markup.escape(text))
        case .figure(let chart, let caption):
            Self.figure(chart, caption: caption)
        case .figures(let charts):
            Markup.element(
                "div", ["class": "pair"], charts.map { Self.figure($0, caption: "", placement: .half) }.joined())
        case .table(let table):
            table.html()
        case .tokens(let heat):
            heat.html()
        case .facts(let facts):
            Markup.element(
                "dl", ["class": "facts"],
                facts.map {
                    Markup.element("dt", [:], Markup.escape($0.name))
                        + Markup.element("dd", $0.isCode ? ["class": "code"] : [:], Markup.escape($0.value))
                }.joined(separator: "\n"))
        case .code(let text):
            Markup.element("pre", [:], Markup.element("code", [:], Markup.escape(text)))
        case .notes(let notes):
            Markup.element(
                "ul", ["class": "notes"], notes.map { Markup.element("li", [:], Markup.prose($0)) }.joined())
        case .steps(let label, let steps):
            Self.steps(label: label, steps)
        case .details(let summary, let blocks):
            Markup.element(
                "details", [:],
                Markup.element("summary", [:], Markup.escape(summary))
                    + blocks.map { $0.html() }.joined(separator: "\n"))
        }
    }

    /// The states below each other, each under its name; the page's script shows one at a time.
    private static func steps(label: String, _ steps: [ReportStep]) -> String {
        let panels = steps.map { step in
            Markup.element(
                "div", ["class": "step", "data-name": step.name],
                Markup.element("h3", ["class": "step-name"], Markup.escape(step.name))
                    + step.blocks.map { $0.html() }.joined(separator: "\n"))
        }
        return Markup.element(
            "div", ["class": "steps", "data-label": label], "\n" + panels.joined(separator: "\n") + "\n")
    }

    private static func figure(_ chart: any Chart, caption: String, placement: ChartPlacement = .inline) -> String {
        var text = Markup.element("h3", [:], Markup.escape(chart.title))
        text += Markup.element("div", ["class": "plot"], chart.svg(placement))
        if !caption.isEmpty { text += Markup.element("figcaption", [:], Markup.prose(caption)) }
        return Markup.element("figure", [:], text)
    }
}

extension ReportTable {
    /// The table as HTML.
    func html() -> String {
        let head = columns.map { column -> String in
            let title = Markup.escape(column.title)
            let content = isSortable ? Markup.element("button", ["type": "button"], title) : title
            return Markup.element(
                "th", ["scope": "col", "class": column.alignment == .right ? "right" : "left"], content)
        }
        let body = rows.map { row -> String in
            let cells = columns.indices.map { index -> String in
                let cell = row.indices.contains(index) ? row[index] : ""
                var classes = columns[index].alignment == .right ? "right" : "left"
                if columns[index].isCode { classes += " code" }
                if cell.tone != .plain { classes += " " + cell.tone.className }
                var content = Markup.escape(cell.text)
                if let bar = cell.bar, bar.isFinite {
                    let share = Markup.coordinate(min(max(bar, 0), 1) * 100)
                    content = Markup.element("span", ["class": "bar", "style": "--share:\(share)%"], content)
                }
                if let key = cell.sortKey, key.isFinite {
                    return Markup.element("td", ["class": classes, "data-key": "\(key)"], content)
                }
                return Markup.element("td", ["class": classes], content)
            }
            return Markup.element("tr", [:], cells.joined())
        }
        var text = ""
        if !caption.isEmpty { text += Markup.element("caption", [:], Markup.escape(caption)) }
        text += Markup.element("thead", [:], Markup.element("tr", [:], head.joined()))
        text += Markup.element("tbody", [:], "\n" + body.joined(separator: "\n") + "\n")
        return Markup.element(
            "div", ["class": "scroll"], Markup.element("table", isSortable ? ["class": "sortable"] : [:], text))
    }
}
