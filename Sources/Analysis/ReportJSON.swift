#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The JSON form of the reports: keys sorted, and numbers that JSON lacks as strings.
public enum ReportJSON {
    /// The text of a report, with a newline at its end.
    ///
    /// An infinity is written as `"Infinity"` or `"-Infinity"`, a NaN as `"NaN"`.
    ///
    /// - Parameter isPretty: Whether to indent; otherwise the text is one line.
    public static func encode(_ report: some Encodable, isPretty: Bool = true) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            isPretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    }

    /// Reads a report back.
    public static func decode<Report: Decodable>(_ type: Report.Type, from text: String) throws -> Report {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return try decoder.decode(type, from: Data(text.utf8))
    }
}
