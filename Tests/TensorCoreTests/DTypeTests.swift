import TensorCore
import Testing

@Suite struct DTypeTests {
    @Test func namesAreUnique() {
        #expect(Set(DType.allCases.map(\.rawValue)).count == DType.allCases.count)
    }

    @Test(arguments: [
        (DType.f32, 1, 4), (.bf16, 1, 2), (.c64, 1, 8), (.f4, 2, 1), (.f6e2m3, 4, 3), (.bool, 1, 1), (.q4_0, 32, 18),
        (.q8_0, 32, 34), (.q6_K, 256, 210),
    ])
    func blocks(dtype: DType, elementCount: Int, byteCount: Int) {
        #expect(dtype.block.elementCount == elementCount)
        #expect(dtype.block.byteCount == byteCount)
    }

    @Test func onlyTypesWithSharedScalesAreBlockQuantised() {
        #expect(DType.allCases.filter(\.isBlockQuantised).map(\.rawValue).allSatisfy { $0.hasPrefix("Q") })
    }
}
