internal import CheckpointFormat
internal import SystemPackage

/// Unpacks a deflated stream (RFC 1951) in pieces, in memory of a few hundred kilobytes.
struct Inflater {
    private let file: InputFile
    private let range: Range<Int>
    private let member: String
    /// Where the next piece of input starts in the file.
    private var nextInput: Int
    private var input: [UInt8] = []
    private var inputPosition = 0
    private var bits: UInt64 = 0
    private var bitCount = 0
    private var state = State.blockHeader
    private var isLastBlock = false
    /// The last 32 KiB that were handed out, then what is not handed out yet.
    private var output: [UInt8] = []
    private var handedOut = 0

    private enum State {
        case blockHeader
        case stored(left: Int)
        case codes(literals: HuffmanCode, distances: HuffmanCode)
        case end
    }

    private static let (windowByteCount, pieceByteCount) = (1 << 15, 1 << 16)

    /// Starts at a member's first byte.
    init(_ range: Range<Int>, of file: InputFile, member: String) {
        self.file = file
        self.range = range
        self.member = member
        nextInput = range.lowerBound
    }

    /// Appends the next bytes, up to `count`; fewer only at the end of the stream.
    mutating func read(_ count: Int, into buffer: inout [UInt8]) throws(CheckpointError) {
        var missing = count
        while missing > 0 {
            if handedOut == output.count {
                if case .end = state { return }
                try unpackPiece()
                continue
            }
            let end = min(output.count, handedOut + missing)
            buffer.append(contentsOf: output[handedOut..<end])
            missing -= end - handedOut
            handedOut = end
        }
    }

    /// Unpacks about 64 KiB more.
    private mutating func unpackPiece() throws(CheckpointError) {
        if output.count > Self.windowByteCount {
            output.removeFirst(output.count - Self.windowByteCount)
        }
        handedOut = output.count
        let limit = output.count + Self.pieceByteCount
        while output.count < limit {
            switch state {
            case .end: return
            case .blockHeader:
                if isLastBlock {
                    state = .end
                } else {
                    try readBlockHeader()
                }
            case .stored(let left):
                let count = min(left, limit - output.count)
                for _ in 0..<count { output.append(UInt8(try take(8))) }
                state = count == left ? .blockHeader : .stored(left: left - count)
            case .codes(let literals, let distances):
                if try unpack(literals, distances, until: limit) { state = .blockHeader }
            }
        }
    }

    private mutating func readBlockHeader() throws(CheckpointError) {
        isLastBlock = try take(1) == 1
        switch try take(2) {
        case 0:
            _ = try take(bitCount % 8)
            let (length, complement) = (try take(16), try take(16))
            guard length == ~complement & 0xFFFF else {
                throw failure("a stored block's length and its complement differ")
            }
            state = .stored(left: length)
        case 1: state = .codes(literals: .fixedLiterals, distances: .fixedDistances)
        case 2:
            let literalCount = try take(5) + 257
            let distanceCount = try take(5) + 1
            let codeCount = try take(4) + 4
            var lengths = [UInt8](repeating: 0, count: 19)
            for index in 0..<codeCount { lengths[Self.codeLengthOrder[index]] = UInt8(try take(3)) }
            guard let code = HuffmanCode(lengths) else { throw failure("a code of code lengths that is not one") }
            lengths = []
            while lengths.count < literalCount + distanceCount {
                let symbol = try decode(code)
                let (value, count): (UInt8, Int)
                switch symbol {
                case 16:
                    guard let last = lengths.last else { throw failure("a repeated code length without one before") }
                    (value, count) = (last, try take(2) + 3)
                case 17: (value, count) = (0, try take(3) + 3)
                case 18: (value, count) = (0, try take(7) + 11)
                default: (value, count) = (UInt8(symbol), 1)
                }
                lengths += repeatElement(value, count: count)
            }
            guard lengths.count == literalCount + distanceCount, lengths[256] != 0,
                let literals = HuffmanCode(Array(lengths[..<literalCount])),
                let distances = HuffmanCode(Array(lengths[literalCount...]))
            else { throw failure("a block's code that is not one") }
            state = .codes(literals: literals, distances: distances)
        default: throw failure("a block of the reserved type 3")
        }
    }

    /// Unpacks up to the limit; true at the block's end.
    private mutating func unpack(
        _ literals: HuffmanCode, _ distances: HuffmanCode, until limit: Int
    ) throws(CheckpointError) -> Bool {
        while output.count < limit {
            let symbol = try decode(literals)
            if symbol < 256 {
                output.append(UInt8(symbol))
                continue
            }
            if symbol == 256 { return true }
            guard symbol - 257 < Self.lengths.count else { throw failure("a length code above 285") }
            let (length, lengthBits) = Self.lengths[symbol - 257]
            let count = length + (try take(lengthBits))
            let code = try decode(distances)
            guard code < Self.distances.count else { throw failure("a distance code above 29") }
            let (distance, distanceBits) = Self.distances[code]
            let back = distance + (try take(distanceBits))
            guard back <= output.count else { throw failure("a distance to before the start") }
            for _ in 0..<count { output.append(output[output.count - back]) }
        }
        return false
    }

    // MARK: Bits

    private mutating func fill() throws(CheckpointError) {
        while bitCount <= 48 {
            if inputPosition == input.count {
                guard nextInput < range.upperBound else { return }
                let end = min(range.upperBound, nextInput + Self.pieceByteCount)
                input = try file.read(nextInput..<end)
                (nextInput, inputPosition) = (end, 0)
            }
            bits |= UInt64(input[inputPosition]) << UInt64(bitCount)
            inputPosition += 1
            bitCount += 8
        }
    }

    private mutating func take(_ count: Int) throws(CheckpointError) -> Int {
        if bitCount < count { try fill() }
        guard bitCount >= count else { throw failure("the stream ends early", kind: .truncated) }
        let value = Int(bits & (1 << UInt64(count) - 1))
        bits >>= UInt64(count)
        bitCount -= count
        return value
    }

    private mutating func decode(_ code: HuffmanCode) throws(CheckpointError) -> Int {
        if bitCount < 15 { try fill() }
        let entry = code.table[Int(bits & 0x7FFF)]
        let length = Int(entry & 15)
        guard length > 0 else { throw failure("bits that are no code") }
        guard length <= bitCount else { throw failure("the stream ends early", kind: .truncated) }
        bits >>= UInt64(length)
        bitCount -= length
        return Int(entry >> 4)
    }

    private func failure(_ problem: String, kind: CheckpointError.Kind = .invalid) -> CheckpointError {
        CheckpointError(
            kind, path: file.path,
            place: CheckpointPlace(
                section: "zip member '\(member)'", byteRange: range.lowerBound..<max(nextInput, range.lowerBound + 1)),
            problem: "cannot be unpacked: \(problem)")
    }

    private static let codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    /// The shortest length of each code, and how many bits extend it.
    private static let lengths: [(Int, Int)] =
        (0..<8).map { ($0 + 3, 0) }
        + (8..<28).map { code in
            let bits = (code - 4) / 4
            return (3 + ((4 + code % 4) << bits), bits)
        } + [(258, 0)]

    /// The shortest distance of each code, and how many bits extend it.
    private static let distances: [(Int, Int)] =
        (0..<4).map { ($0 + 1, 0) }
        + (4..<30).map { code in
            let bits = (code - 2) / 2
            return (1 + ((2 + code % 2) << bits), bits)
        }
}

/// A prefix code of at most 15 bits, as a table of the symbol and length for every 15 bits that can follow.
struct HuffmanCode {
    /// The symbol, shifted left by four, and the length; 0 for bits that are no code.
    fileprivate let table: [UInt16]

    /// Assigns codes to the symbols in order, the shortest first; nil where lengths ask for more codes than there are.
    init?(_ lengths: [UInt8]) {
        var counts = [Int](repeating: 0, count: 16)
        for length in lengths { counts[Int(length)] += 1 }
        counts[0] = 0
        var (code, firsts): (Int, [Int]) = (0, [0])
        for length in 1...15 {
            code = (code + counts[length - 1]) << 1
            firsts.append(code)
            guard code + counts[length] <= 1 << length else { return nil }
        }
        var table = [UInt16](repeating: 0, count: 1 << 15)
        for (symbol, length) in lengths.enumerated() where length > 0 {
            let length = Int(length)
            // Codes stand in the stream with their highest bit first.
            let reversed = Int(UInt16(firsts[length]).bitReversed >> (16 - length))
            firsts[length] += 1
            for index in stride(from: reversed, to: table.count, by: 1 << length) {
                table[index] = UInt16(symbol << 4 | length)
            }
        }
        self.table = table
    }

    private init(fixed lengths: [UInt8]) { table = HuffmanCode(lengths)?.table ?? [] }

    /// The code of literals and lengths in blocks that bring none of their own.
    static let fixedLiterals = HuffmanCode(
        fixed: [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112)
            + [UInt8](repeating: 7, count: 24) + [UInt8](repeating: 8, count: 8))
    /// The same of distances.
    static let fixedDistances = HuffmanCode(fixed: [UInt8](repeating: 5, count: 32))
}

extension UInt16 {
    /// The bits in the opposite order.
    fileprivate var bitReversed: UInt16 {
        (0..<16).reduce(0) { $0 | (self >> UInt16($1) & 1) << UInt16(15 - $1) }
    }
}
