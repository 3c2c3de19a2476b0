import CheckpointInterop
import Testing

@Suite struct JSONScannerTests {
    private func scan(_ text: String) throws(JSONScanner.Failure) {
        var scanner = JSONScanner(text)
        try scanner.skipValue()
        try scanner.end()
    }

    @Test(arguments: [
        "null", " true ", "false", "0", "-0", "-12.5e+3", "1E9", "\"\"", "[]", "{}", "[1, [2, {\"a\": []}]]",
        "{\"a\":1,\"b\":{\"a\":2}}", "\"\\u0041\\ud83d\\ude42\\n\\/\"", "\"é🙂\"", "\t\r\n[ ]",
    ])
    func acceptsJSON(text: String) throws { try scan(text) }

    @Test(arguments: [
        ("", 0), ("nul", 0), ("nulll", 4), ("01", 0), ("-", 1), ("1.", 2), (".5", 0), ("1e", 2), ("+1", 0), ("NaN", 0),
        ("\"", 1), ("\"\u{1}\"", 1), ("\"\\x\"", 2), ("\"\\u12g4\"", 5), ("\"\\ud800\"", 1), ("\"\\ud800\\u0041\"", 1),
        ("\"\\udc00\"", 1), ("[1,]", 3), ("[1 2]", 3), ("{\"a\"}", 4), ("{\"a\":1,}", 7), ("{a:1}", 1),
        ("{\"a\":1 \"b\":2}", 7),
        ("{\"a\":1,\"a\":2}", 7), ("{\"\\u0061\":1,\"a\":2}", 12), ("[1] 2", 4), ("{}\0", 2), ("'a'", 0),
        ("\u{FEFF}{}", 0),
    ])
    func refuses(text: String, offset: Int) throws {
        let failure = #expect(throws: JSONScanner.Failure.self) { try scan(text) }
        #expect(failure?.offset == offset)
    }

    @Test func refusesBytesThatAreNotUTF8() {
        var scanner = JSONScanner([0x22, 0xFF, 0x22])
        #expect(throws: JSONScanner.Failure(offset: 1, found: "a string that is not UTF-8", expected: "UTF-8")) {
            try scanner.string()
        }
    }

    @Test func limitsNesting() throws {
        try scan(String(repeating: "[", count: 127) + String(repeating: "]", count: 127))
        #expect(throws: JSONScanner.Failure.self) { try scan(String(repeating: "[", count: 200_000)) }
    }

    @Test func resolvesEscapes() throws {
        var scanner = JSONScanner("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude42\"")
        #expect(try scanner.string() == "\"\\/\u{8}\u{C}\n\r\té🙂")
    }

    @Test(arguments: ["-1", "256", "1.0", "1e2", "-0", "99999999999999999999999"])
    func refusesIntegersOutOfRange(text: String) {
        var scanner = JSONScanner(text)
        #expect(throws: JSONScanner.Failure.self) { try scanner.integer(UInt8.self) }
    }

    @Test func writesWhatItReads() throws {
        let text = "a\"b\\c\u{1}\u{8}\t\n\u{C}\r\u{1F}é🙂\u{7F}"
        var json = JSONText()
        json.append(string: text)
        #expect(json.string == "\"a\\\"b\\\\c\\u0001\\b\\t\\n\\f\\r\\u001fé🙂\u{7F}\"")
        var scanner = JSONScanner(json.bytes)
        #expect(try scanner.string() == text)
    }
}
