/// The loops that read elements; `bytes` holds `blockCount` blocks and `values` their elements.
@unsafe
struct FloatDecoder {
    let bytes: UnsafeRawBufferPointer
    let values: UnsafeMutableBufferPointer<Float>
    let blockCount: Int

    func decode(_ dtype: DType, roundsOnce: Bool) {
        switch dtype {
        case .f64:
            unsafe each { (bits: UInt64) in
                let value = Double(bitPattern: bits)
                return roundsOnce ? Float(roundingToOdd: value) : Float(value)
            }
        case .f32: unsafe each { (bits: UInt32) in Float(bitPattern: bits) }
        case .f16: unsafe each { (bits: UInt16) in Float(halfBits: bits) }
        case .bf16: unsafe each { (bits: UInt16) in Float(BFloat16(bitPattern: bits)) }
        case .f4: unsafe decodePacked(NarrowFloat.values(of: dtype), bitCount: 4)
        case .f6e2m3, .f6e3m2: unsafe decodePacked(NarrowFloat.values(of: dtype), bitCount: 6)
        case .q4_0: unsafe eachBlock { block, out in unsafe q4_0(block, out) }
        case .q4_1: unsafe eachBlock { block, out in unsafe q4_1(block, out) }
        case .q5_0: unsafe eachBlock { block, out in unsafe q5_0(block, out) }
        case .q5_1: unsafe eachBlock { block, out in unsafe q5_1(block, out) }
        case .q8_0: unsafe eachBlock { block, out in unsafe q8_0(block, out) }
        case .q4_K: unsafe eachBlock { block, out in unsafe q4_K(block, out) }
        case .q5_K: unsafe eachBlock { block, out in unsafe q5_K(block, out) }
        case .q6_K: unsafe eachBlock { block, out in unsafe q6_K(block, out) }
        default:
            let table = NarrowFloat.values(of: dtype).map { Float($0) }
            guard !table.isEmpty else { return }
            unsafe each { (bits: UInt8) in table[Int(bits)] }
        }
    }

    @inline(__always)
    private func each<Bits: FixedWidthInteger & BitwiseCopyable>(_ value: (Bits) -> Float) {
        let width = MemoryLayout<Bits>.size
        for index in 0..<(unsafe blockCount) {
            let bits = unsafe bytes.loadUnaligned(fromByteOffset: index * width, as: Bits.self)
            unsafe values[index] = value(Bits(littleEndian: bits))
        }
    }

    /// Elements of less than a byte, the first in the lowest bits.
    private func decodePacked(_ table: [Double], bitCount: Int) {
        let table = table.map { Float($0) }
        for index in 0..<(unsafe values.count) {
            let bit = index * bitCount
            var pair = Int(unsafe bytes[bit / 8])
            if bit % 8 + bitCount > 8 { pair |= Int(unsafe bytes[bit / 8 + 1]) << 8 }
            unsafe values[index] = table[pair >> (bit % 8) & (1 << bitCount - 1)]
        }
    }

    private typealias Block = UnsafeRawBufferPointer
    private typealias Elements = UnsafeMutableBufferPointer<Float>

    /// Calls `body` with each block's bytes and the place for its elements.
    @inline(__always)
    private func eachBlock(_ body: (Block, Elements) -> Void) {
        let (byteCount, elementCount) = unsafe (
            bytes.count / blockCount.atLeastOne, values.count / blockCount.atLeastOne
        )
        for index in 0..<(unsafe blockCount) {
            unsafe body(
                Block(rebasing: bytes[index * byteCount..<(index + 1) * byteCount]),
                Elements(rebasing: values[index * elementCount..<(index + 1) * elementCount]))
        }
    }

    @inline(__always)
    private func half(_ block: Block, at offset: Int) -> Float {
        Float(halfBits: UInt16(unsafe block[offset]) | UInt16(unsafe block[offset + 1]) << 8)
    }

    /// The bits that extend each element of Q5_0 and Q5_1, bit j for element j.
    @inline(__always)
    private func highBits(_ block: Block, at offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafe block.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    private func q4_0(_ block: Block, _ out: Elements) {
        let scale = unsafe half(block, at: 0)
        for j in 0..<16 {
            let pair = Int(unsafe block[2 + j])
            unsafe out[j] = scale * Float(pair & 15 - 8)
            unsafe out[j + 16] = scale * Float(pair >> 4 - 8)
        }
    }

    private func q4_1(_ block: Block, _ out: Elements) {
        let (scale, minimum) = unsafe (half(block, at: 0), half(block, at: 2))
        for j in 0..<16 {
            let pair = Int(unsafe block[4 + j])
            unsafe out[j] = scale * Float(pair & 15) + minimum
            unsafe out[j + 16] = scale * Float(pair >> 4) + minimum
        }
    }

    private func q5_0(_ block: Block, _ out: Elements) {
        let (scale, high) = unsafe (half(block, at: 0), highBits(block, at: 2))
        for j in 0..<16 {
            let pair = Int(unsafe block[6 + j])
            unsafe out[j] = scale * Float(pair & 15 | Int(high >> UInt32(j) & 1) << 4 - 16)
            unsafe out[j + 16] = scale * Float(pair >> 4 | Int(high >> UInt32(j + 16) & 1) << 4 - 16)
        }
    }

    private func q5_1(_ block: Block, _ out: Elements) {
        let (scale, minimum, high) = unsafe (half(block, at: 0), half(block, at: 2), highBits(block, at: 4))
        for j in 0..<16 {
            let pair = Int(unsafe block[8 + j])
            unsafe out[j] = scale * Float(pair & 15 | Int(high >> UInt32(j) & 1) << 4) + minimum
            unsafe out[j + 16] = scale * Float(pair >> 4 | Int(high >> UInt32(j + 16) & 1) << 4) + minimum
        }
    }

    private func q8_0(_ block: Block, _ out: Elements) {
        let scale = unsafe half(block, at: 0)
        for j in 0..<32 { unsafe out[j] = Float(Int8(bitPattern: block[2 + j])) * scale }
    }

    /// The scale and the minimum of sub-block j of Q4_K and Q5_K, six bits each, packed into 12 bytes.
    @inline(__always)
    private func scaleAndMinimum(_ block: Block, _ j: Int) -> (Float, Float) {
        func byte(_ index: Int) -> Int { Int(unsafe block[4 + index]) }
        if j < 4 { return (Float(byte(j) & 63), Float(byte(j + 4) & 63)) }
        return (
            Float(byte(j + 4) & 15 | (byte(j - 4) >> 6) << 4), Float(byte(j + 4) >> 4 | (byte(j) >> 6) << 4)
        )
    }

    private func q4_K(_ block: Block, _ out: Elements) {
        let (scale, minimumScale) = unsafe (half(block, at: 0), half(block, at: 2))
        for j in 0..<8 {
            let (subScale, subMinimum) = unsafe scaleAndMinimum(block, j)
            let (d, m) = (scale * subScale, minimumScale * subMinimum)
            for l in 0..<32 {
                let pair = Int(unsafe block[16 + j / 2 * 32 + l])
                unsafe out[j * 32 + l] = d * Float(j % 2 == 0 ? pair & 15 : pair >> 4) - m
            }
        }
    }

    private func q5_K(_ block: Block, _ out: Elements) {
        let (scale, minimumScale) = unsafe (half(block, at: 0), half(block, at: 2))
        for j in 0..<8 {
            let (subScale, subMinimum) = unsafe scaleAndMinimum(block, j)
            let (d, m) = (scale * subScale, minimumScale * subMinimum)
            for l in 0..<32 {
                let pair = Int(unsafe block[48 + j / 2 * 32 + l])
                let high = Int(unsafe block[16 + l]) >> j & 1
                unsafe out[j * 32 + l] = d * Float((j % 2 == 0 ? pair & 15 : pair >> 4) | high << 4) - m
            }
        }
    }

    private func q6_K(_ block: Block, _ out: Elements) {
        let scale = unsafe half(block, at: 208)
        for half in 0..<2 {
            for quarter in 0..<4 {
                for l in 0..<32 {
                    // Quarters 0 and 1 are low nibbles, 2 and 3 the high ones of the same bytes.
                    let pair = Int(unsafe block[half * 64 + quarter % 2 * 32 + l])
                    let low = quarter < 2 ? pair & 15 : pair >> 4
                    let high = Int(unsafe block[128 + half * 32 + l]) >> (2 * quarter) & 3
                    let subScale = Int8(bitPattern: unsafe block[192 + half * 8 + quarter * 2 + l / 16])
                    unsafe out[half * 128 + quarter * 32 + l] =
                        (scale * Float(subScale)) * Float(low | high << 4 - 32)
                }
            }
        }
    }
}

extension Int {
    /// The number, or 1 where it is less: a divisor.
    fileprivate var atLeastOne: Int { Swift.max(self, 1) }
}
