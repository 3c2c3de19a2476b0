/// SHA-256 (FIPS 180-4), to check the hash that a page's content security policy carries.
enum SHA256 {
    /// The digest in base 64.
    static func base64(of message: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let digest = digest(of: message)
        var text = ""
        for start in stride(from: 0, to: digest.count, by: 3) {
            let group = Array(digest[start..<min(start + 3, digest.count)])
            let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 { text.append(place <= group.count ? alphabet[value >> (18 - 6 * place) & 63] : "=") }
        }
        return text
    }

    static func digest(of message: [UInt8]) -> [UInt8] {
        let primes = (2...311).filter { number in !(2..<number).contains { number % $0 == 0 } }
        func fraction(_ root: Double) -> UInt32 { UInt32((root - root.rounded(.down)) * 4_294_967_296) }
        func cubeRoot(_ value: Double) -> Double {
            var root = value / 3
            for _ in 0..<80 { root -= (root * root * root - value) / (3 * root * root) }
            return root
        }
        let constants = primes.prefix(64).map { fraction(cubeRoot(Double($0))) }
        var state = primes.prefix(8).map { fraction(Double($0).squareRoot()) }
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: (message.count * 8) >> shift))
        }
        func turned(_ value: UInt32, _ count: UInt32) -> UInt32 { value >> count | value << (32 - count) }
        for block in stride(from: 0, to: padded.count, by: 64) {
            var words = (0..<16).map { word in
                (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(padded[block + 4 * word + $1]) }
            }
            for index in 16..<64 {
                let (a, b) = (words[index - 15], words[index - 2])
                let low = turned(a, 7) ^ turned(a, 18) ^ a >> 3
                let high = turned(b, 17) ^ turned(b, 19) ^ b >> 10
                words.append(words[index - 16] &+ low &+ words[index - 7] &+ high)
            }
            var v = state
            for index in 0..<64 {
                let high = turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25)
                let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
                let first = v[7] &+ high &+ choice &+ constants[index] &+ words[index]
                let low = turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22)
                let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
                v = [first &+ low &+ majority, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
            }
            for index in 0..<8 { state[index] &+= v[index] }
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
    }
}
