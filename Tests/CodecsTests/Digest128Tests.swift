import Codecs
import Foundation
import Testing

@Suite struct Digest128Tests {
    let digest = Digest128(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)

    @Test func hexadecimalAndBytesAreInCanonicalOrder() {
        #expect(digest.hex == "00112233445566778899aabbccddeeff")
        #expect(digest.bytes == (0..<16).map { $0 * 0x11 })
        #expect(Digest128(hex: digest.hex) == digest)
        #expect(Digest128(hex: digest.hex.uppercased()) == digest)
        #expect(Digest128(bytes: digest.bytes) == digest)
    }

    @Test(arguments: ["", "0", "+0112233445566778899aabbccddeeff", "g0112233445566778899aabbccddeeff", "é"])
    func otherTextIsRefused(text: String) {
        #expect(Digest128(hex: text) == nil)
    }

    @Test func otherCountsOfBytesAreRefused() {
        #expect(Digest128(bytes: [1, 2, 3]) == nil)
    }

    @Test func encodesAsAString() throws {
        let data = try JSONEncoder().encode([digest])
        #expect(String(decoding: data, as: UTF8.self) == "[\"00112233445566778899aabbccddeeff\"]")
        #expect(try JSONDecoder().decode([Digest128].self, from: data) == [digest])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([Digest128].self, from: Data("[\"x\"]".utf8)) }
    }
}
