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

    @Test("Each token is a span with its levels and values")
    func html() throws {
        let page = ReportPage(kicker: "", title: "t", sections: [.init("s", blocks: [.tokens(heat)])])
        let html = try page.html()
        #expect(
            html.contains(
                "<span class=\"prompt\">Input:\n1+1\n</span><span class=\"q0\" data-at=\"1\" data-levels=\"0-\""))
        #expect(
            html.contains(
                "<span class=\"qe mark\"".replacing("qe", with: "q14")
                    + " data-at=\"2\" data-levels=\"e-\" data-values=\"0.900|0.200\" data-mark=\"step 1\">2</span>"))
        #expect(html.contains("data-values=\"–|0.300\">↵</span>\n"))
    }
}
