import Codecs
import TestSupport
import Testing

@Suite struct BytePlanesTests {
    func split(_ bytes: [UInt8], width: Int, isRotated: Bool) throws -> [UInt8] {
        var planes = [UInt8](repeating: 0xEE, count: bytes.count)
        var span = planes.mutableSpan
        var raw = unsafe span.mutableBytes
        try BytePlanes.split(unsafe bytes.span.bytes, width: width, isRotated: isRotated, into: &raw)
        return planes
    }

    func join(_ bytes: [UInt8], width: Int, isRotated: Bool) throws -> [UInt8] {
        var elements = [UInt8](repeating: 0xEE, count: bytes.count)
        var span = elements.mutableSpan
        var raw = unsafe span.mutableBytes
        try BytePlanes.join(unsafe bytes.span.bytes, width: width, isRotated: isRotated, into: &raw)
        return elements
    }

    @Test func lowestBytesComeFirst() throws {
        #expect(try split([1, 2, 3, 4, 5, 6, 7, 8], width: 2, isRotated: false) == [1, 3, 5, 7, 2, 4, 6, 8])
        #expect(try split([1, 2, 3, 4, 5, 6, 7, 8], width: 4, isRotated: false) == [1, 5, 2, 6, 3, 7, 4, 8])
        #expect(try split([1, 2, 3, 4, 5, 6, 7, 8], width: 8, isRotated: false) == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test func rotationMovesTheSignToTheLowestBit() throws {
        // −1.0 is BF800000: rotated 7F000001.
        #expect(try split([0, 0, 0x80, 0xBF], width: 4, isRotated: true) == [1, 0, 0, 0x7F])
    }

    @Test(arguments: [2, 4, 8], [false, true])
    func elementsComeBack(width: Int, isRotated: Bool) throws {
        var generator = SeededGenerator(seed: UInt64(width))
        for count in [0, 1, 2, 15, 16, 17, 31, 33, 1000, 4099] {
            let bytes = generator.bytes(count * width)
            let planes = try split(bytes, width: width, isRotated: isRotated)
            #expect(try join(planes, width: width, isRotated: isRotated) == bytes)
        }
    }

    @Test func whatCannotBeSplitIsRefused() {
        #expect(throws: BytePlanes.Failure.width(3)) { try split([1, 2, 3], width: 3, isRotated: false) }
        #expect(throws: BytePlanes.Failure.byteCount(3, width: 2)) { try split([1, 2, 3], width: 2, isRotated: false) }
        #expect(throws: BytePlanes.Failure.width(0)) { try join([], width: 0, isRotated: false) }
        #expect(BytePlanes.Failure.width(3).description == "byte planes have a width of 2, 4 or 8 bytes, not 3")
        #expect(
            BytePlanes.Failure.byteCount(3, width: 2).description == "3 bytes are not whole elements of 2 bytes")
    }
}
