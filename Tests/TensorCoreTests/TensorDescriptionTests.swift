import TensorCore
import Testing

@Suite struct TensorDescriptionTests {
    @Test func sizesFollowFromTypeAndShape() throws {
        #expect(try TensorDescription(name: "w", dtype: .f32, shape: [768, 2304]).byteCount == 768 * 2304 * 4)
        #expect(try TensorDescription(name: "w", dtype: .f32, shape: []).byteCount == 4)
        #expect(try TensorDescription(name: "w", dtype: .i64, shape: [3, 0]).byteCount == 0)
        #expect(try TensorDescription(name: "w", dtype: .q4_K, shape: [2, 512]).byteCount == 4 * 144)
        #expect(try TensorDescription(name: "w", dtype: .f4, shape: [3, 2]).byteCount == 3)
        #expect(try TensorDescription(name: "w", dtype: .f6e3m2, shape: [2, 2]).byteCount == 3)
    }

    @Test(arguments: [
        (Shape([-1]), "tensor 'w': shape [-1] has a negative size or more elements than can be addressed"),
        (
            Shape([1 << 32, 1 << 32]),
            "tensor 'w': shape [4294967296, 4294967296] has a negative size or more elements than can be addressed"
        ),
        (
            Shape([1 << 62]),
            "tensor 'w': shape [4611686018427387904] has a negative size or more elements than can be addressed"
        ),
    ])
    func sizesThatCannotExistAreRefused(shape: Shape, message: String) throws {
        let error = try #require(throws: TensorError.self) {
            try TensorDescription(name: "w", dtype: .f32, shape: shape)
        }
        #expect(error.description == message)
    }

    @Test func blocksLieAlongTheInnermostDimension() throws {
        let error = try #require(throws: TensorError.self) {
            try TensorDescription(name: "w", dtype: .q8_0, shape: [32, 16])
        }
        #expect(error.description == "tensor 'w': shape [32, 16] does not fill whole blocks of 32 Q8_0 elements")
        #expect(throws: TensorError.self) { try TensorDescription(name: "w", dtype: .f4, shape: [3]) }
        #expect(throws: TensorError.self) { try TensorDescription(name: "w", dtype: .q8_0, shape: []) }
    }

    @Test func shapesPrint() {
        #expect(Shape([2, 3]).description == "[2, 3]")
        #expect(Shape([]).description == "[]")
    }
}
