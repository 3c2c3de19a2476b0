/// GPT-2's way to write any bytes as visible characters: printable ones of Latin-1 stand for themselves, the
/// others for U+0100 and up in turn; a space is `Ġ`. Vocabularies and merges are written in it.
package enum ByteAlphabet {
    /// The character of each byte, [256].
    package static let scalars: [Unicode.Scalar] = {
        var others: UInt32 = 0x100
        return (0..<256).map { byte in
            let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
            let value = isPrintable ? UInt32(byte) : others
            if !isPrintable { others += 1 }
            // All values are below U+0144.
            return Unicode.Scalar(value) ?? " "
        }
    }()

    private static let bytes = Dictionary(uniqueKeysWithValues: zip(scalars, UInt8.min...UInt8.max))

    /// The bytes as text of the alphabet.
    package static func text(of bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes { text.unicodeScalars.append(scalars[Int(byte)]) }
        return text
    }

    /// The bytes that a text of the alphabet stands for; nil where a character is none of the alphabet.
    package static func bytes(of text: String) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard let byte = bytes[scalar] else { return nil }
            result.append(byte)
        }
        return result
    }
}
