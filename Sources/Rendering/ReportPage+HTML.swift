internal import Mustache

extension ReportPage {
    /// The page as HTML.
    public func html() throws(ReportError) -> String {
        let template: MustacheTemplate
        do {
            template = try MustacheTemplate(string: ReportTemplate.page)
        } catch {
            throw ReportError(description: "the report's template cannot be read: \(error)")
        }
        let names = Self.anchors(of: sections)
        // Everything is escaped here, and the template prints it as it is: the template engine's own escaping compares
        // characters, which a combining mark changes (see `Markup.escape`).
        let cards = cards.map { card -> [String: Any] in
            [
                "label": Markup.escape(card.label), "value": Markup.prose(card.value),
                "detail": Markup.prose(card.detail), "tone": card.tone.className,
                "trend": card.trend.isEmpty ? "" : Self.trend(card.trend),
            ]
        }
        let sections = zip(sections, names).map { section, name -> [String: Any] in
            [
                "name": name, "title": Markup.escape(section.title),
                "introduction": Markup.prose(section.introduction),
                "body": section.blocks.map { $0.html() }.joined(separator: "\n"),
            ]
        }
        return template.render([
            "policy": ReportTemplate.contentPolicy, "kicker": Markup.escape(kicker), "title": Markup.escape(title),
            "summary": Markup.prose(summary), "hasCards": !cards.isEmpty, "cards": cards,
            "hasContents": sections.count > 2, "sections": sections, "footer": Markup.escape(footer),
            "style": ChartStyle.variables + ChartStyle.rules + ReportTemplate.style, "script": ReportTemplate.script,
        ])
    }

    /// A name for each section's anchor, made of its title's letters and digits.
    private static func anchors(of sections: [ReportSection]) -> [String] {
        var used: Set<String> = []
        return sections.enumerated().map { index, section in
            var name = ""
            for scalar in section.title.lowercased().unicodeScalars {
                if scalar.isASCII, scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                    name.unicodeScalars.append(scalar)
                } else if !name.hasSuffix("-"), !name.isEmpty {
                    name += "-"
                }
            }
            if name.isEmpty || !used.insert(name).inserted { name = "section-\(index + 1)" }
            used.insert(name)
            return name
        }
    }

    /// The small curve of a card.
    private static func trend(_ values: [Double]) -> String {
        let finite = values.filter(\.isFinite)
        guard let least = finite.min(), let greatest = finite.max(), values.count > 1 else { return "" }
        let extent = greatest / 2 - least / 2
        let points = values.enumerated().compactMap { index, value -> String? in
            guard value.isFinite else { return nil }
            let x = Double(index) / Double(values.count - 1) * 116 + 2
            let y = extent > 0 ? 26 - (value / 2 - least / 2) / extent * 24 : 14
            return "\(Markup.coordinate(x)) \(Markup.coordinate(y))"
        }
        return Markup.element(
            "svg",
            ["class": "trend", "viewBox": "0 0 120 28", "preserveAspectRatio": "xMinYMid", "aria-hidden": "true"],
            Markup.element("path", ["d": "M" + points.joined(separator: "L")]))
    }
}

/// A report could not be written as a page.
public struct ReportError: Error, CustomStringConvertible {
    /// What went wrong.
    public let description: String
}

extension Tone {
    /// The class of the page's style sheet.
    var className: String {
        switch self {
        case .plain: "plain"
        case .strong: "strong"
        case .faint: "quiet"
        case .good: "good"
        case .warning: "warning"
        case .bad: "bad"
        }
    }
}
