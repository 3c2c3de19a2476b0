/// Text for HTML and SVG.
package enum Markup {
    /// The text with everything that HTML or XML could take for markup replaced by references, safe in element content
    /// and in quoted attributes.
    ///
    /// It works on scalars: to Swift a quote followed by a combining mark is another `Character` than the quote, but a
    /// browser sees the quote. Characters that XML forbids or a page should not carry (controls, directional
    /// overrides) are replaced.
    package static func escape(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            default:
                switch scalar.value {
                case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069, 0xFFFE, 0xFFFF: result += "\u{FFFD}"
                default: result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }

    /// Running text, escaped, whose figures stay together with their units: `4.7 %` is not broken between lines.
    static func prose(_ text: String) -> String { escape(text.replacing(" %", with: "\u{A0}%")) }

    /// An element with attributes in the order given; `content` is markup already.
    static func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: String? = nil)
        -> String
    {
        var text = "<" + name
        for (key, value) in attributes { text += " \(key)=\"\(escape(value))\"" }
        guard let content else { return text + "/>" }
        return text + ">" + content + "</\(name)>"
    }

    /// A coordinate: at most two places, never a number that a browser cannot read.
    static func coordinate(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e7 else { return "0" }
        var text = DecimalDigits(value)?.fixed(places: 2) ?? "0"
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
