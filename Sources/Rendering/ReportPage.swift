/// A report: one page that says everything it needs with nothing but itself, without a network.
///
/// All texts are plain; whatever they hold is shown as it is, never taken for markup.
public struct ReportPage: Sendable {
    /// What made the page, in small letters above the title: `crux kl`.
    public var kicker: String
    /// The title.
    public var title: String
    /// What the page says in a sentence or two.
    public var summary: String
    /// The figures that matter most.
    public var cards: [ReportCard]
    /// The sections, in order.
    public var sections: [ReportSection]
    /// The last line: which version of which program.
    public var footer: String

    /// A page.
    public init(
        kicker: String, title: String, summary: String = "", cards: [ReportCard] = [], sections: [ReportSection] = [],
        footer: String = ""
    ) {
        self.kicker = kicker
        self.title = title
        self.summary = summary
        self.cards = cards
        self.sections = sections
        self.footer = footer
    }
}

/// A figure that stands out at the top of a page.
public struct ReportCard: Hashable, Sendable {
    /// What it is.
    public var label: String
    /// The figure.
    public var value: String
    /// How to read it.
    public var detail: String
    /// Whether it is good or bad news.
    public var tone: Tone
    /// The course of the figure, drawn small; empty for none.
    public var trend: [Double]

    /// A figure.
    public init(_ label: String, value: String, detail: String = "", tone: Tone = .plain, trend: [Double] = []) {
        self.label = label
        self.value = value
        self.detail = detail
        self.tone = tone
        self.trend = trend
    }
}

/// A part of a page under its own heading.
public struct ReportSection: Sendable {
    /// The heading.
    public var title: String
    /// What the section shows and how to read it.
    public var introduction: String
    /// Its content, from top to bottom.
    public var blocks: [ReportBlock]

    /// A section.
    public init(_ title: String, introduction: String = "", blocks: [ReportBlock]) {
        self.title = title
        self.introduction = introduction
        self.blocks = blocks
    }
}

/// A piece of a section.
public enum ReportBlock: Sendable {
    /// Running text.
    case paragraph(String)
    /// A heading inside the section.
    case heading(String)
    /// A chart under its title, with a caption.
    case figure(any Chart, caption: String = "")
    /// Charts side by side where there is room.
    case figures([any Chart])
    /// A table.
    case table(ReportTable)
    /// Texts coloured token by token.
    case tokens(TokenHeat)
    /// Names and values: configuration, digests.
    case facts([ReportFact])
    /// Text to be read as it stands: command lines, configuration files.
    case code(String)
    /// What the reader should keep in mind: limits, doubts, choices.
    case notes([String])
    /// One of several states of the same thing at a time, such as checkpoints of a run, chosen with a slider; without
    /// the page's script they stand below each other. The last one is shown at first.
    indirect case steps(label: String, [ReportStep])
    /// Blocks that are folded away under a line of text.
    indirect case details(summary: String, [ReportBlock])
}

/// One state of something that a reader leafs through.
public struct ReportStep: Sendable {
    /// What it is: `step 40`.
    public var name: String
    /// Its content.
    public var blocks: [ReportBlock]

    /// A state.
    public init(_ name: String, _ blocks: [ReportBlock]) {
        self.name = name
        self.blocks = blocks
    }
}

/// A name and its value.
public struct ReportFact: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The value.
    public var value: String
    /// Whether the value is set in the typewriter face: digests, paths, numbers of a configuration.
    public var isCode: Bool

    /// A fact.
    public init(_ name: String, _ value: String, isCode: Bool = false) {
        self.name = name
        self.value = value
        self.isCode = isCode
    }
}

/// A table of a page.
public struct ReportTable: Hashable, Sendable {
    /// One column.
    public struct Column: Hashable, Sendable {
        /// The heading.
        public var title: String
        /// Which side the cells stand on.
        public var alignment: ColumnAlignment
        /// Whether the cells are set in the typewriter face.
        public var isCode: Bool

        /// A column.
        public init(_ title: String, _ alignment: ColumnAlignment = .left, isCode: Bool = false) {
            self.title = title
            self.alignment = alignment
            self.isCode = isCode
        }
    }

    /// One cell.
    public struct Cell: Hashable, Sendable, ExpressibleByStringInterpolation {
        /// What it says.
        public var text: String
        /// What it is sorted by; nil to sort by the text.
        public var sortKey: Double?
        /// The length of a bar behind the text, 0 … 1; nil for none.
        public var bar: Double?
        /// Good or bad news.
        public var tone: Tone

        /// A text.
        public init(_ text: String, sortKey: Double? = nil, bar: Double? = nil, tone: Tone = .plain) {
            self.text = text
            self.sortKey = sortKey
            self.bar = bar
            self.tone = tone
        }

        /// A number and its format; sorts by the number.
        public init(_ value: Double?, _ format: FigureFormat, bar: Double? = nil, tone: Tone = .plain) {
            self.init(format.text(value), sortKey: value, bar: bar, tone: tone)
        }

        /// A plain text.
        public init(stringLiteral value: String) { self.init(value) }
    }

    /// What the table shows; empty when the section says it.
    public var caption: String
    /// The columns.
    public var columns: [Column]
    /// The rows.
    public var rows: [[Cell]]
    /// Whether the reader may sort it by a click on a heading.
    public var isSortable: Bool

    /// A table.
    public init(caption: String = "", columns: [Column], rows: [[Cell]], isSortable: Bool = false) {
        self.caption = caption
        self.columns = columns
        self.rows = rows
        self.isSortable = isSortable
    }
}
