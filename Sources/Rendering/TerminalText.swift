/// Text from outside made safe to print.
public enum TerminalText {
    /// The text on one line, with everything that could move the cursor, change colours, reorder or hide text replaced
    /// by a visible escape (`\n`, `\t`, `\u{1B}`).
    ///
    /// A tensor's name comes from a file; a terminal obeys what it is sent.
    public static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) {
                switch scalar {
                case "\n": result += "\\n"
                case "\t": result += "\\t"
                case "\r": result += "\\r"
                default: result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
                }
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0: true
        // Directional controls, separators and invisible characters.
        case 0x061C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true
        default: false
        }
    }
}
