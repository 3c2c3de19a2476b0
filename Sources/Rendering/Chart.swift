/// Something drawn as SVG.
public protocol Chart: Sendable {
    /// What it shows.
    var title: String { get }

    /// The drawing.
    func svg(_ placement: ChartPlacement) -> String
}

/// Where a chart's drawing is going to stand.
public enum ChartPlacement: Hashable, Sendable {
    /// In a report page, which has the style and shows the title, as wide as the page.
    case inline
    /// In a report page, beside another chart.
    case half
    /// In a file of its own, with style and title.
    case standalone

    /// The drawing's width in its own pixels.
    var width: Double { self == .half ? 460 : 880 }
}

/// A drawing under way: elements in the order they are painted.
struct Canvas {
    let width: Double
    private(set) var height: Double
    private var elements: [String] = []

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    mutating func add(_ element: String) { elements.append(element) }

    mutating func grow(toHeight height: Double) { self.height = height }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String) {
        add(
            Markup.element(
                "line",
                [
                    "class": name, "x1": Markup.coordinate(x1), "y1": Markup.coordinate(y1),
                    "x2": Markup.coordinate(x2), "y2": Markup.coordinate(y2),
                ]))
    }

    mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, class name: String, hover: String? = nil,
        radius: Double = 0
    ) {
        let content = hover.map { Markup.element("title", [:], Markup.escape($0)) }
        add(
            Markup.element(
                "rect",
                [
                    "class": name, "x": Markup.coordinate(x), "y": Markup.coordinate(y),
                    "width": Markup.coordinate(max(width, 0)), "height": Markup.coordinate(max(height, 0)),
                    "rx": Markup.coordinate(radius),
                ], content))
    }

    mutating func circle(_ x: Double, _ y: Double, radius: Double, class name: String, hover: String? = nil) {
        let content = hover.map { Markup.element("title", [:], Markup.escape($0)) }
        add(
            Markup.element(
                "circle",
                [
                    "class": name, "cx": Markup.coordinate(x), "cy": Markup.coordinate(y),
                    "r": Markup.coordinate(radius),
                ], content))
    }

    /// Text at a baseline. `anchor` is SVG's: start, middle, end.
    mutating func text(
        _ text: String, _ x: Double, _ y: Double, anchor: String = "start", class name: String = "label",
        rotation: Double? = nil, hover: String? = nil
    ) {
        guard !text.isEmpty else { return }
        var content = Markup.escape(text)
        if let hover { content += Markup.element("title", [:], Markup.escape(hover)) }
        let turn = rotation.map {
            "rotate(\(Markup.coordinate($0)) \(Markup.coordinate(x)) \(Markup.coordinate(y)))"
        }
        if let turn {
            add(
                Markup.element(
                    "text",
                    [
                        "class": name, "x": Markup.coordinate(x), "y": Markup.coordinate(y), "text-anchor": anchor,
                        "transform": turn,
                    ], content))
        } else {
            add(
                Markup.element(
                    "text",
                    ["class": name, "x": Markup.coordinate(x), "y": Markup.coordinate(y), "text-anchor": anchor],
                    content))
        }
    }

    /// A legend in rows from `x`, wrapped at `limit`; returns the height it took.
    mutating func legend(_ names: [(name: String, class: String, isDashed: Bool)], x: Double, y: Double, limit: Double)
        -> Double
    {
        var (left, baseline) = (x, y + 11)
        for entry in names {
            let width = 26 + Self.width(of: entry.name) + 16
            if left > x, left + width > limit {
                left = x
                baseline += 18
            }
            line(
                left, baseline - 4, left + 18, baseline - 4,
                class: "curve \(entry.class)" + (entry.isDashed ? " dashed" : ""))
            text(entry.name, left + 24, baseline)
            left += width
        }
        return names.isEmpty ? 0 : baseline - y + 9
    }

    /// About how wide a character is drawn at the charts' size of type.
    static let columnWidth = 7.2

    /// About how wide a text is drawn.
    static func width(of text: String) -> Double { Double(text.displayWidth) * columnWidth }

    /// The whole drawing.
    func document(_ placement: ChartPlacement, title: String) -> String {
        let width = Markup.coordinate(width)
        let height = Markup.coordinate(height)
        let body = elements.joined(separator: "\n")
        switch placement {
        case .inline, .half:
            return Markup.element(
                "svg",
                ["class": "chart", "role": "img", "aria-label": title, "viewBox": "0 0 \(width) \(height)"],
                "\n" + body + "\n")
        case .standalone:
            let style = Markup.element("style", [:], ChartStyle.variables + ChartStyle.rules)
            let backdrop = Markup.element("rect", ["class": "backdrop", "width": width, "height": height])
            return Markup.element(
                "svg",
                [
                    "xmlns": "http://www.w3.org/2000/svg", "class": "chart", "role": "img", "aria-label": title,
                    "width": width, "height": height, "viewBox": "0 0 \(width) \(height)",
                ], "\n" + style + backdrop + "\n" + body + "\n") + "\n"
        }
    }
}
