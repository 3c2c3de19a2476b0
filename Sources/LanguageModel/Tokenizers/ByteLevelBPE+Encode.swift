internal import HeapModule

extension ByteLevelBPE {
    /// The tokens of a text.
    ///
    /// - Parameter recognisesSpecialTokens: Whether the text of a special token stands for that token, as
    ///   `tokenizers` reads it; else it is text like any other.
    /// - Throws: ``ModelError`` naming the offset of a byte that the vocabulary lacks.
    public func encode(_ text: String, recognisesSpecialTokens: Bool = true) throws(ModelError) -> [Int32] {
        let utf8 = Array(text.utf8)
        var tokens: [Int32] = []
        tokens.reserveCapacity(utf8.count / 3)
        guard recognisesSpecialTokens, !specialTokens.isEmpty else {
            try encode(utf8[...], into: &tokens)
            return tokens
        }
        var (start, offset) = (0, 0)
        while offset < utf8.count {
            if let special = specialToken(at: offset, in: utf8) {
                try encode(utf8[start..<offset], into: &tokens)
                tokens.append(special.token)
                offset += special.byteCount
                start = offset
            } else {
                offset += 1
            }
        }
        try encode(utf8[start...], into: &tokens)
        return tokens
    }

    /// The tokens of any bytes; special tokens are not recognised.
    ///
    /// As `tiktoken` does, what follows the first byte that is not UTF-8 is one piece, together with the last
    /// piece before it, and spaces before that.
    ///
    /// - Throws: ``ModelError`` naming the offset of a byte that the vocabulary lacks.
    public func encode(bytes: [UInt8]) throws(ModelError) -> [Int32] {
        var tokens: [Int32] = []
        guard let end = Self.firstInvalidByte(bytes) else {
            try encode(bytes[...], into: &tokens)
            return tokens
        }
        var lastPieceStart = try encode(bytes[..<end], into: &tokens)
        if lastPieceStart < tokens.count, isSpace(tokens[lastPieceStart]) {
            while lastPieceStart > 0, isSpace(tokens[lastPieceStart - 1]) { lastPieceStart -= 1 }
        }
        let pieceByteCount = self.bytes(of: tokens[lastPieceStart...]).count
        tokens.removeSubrange(lastPieceStart...)
        try merge(bytes[(end - pieceByteCount)...], into: &tokens)
        return tokens
    }

    private static func firstInvalidByte(_ bytes: [UInt8]) -> Int? {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }

    /// Appends the tokens of valid UTF-8.
    ///
    /// - Returns: Where in `tokens` those of the last piece start.
    @discardableResult
    private func encode(_ utf8: ArraySlice<UInt8>, into tokens: inout [Int32]) throws(ModelError) -> Int {
        var pieces = GPT2Splitter(utf8)
        var lastPieceStart = tokens.count
        while let piece = pieces.next() {
            lastPieceStart = tokens.count
            try merge(utf8[piece], into: &tokens)
        }
        return lastPieceStart
    }

    /// Appends the tokens of one piece: pairs are merged in the order of their ranks, the leftmost of equal ones
    /// first, in O(n log n).
    private func merge(_ piece: ArraySlice<UInt8>, into tokens: inout [Int32]) throws(ModelError) {
        var symbols: [Symbol] = []
        symbols.reserveCapacity(piece.count)
        for (index, byte) in zip(piece.indices, piece) {
            let token = token(ofByte: byte)
            guard token >= 0 else { throw missing(byte, at: index, in: piece) }
            let position = Int32(symbols.count)
            symbols.append(Symbol(token: token, previous: position - 1, next: position + 1))
        }
        guard symbols.count > 1 else {
            tokens += symbols.lazy.map(\.token)
            return
        }
        symbols[symbols.count - 1].next = -1
        var candidates = Heap<Candidate>()
        func consider(_ left: Int32) {
            guard left >= 0 else { return }
            let symbol = symbols[Int(left)]
            guard symbol.next >= 0 else { return }
            let pair = TokenPair(left: symbol.token, right: symbols[Int(symbol.next)].token)
            if let merge = merge(pair.left, pair.right) {
                candidates.insert(Candidate(rank: merge.rank, position: left, pair: pair, merged: merge.token))
            }
        }
        for position in symbols.indices { consider(Int32(position)) }
        while let candidate = candidates.popMin() {
            let left = symbols[Int(candidate.position)]
            // A neighbour may have been merged since.
            guard left.token == candidate.pair.left, left.next >= 0,
                symbols[Int(left.next)].token == candidate.pair.right
            else { continue }
            let right = symbols[Int(left.next)]
            symbols[Int(left.next)].token = -1
            symbols[Int(candidate.position)].token = candidate.merged
            symbols[Int(candidate.position)].next = right.next
            if right.next >= 0 { symbols[Int(right.next)].previous = candidate.position }
            consider(left.previous)
            consider(candidate.position)
        }
        var position: Int32 = 0
        while position >= 0 {
            tokens.append(symbols[Int(position)].token)
            position = symbols[Int(position)].next
        }
    }

    /// A token of a piece on its way, with its neighbours' places; −1 is none.
    private struct Symbol {
        var token: Int32
        var previous: Int32
        var next: Int32
    }

    /// A pair that may be merged.
    private struct Candidate: Comparable {
        let rank: Int32
        /// The left symbol's place.
        let position: Int32
        let pair: TokenPair
        let merged: Int32

        static func < (left: Candidate, right: Candidate) -> Bool {
            (left.rank, left.position) < (right.rank, right.position)
        }
    }

    private func missing(_ byte: UInt8, at offset: Int, in piece: ArraySlice<UInt8>) -> ModelError {
        ModelError(
            field: "text, byte \(offset)", found: "0x" + String(byte, radix: 16, uppercase: true),
            expected: "one of the \((0...255).count { token(ofByte: UInt8($0)) >= 0 }) bytes of the vocabulary")
    }
}
