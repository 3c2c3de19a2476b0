/// The loops that write elements; `values` holds the elements of `blockCount` blocks and `bytes` is their place.
@unsafe
struct FloatEncoder {
    let values: UnsafeBufferPointer<Float>
    let bytes: UnsafeMutableRawBufferPointer
    let blockCount: Int

    /// Writes all blocks; returns the index of the first value that the type cannot hold.
    func encode(_ dtype: DType, allowsInfinities: Bool) -> Int? {
        switch dtype {
        case .f32:
            for index in 0..<(unsafe blockCount) {
                unsafe bytes.storeBytes(
                    of: values[index].bitPattern.littleEndian, toByteOffset: index * 4, as: UInt32.self)
            }
            return nil
        case .f16: return unsafe each(allowsInfinities, infinity: 0x7C00) { $0.halfBits }
        case .bf16: return unsafe each(allowsInfinities, infinity: 0x7F80) { BFloat16($0).bitPattern }
        case .q8_0: return unsafe q8_0()
        case .q4_0: return unsafe q4_0()
        default: return nil
        }
    }

    @inline(__always)
    private func each(_ allowsInfinities: Bool, infinity: UInt16, _ bits: (Float) -> UInt16) -> Int? {
        for index in 0..<(unsafe blockCount) {
            let value = unsafe values[index]
            let encoded = bits(value)
            if encoded & 0x7FFF == infinity, value.isFinite, !allowsInfinities { return index }
            unsafe bytes.storeBytes(of: encoded.littleEndian, toByteOffset: index * 2, as: UInt16.self)
        }
        return nil
    }

    /// The index of the value of largest magnitude among the block's, the first of several; or of the first that is
    /// not finite.
    @inline(__always)
    private func extreme(ofBlock block: Int) -> Int {
        var (extreme, largest) = (block * 32, Float(0))
        for index in block * 32..<block * 32 + 32 {
            let magnitude = unsafe values[index].magnitude
            guard magnitude.isFinite else { return index }
            if magnitude > largest { (extreme, largest) = (index, magnitude) }
        }
        return extreme
    }

    /// Starts a block with its scale; false where half precision cannot hold it.
    @inline(__always)
    private func store(scale: Float, at offset: Int) -> Bool {
        let bits = scale.halfBits
        unsafe bytes.storeBytes(of: bits.littleEndian, toByteOffset: offset, as: UInt16.self)
        return bits & 0x7C00 != 0x7C00
    }

    private func q8_0() -> Int? {
        for block in 0..<(unsafe blockCount) {
            let extreme = unsafe extreme(ofBlock: block)
            // The elements are divided by the scale before it is rounded to half precision.
            let scale = unsafe values[extreme].magnitude / 127
            guard scale.isFinite, unsafe store(scale: scale, at: block * 34) else { return extreme }
            let inverse = scale == 0 ? 0 : 1 / scale
            for j in 0..<32 {
                let scaled = unsafe values[block * 32 + j] * inverse
                // An infinity or a NaN, where the inverse of a tiny scale is infinite, is 0 as a byte.
                let magnitude = scaled.magnitude < 128 ? scaled.magnitude : 0
                let whole = Int32(magnitude)
                let rounded = magnitude - Float(whole) >= 0.5 ? whole + 1 : whole
                unsafe bytes[block * 34 + 2 + j] = UInt8(truncatingIfNeeded: scaled < 0 ? -rounded : rounded)
            }
        }
        return nil
    }

    private func q4_0() -> Int? {
        for block in 0..<(unsafe blockCount) {
            let extreme = unsafe extreme(ofBlock: block)
            let scale = unsafe values[extreme] / -8
            guard scale.isFinite, unsafe store(scale: scale, at: block * 18) else { return extreme }
            let inverse = scale == 0 ? 0 : 1 / scale
            @inline(__always) func nibble(_ index: Int) -> UInt8 {
                let shifted = unsafe values[block * 32 + index] * inverse + 8.5
                return shifted > 0 && shifted < 256 ? min(15, UInt8(shifted)) : 0
            }
            for j in 0..<16 { unsafe bytes[block * 18 + 2 + j] = nibble(j) | nibble(j + 16) << 4 }
        }
        return nil
    }
}
