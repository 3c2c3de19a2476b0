import Rendering
import Testing

@Suite("Report pages")
struct ReportPageTests {
    static let attacks = [
        "</script><img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "' onmouseover='alert(1)",
        // To Swift a quote or bracket with a combining mark is another character than the bare one.
        "\"\u{301} onmouseover=alert(1) x=", "<\u{301}img onerror=alert(1)>",
        ">\u{20DD}<script\u{301}>alert(1)</script>",
        "{{{script}}}{{#sections}}", "</style><style>*{display:none}", "\0<script>", "&lt;script&gt;", "]]><!--",
    ]

    static func page(_ text: String) -> ReportPage {
        let heat = TokenHeat(
            measures: [.init(text, explanation: text, scale: .init(.linear, from: 0, to: 1))],
            passages: [
                .init(
                    title: text, detail: text, tokens: [.init(text), .init(text, values: [1], mark: text, note: text)])
            ])
        let table = ReportTable(
            caption: text, columns: [.init(text), .init(text, .right, isCode: true)],
            rows: [[.init(text, bar: 2), .init(text, sortKey: .nan)], []], isSortable: true)
        return ReportPage(
            kicker: text, title: text, summary: text, cards: [.init(text, value: text, detail: text)],
            sections: (0..<3).map { _ in
                .init(
                    text, introduction: text,
                    blocks: [
                        .paragraph(text), .heading(text), .tokens(heat), .table(table), .code(text), .notes([text]),
                        .facts([.init(text, text), .init(text, text, isCode: true)]),
                        .figure(BarChart(title: text, valueLabel: text, groups: []), caption: text),
                        .details(summary: text, [.paragraph(text)]),
                    ])
            }, footer: text)
    }

    /// Names of the elements and attributes of a page, read as a browser does.
    static func vocabulary(of html: String) -> Set<String> {
        var names: Set<String> = []
        let bytes = Array(html.unicodeScalars)
        var index = 0
        func skipSpaces() { while index < bytes.count, " \n\t".unicodeScalars.contains(bytes[index]) { index += 1 } }
        func word(until stops: String) -> String {
            var text = ""
            while index < bytes.count, !stops.unicodeScalars.contains(bytes[index]) {
                text.unicodeScalars.append(bytes[index])
                index += 1
            }
            return text
        }
        while index < bytes.count {
            guard bytes[index] == "<", index + 1 < bytes.count,
                bytes[index + 1].properties.isAlphabetic || bytes[index + 1] == "/"
            else {
                index += 1
                continue
            }
            index += 1
            let element = word(until: " \n\t>")
            names.insert(element)
            skipSpaces()
            while index < bytes.count, bytes[index] != ">" {
                names.insert(element + " " + word(until: "= >\n\t"))
                if index < bytes.count, bytes[index] == "=" {
                    index += 1
                    if index < bytes.count, bytes[index] == "\"" {
                        index += 1
                        _ = word(until: "\"")
                        index += 1
                    } else {
                        _ = word(until: " >")
                    }
                }
                skipSpaces()
            }
            if element == "script" || element == "style" {
                // Raw text up to its own end.
                while index < bytes.count, !(bytes[index] == "<" && index + 1 < bytes.count && bytes[index + 1] == "/")
                { index += 1 }
            }
        }
        return names
    }

    @Test("No text from outside adds an element or an attribute", arguments: attacks)
    func escaping(attack: String) throws {
        let harmless = try Self.vocabulary(of: Self.page("harmless").html())
        let attacked = try Self.page(attack).html()
        #expect(Self.vocabulary(of: attacked).subtracting(harmless) == [])
        #expect(!attacked.unicodeScalars.contains("\0"))
    }

    @Test("The vocabulary test itself sees an attack that got through")
    func vocabularySees() {
        #expect(Self.vocabulary(of: "<p title=\"\"\u{301} onmouseover=alert(1) x=\"\">").contains("p onmouseover"))
        #expect(Self.vocabulary(of: "a<img onerror=x>").contains("img onerror"))
    }

    @Test("The page needs nothing from outside")
    func selfContained() throws {
        let html = try Self.page("x").html()
        for word in ["http://", "https://", "src=", "@import", "url(", "<link", "<iframe"] {
            #expect(!html.contains(word), "\(word)")
        }
    }

    @Test("The script is the one that the content security policy names")
    func scriptHash() throws {
        let html = try Self.page("x").html()
        let start = try #require(html.firstRange(of: "<script>"))
        let end = try #require(html.firstRange(of: "</script>"))
        let digest = SHA256.base64(of: Array(html[start.upperBound..<end.lowerBound].utf8))
        #expect(html.contains("script-src 'sha256-\(digest)'"), "the script's hash is sha256-\(digest)")
    }

    @Test("An empty page is a page")
    func empty() throws {
        let html = try ReportPage(kicker: "", title: "").html()
        #expect(html.hasPrefix("<!DOCTYPE html>"))
        #expect(!html.contains("<nav") && !html.contains("class=\"cards\""))
    }

    @Test("Anchors are unique and each entry of the contents has its section")
    func anchors() throws {
        let titles = ["Same title", "Same title", "漢字", "What's “new”?"]
        let html = try ReportPage(kicker: "", title: "", sections: titles.map { .init($0, blocks: []) }).html()
        for name in ["same-title", "section-2", "section-3", "what-s-new-"] {
            #expect(html.contains("<section id=\"\(name)\">"), "\(name)")
            #expect(html.contains("href=\"#\(name)\""), "\(name)")
        }
    }
}
