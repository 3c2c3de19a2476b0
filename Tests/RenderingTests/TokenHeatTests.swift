import Rendering
import Testing

@Suite("Token heat maps")
struct TokenHeatTests {
    let heat = TokenHeat(
        measures: [.init("KL(policy ‖ reference)", scale: .init(.linear, from: 0, to: 1)), .init("entropy")],
        passages: [
            .init(
                title: "Completion 1", detail: "right",
                tokens: [
                    .init("Input:\n1+1\n"), .init("=", values: [0, 0.1]),
                    .init("2", values: [0.9, 0.2], mark: "step 1"),
                    .init("\n", values: [.nan, 0.3]), .init("ab", values: [0.3, 0]),
                ])
        ])

    @Test("Bars and marks stand under the text where there are no colours")
    func plain() {
        #expect(
            heat.terminalText(style: .plain) == """
                Completion 1  right
                Input:
                1+1
                =2↵
                 █
                 ^
                ab
                ▃▃

                """)
    }

    @Test("Colours where there are some")
    func colours() {
        let text = heat.terminalText(style: .init(colours: .palette256, allowsAnimation: true, width: 40))
        #expect(text.contains("=\u{1B}[48;5;53;38;5;231;1;4m2\u{1B}[0m↵\n"))
        #expect(!text.contains("█"))
    }

    @Test("Tokens cannot drive the terminal")
    func hostile() {
        let heat = TokenHeat(
            measures: [], passages: [.init(title: "\u{1B}[31m", tokens: [.init("\u{1B}]0;x\u{7}\u{9B}2J")])])
        let text = heat.terminalText(style: .plain)
        #expect(!text.contains("\u{1B}") && !text.contains("\u{7}") && !text.contains("\u{9B}"))
    }

    @Test("Neighbours of one colour share a span; values are packed for the script")
    func html() throws {
        let page = ReportPage(kicker: "", title: "t", sections: [.init("s", blocks: [.tokens(heat)])])
        let html = try page.html()
        #expect(html.contains("<span class=\"prompt\">Input:\n1+1\n</span><span class=\"body\""))
        // Equal ratios over nine orders of magnitude below the greatest (0.9, 0.3): 0 is step 0, the greatest step 4094,
        // a third of it 4094 (1 − ln 3 / ln 10⁹) = 3877 = 60 · 64 + 37, two thirds 4014 = 62 · 64 + 46.
        #expect(html.contains("data-packed=\"AA8l_--u~~_-8lAA\""))
        #expect(html.contains("data-lengths=\"1 1 1 2\" data-notes=\"1\tstep 1\t\""))
        #expect(
            html.contains(">=<span class=\"q14 mark\" title=\"step 1\">2</span>↵\n<span class=\"q4\">ab</span></span>"))
    }
}
