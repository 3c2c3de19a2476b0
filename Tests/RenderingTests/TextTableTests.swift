import Rendering
import Testing

@Suite("Tables for the terminal")
struct TextTableTests {
    let table = TextTable(
        columns: [.init("name", truncation: .both), .init("bytes", .right), .init("kind")],
        rows: [
            ["h.0.attn.c_attn.weight", "1,234", "weight"],
            [.init("wte", .strong), "7", ""],
        ])

    @Test("Columns are aligned and no line ends in spaces")
    func plain() {
        #expect(
            table.text() == """
                name                    bytes  kind
                ──────────────────────  ─────  ──────
                h.0.attn.c_attn.weight  1,234  weight
                wte                         7

                """)
    }

    @Test("A narrow terminal cuts the column that may be cut")
    func narrow() {
        let style = TerminalStyle(colours: .none, allowsAnimation: true, width: 30)
        #expect(
            table.text(style: style) == """
                name             bytes  kind
                ───────────────  ─────  ──────
                h.0.att….weight  1,234  weight
                wte                  7

                """)
    }

    @Test("Wide characters take two columns, combining marks none")
    func width() {
        let table = TextTable(columns: [.init("名前"), .init("n", .right)], rows: [["e\u{301}a", "1"], ["漢字漢", "22"]])
        #expect(
            table.text()
                == """
                名前     n
                ──────  ──
                éa       1
                漢字漢  22

                """.replacing("éa", with: "e\u{301}a"))
    }

    @Test("A name cannot drive the terminal")
    func hostile() {
        let table = TextTable(columns: [.init("n")], rows: [["\u{1B}[2Jx\n\u{202E}y"]], showsHeader: false)
        #expect(table.text() == "\\u{1B}[2Jx\\n\\u{202E}y\n")
    }

    @Test("Colours only where they are wanted")
    func colours() {
        let table = TextTable(columns: [.init("n")], rows: [[.init("bad", .bad)]], showsHeader: false)
        let style = TerminalStyle(colours: .palette256, allowsAnimation: true, width: 80)
        #expect(table.text(style: style) == "\u{1B}[1;31mbad\u{1B}[0m\n")
        #expect(table.text() == "bad\n")
    }

    @Test("Rows of the wrong length and tables without columns")
    func ragged() {
        #expect(
            TextTable(columns: [.init("a"), .init("b")], rows: [["1"], ["1", "2", "3"]]).text()
                == "a  b\n─  ─\n1\n1  2\n")
        #expect(TextTable(columns: [], rows: [["1"]]).text() == "")
    }
}

@Suite("What the terminal can show")
struct TerminalStyleTests {
    @Test(
        "Colours",
        arguments: [
            (true, ["TERM": "xterm"], TerminalStyle.ColourDepth.palette256),
            (true, ["TERM": "xterm", "COLORTERM": "truecolor"], .full),
            (true, ["TERM": "xterm", "NO_COLOR": "1"], .none),
            (true, ["TERM": "xterm", "NO_COLOR": ""], .palette256),
            (true, ["TERM": "dumb"], .none),
            (true, [:], .none),
            (false, ["TERM": "xterm"], .none),
            (false, ["TERM": "xterm", "CLICOLOR_FORCE": "1"], .palette256),
            (false, ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], .none),
        ])
    func colours(isTerminal: Bool, environment: [String: String], depth: TerminalStyle.ColourDepth) {
        #expect(TerminalStyle(isTerminal: isTerminal, environment: environment, width: 80).colours == depth)
    }

    @Test("No animation and no width where it is not a terminal")
    func plain() {
        let style = TerminalStyle(isTerminal: false, environment: ["TERM": "xterm"], width: 80)
        #expect(style == .plain)
        #expect(!TerminalStyle(isTerminal: true, environment: ["TERM": "dumb"], width: 80).allowsAnimation)
    }
}
