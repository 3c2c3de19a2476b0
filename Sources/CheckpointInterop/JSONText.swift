/// Writes JSON text piece by piece, in the order of the calls.
package struct JSONText {
    /// The text so far.
    package private(set) var bytes: [UInt8] = []

    /// Empty text.
    package init() {}

    /// The text so far as a string.
    package var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Appends punctuation or a number as it is.
    package mutating func append(verbatim text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends a string in quotes, escaped as serde and Python's json (without ASCII escapes) do.
    package mutating func append(string: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append(verbatim: "\\\"")
            case UInt8(ascii: "\\"): append(verbatim: "\\\\")
            case 0x08: append(verbatim: "\\b")
            case 0x09: append(verbatim: "\\t")
            case 0x0A: append(verbatim: "\\n")
            case 0x0C: append(verbatim: "\\f")
            case 0x0D: append(verbatim: "\\r")
            case 0..<0x20: append(verbatim: (byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends values between brackets with commas between them.
    package mutating func append<Values: Sequence>(
        _ open: String, _ values: Values, _ close: String, each: (inout JSONText, Values.Element) -> Void
    ) {
        append(verbatim: open)
        for (index, value) in values.enumerated() {
            if index > 0 { append(verbatim: ",") }
            each(&self, value)
        }
        append(verbatim: close)
    }
}
