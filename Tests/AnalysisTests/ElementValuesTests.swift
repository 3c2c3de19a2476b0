import Analysis
import CheckpointInterop
import TensorCore
import TestSupport
import Testing

@Suite struct ElementValuesTests {
    private func values(_ bytes: [UInt8], _ dtype: DType) -> [Double] {
        var values = [Double](repeating: 0, count: bytes.count)
        let count = unsafe ElementValues.read(bytes.span.bytes, as: dtype, into: &values)
        return Array(values[..<count])
    }

    /// PyTorch's values of every bit pattern of the 8-bit types and of a sample of the 16-bit ones.
    @Test(arguments: [DType.f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f16, .bf16])
    func agreesWithPyTorch(dtype: DType) throws {
        let source = try SafetensorsSource(path: Fixtures.path("peers/safetensors/values.safetensors"))
        let stored = try #require(source.tensor(named: dtype.rawValue))
        let expected = try #require(source.tensor(named: dtype.rawValue + ".value"))
        let ours = values(try source.readBytes(of: stored), dtype)
        let theirs = values(try source.readBytes(of: expected), .f32)
        #expect(ours.count == stored.elementCount)
        #expect(ours.count == theirs.count)
        for (index, pair) in zip(ours, theirs).enumerated() {
            #expect(
                pair.0.isNaN ? pair.1.isNaN : pair.0 == pair.1 && pair.0.sign == pair.1.sign, "pattern \(index)")
        }
    }

    @Test func readsTheOtherTypes() {
        #expect(values([0, 0, 0x80, 0x3F, 0, 0, 0x80, 0xFF], .f32) == [1, -.infinity])
        #expect(values([0, 0, 0, 0, 0, 0, 0xF0, 0x3F], .f64) == [1])
        #expect(values([0xFF, 0xFF, 1, 0], .i16) == [-1, 1])
        #expect(values([0xFF, 0xFF], .u16) == [65535])
        #expect(values([0xFF, 0xFF, 0xFF, 0xFF], .i32) == [-1])
        #expect(values([0xFF, 0xFF, 0xFF, 0xFF], .u32) == [4_294_967_295])
        #expect(values([0x80, 0x7F], .i8) == [-128, 127])
        #expect(values([0, 255], .u8) == [0, 255])
        #expect(values([0, 1], .bool) == [0, 1])
    }

    @Test func leavesTypesWithoutExactValuesAlone() {
        for dtype in [DType.i64, .u64, .c64, .f4, .f6e2m3, .q8_0, .q6_K] {
            #expect(values(Array(repeating: 1, count: 300), dtype) == [])
            #expect(!ElementValues.isNumeric(dtype))
        }
    }

    @Test func readsNoFurtherThanTheBuffer() {
        let bytes: [UInt8] = [1, 2, 3, 4]
        var values = [Double](repeating: -1, count: 2)
        let count = unsafe ElementValues.read(bytes.span.bytes, as: .u8, into: &values)
        #expect(count == 2)
        #expect(values == [1, 2])
    }
}
