import Foundation
import SystemPackage
import TestSupport
import Testing

/// The pages of `crux diff`, `crux kl` and `crux report`, seen by a browser.
@Suite(
    "Report pages in a browser", .serialized,
    .enabled(if: Browser.isWanted, "there is no chromium; make browser installs it"))
struct ReportPageTests {
    /// A page and what must be on it.
    enum Page: String, CaseIterable, Sendable {
        case diff, kl, series, report

        var arguments: [String] {
            switch self {
            case .diff:
                ["diff", "base.crux", "policy.crux", "--spectrum", "--null", "policy.crux", "--html", "page.html"]
            case .kl:
                ["kl", "base.crux", "policy.crux", "--digits", "2", "--count", "8", "--html", "page.html"]
            case .series:
                [
                    "kl", "base.crux", "copy.crux", "policy.crux", "--digits", "2", "--count", "4", "--cross-sample",
                    "1,2", "--html", "page.html",
                ]
            case .report: ["report", "run", "--digits", "2", "--count", "4", "-o", "page.html"]
            }
        }

        /// Texts that a reader must see, with and without the script.
        var texts: [String] {
            let weights = ["Where the weights moved", "Relative change by block", "h.1.attn.c_attn.weight"]
            let behaviour = ["Token by token", "The most shifted tokens", "All tokens together", "Input:"]
            return switch self {
            case .diff: weights + ["Singular values", "Beside policy.crux", "alpha: 5"]
            case .kl: behaviour
            case .series: behaviour + ["Over the checkpoints", "Cross-sampling", "step 25: policy.crux"]
            case .report: weights + behaviour + ["The policies", "Left out", "noise.crux"]
            }
        }
    }

    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
        let run = folder.path.appending("run").string
        try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
        for (name, copy) in [
            ("base.crux", "base.crux"), ("copy.crux", "start.crux"), ("policy.crux", "policy.crux"),
            ("noise.bin", "noise.crux"),
        ] {
            try FileManager.default.copyItem(
                atPath: folder.path.appending(name).string, toPath: "\(run)/\(copy)")
        }
    }

    private func write(_ page: Page) async throws -> FilePath {
        let result = try await CommandResult.crux(page.arguments, in: folder.path)
        #expect(result.exitCode < 2, "\(result.standardError)")
        return folder.path.appending("page.html")
    }

    @Test("A page renders, writes nothing to the console and asks the network for nothing", arguments: Page.allCases)
    func renders(page: Page) async throws {
        let visit = try await Browser.visit(write(page))
        #expect(visit.console == [])
        #expect(visit.requests == [])
        #expect(visit.document.contains("<html lang=\"en\" class=\"js\">"))
        for text in page.texts { #expect(visit.document.contains(text), "\(text)") }
    }

    @Test("Without JavaScript everything is there, and nothing is hidden", arguments: Page.allCases)
    func withoutScript(page: Page) async throws {
        let path = try await write(page)
        let html = String(decoding: try path.readBytes(), as: UTF8.self)
        try path.writeBytes(Array(html.replacing(/(?s)<script>.*?<\/script>/, with: "").utf8))
        let visit = try await Browser.visit(path)
        #expect(visit.console == [])
        #expect(visit.document.contains("<html lang=\"en\">"))
        #expect(!visit.document.contains("<script"))
        for text in page.texts { #expect(visit.document.contains(text), "\(text)") }
        #expect(!visit.document.contains("<div class=\"step\" hidden"))
        #expect(!visit.document.contains("<input"))
    }

    @Test("What a page asks the network for would be seen")
    func control() async throws {
        let page = folder.path.appending("control.html")
        try page.writeBytes(Array("<img src=\"http://example.invalid/x.png\"><script>throw 1</script>".utf8))
        let visit = try await Browser.visit(page)
        #expect(visit.requests == ["http://example.invalid/x.png"])
        #expect(visit.console.count == 1)
    }

    /// Loads a copy of a page with a script of ours behind its own, and returns what that says.
    private func drive(_ page: Page, width: Int = 1200, _ script: String) async throws -> [String: String] {
        let path = try await write(page)
        var html = String(decoding: try path.readBytes(), as: UTF8.self)
        // The policy names the one script that may run; the copy has another one.
        let policy = try #require(html.firstRange(of: /<meta http-equiv="Content-Security-Policy"[^>]*>/))
        html.removeSubrange(policy)
        let driver = """
            <script>window.addEventListener("load", function () {
              var said = {};
              function all(selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); }
              try { \(script) } catch (error) { said.error = String(error); }
              var result = document.createElement("pre");
              result.id = "result";
              result.textContent = JSON.stringify(said);
              document.body.appendChild(result);
            });</script></body>
            """
        html = html.replacing("</body>", with: driver)
        let copy = folder.path.appending("driven.html")
        try copy.writeBytes(Array(html.utf8))
        let visit = try await Browser.visit(copy, width: width)
        #expect(visit.console == [])
        let json = try #require(visit.document.firstMatch(of: /<pre id="result">(.*?)<\/pre>/)).output.1
            .replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        let said = try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
        #expect(said["error"] == nil)
        return said
    }

    @Test("The slider shows one policy at a time, and says which")
    func slider() async throws {
        let said = try await drive(
            .series,
            """
            var steps = all(".steps")[0], slider = steps.querySelector("input[type=range]");
            function shown() { return all(".steps")[0].querySelectorAll(":scope > .step:not([hidden])"); }
            said.first = shown().length + " " + shown()[0].dataset.name;
            slider.value = 1;
            slider.dispatchEvent(new Event("input"));
            said.second = shown().length + " " + shown()[0].dataset.name;
            said.spoken = slider.getAttribute("aria-valuetext");
            said.label = slider.closest("label").textContent;
            """)
        #expect(said["first"] == "1 step 25: policy.crux")
        #expect(said["second"] == "1 step 0: copy.crux")
        #expect(said["spoken"] == "step 0: copy.crux")
        #expect(said["label"]?.hasPrefix("Policy") == true)
    }

    @Test("Tokens tell their figures under the pointer and by the arrow keys, and take another measure's colours")
    func tokens() async throws {
        let said = try await drive(
            .kl,
            """
            var text = all(".tokens")[0], tip = all(".tip")[0];
            function press(key) {
              text.dispatchEvent(new KeyboardEvent("keydown", { key: key, bubbles: true, cancelable: true }));
            }
            said.before = String(tip.hidden);
            text.focus();
            press("ArrowRight");
            said.first = tip.querySelector("strong").textContent + tip.querySelectorAll("dd").length;
            press("ArrowRight");
            said.next = tip.querySelector("strong").textContent;
            said.value = tip.querySelector("dd").textContent;
            press("Escape");
            said.after = String(tip.hidden);
            var token = text.querySelectorAll("span[data-at]")[3];
            token.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
            said.pointed = tip.querySelector("strong").textContent;
            said.role = tip.getAttribute("role");
            function colours() { return all(".tokens span[data-at]").map(function (t) { return t.className; }).join(); }
            var kl = colours();
            var buttons = all(".controls button");
            buttons[3].click();
            said.changed = String(colours() !== kl);
            said.pressed = buttons.filter(function (b) { return b.getAttribute("aria-pressed") === "true"; }).length
              + " " + buttons[3].getAttribute("aria-pressed");
            said.legends = String(all(".legend:not([hidden])").length);
            """)
        #expect(said["before"] == "true")
        #expect(said["first"]?.contains("token 1") == true)
        #expect(said["next"]?.contains("token 2") == true)
        #expect(said["value"].flatMap { Double($0.replacing("≤ ", with: "")) } != nil)
        #expect(said["after"] == "true")
        #expect(said["pointed"]?.contains("token 4") == true)
        #expect(said["role"] == "status")
        #expect(said["changed"] == "true")
        #expect(said["pressed"] == "1 true")
        #expect(said["legends"] == "1")
    }

    @Test("Tables sort by a heading, texts and rows are filtered by what they say")
    func tables() async throws {
        let said = try await drive(
            .kl,
            """
            var head = all("table.sortable th").filter(function (cell) { return cell.textContent === "tokens"; })[0];
            var table = head.closest("table");
            function column() {
              return Array.prototype.map.call(table.tBodies[0].rows, function (row) {
                return Number(row.cells[head.cellIndex].dataset.key);
              });
            }
            head.querySelector("button").click();
            said.down = String(column().every(function (v, i, a) { return !i || a[i - 1] >= v; }));
            said.sort = head.getAttribute("aria-sort");
            head.querySelector("button").click();
            said.up = String(column().every(function (v, i, a) { return !i || a[i - 1] <= v; }));
            var field = table.closest("section").querySelector(".filter input");
            field.value = "digit";
            field.dispatchEvent(new Event("input"));
            var rows = Array.prototype.filter.call(table.tBodies[0].rows, function (row) { return !row.hidden; });
            said.rows = String(rows.length > 0 && rows.length < table.tBodies[0].rows.length
              && rows.every(function (row) { return row.textContent.indexOf("digit") >= 0; }));
            """)
        #expect(said["down"] == "true")
        #expect(said["sort"] == "descending")
        #expect(said["up"] == "true")
        #expect(said["rows"] == "true")
    }

    @Test("On a phone nothing but tables and charts is wider than the screen", arguments: Page.allCases)
    func phone(page: Page) async throws {
        let said = try await drive(
            page, width: 500,
            """
            said.wide = all("body *").filter(function (e) {
              return e.getBoundingClientRect().right > window.innerWidth + 1
                && !e.closest(".scroll, .plot, .controls, pre");
            }).slice(0, 5).map(function (e) { return e.tagName + "." + e.className; }).join(", ");
            said.page = String(document.documentElement.scrollWidth <= window.innerWidth);
            """)
        #expect(said["wide"] == "")
        #expect(said["page"] == "true")
    }
}
