/// Tables for programs: comma-separated values (RFC 4180).
public enum CSV {
    /// The rows as text, each ended by a carriage return and a newline; a field is quoted where a comma, a quote or a
    /// line end is inside.
    public static func text(_ rows: [[String]]) -> String {
        rows.map { row in row.map(field).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func field(_ text: String) -> String {
        // By scalar: to Swift, a carriage return and a newline are one character.
        let isPlain = text.unicodeScalars.allSatisfy { !",\"\n\r".unicodeScalars.contains($0) }
        return isPlain ? text : "\"\(text.replacing("\"", with: "\"\""))\""
    }
}
