import CheckpointFormat
import Foundation
import OrderedCollections
import TestSupport
import Testing

@Suite struct MetadataTests {
    /// A value of every type, and some that are easily lost.
    static let values: [MetadataValue] = [
        .uint8(.max), .int8(.min), .uint16(.max), .int16(.min), .uint32(.max), .int32(.min), .float32(0.1),
        .float32(Float(bitPattern: 0x7FC0_0001)), .float32(-.infinity), .bool(true), .bool(false),
        .string("crux — ключ"), .string(""), .array(MetadataArray(["a", ""])), .uint64(.max), .int64(.min),
        .float64(-0.0), .float64(Double(bitPattern: 0x7FF8_0000_0000_0001)),
    ]

    @Test func everyTypeComesBackFromAFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("m.crux")
        let writer = try CheckpointWriter.create(at: path)
        for (index, value) in Self.values.enumerated() { writer.setMetadata("key \(index)", value) }
        try writer.finish()
        let reader = try CheckpointReader(path: path)
        #expect(Array(reader.metadata.values) == Self.values)
        #expect(Set(Self.values.map(\.type)).count == 13)
    }

    @Test(arguments: values)
    func everyTypeComesBackFromJSON(value: MetadataValue) throws {
        let data = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(MetadataValue.self, from: data) == value)
    }

    @Test func equalityIsOfTypesAndBits() {
        #expect(MetadataValue.uint8(1) != .int8(1))
        #expect(MetadataValue.float32(0) != .float32(-0.0))
        #expect(MetadataValue.float32(.nan) == .float32(.nan))
        // Canonically equivalent, but other bytes.
        #expect(MetadataValue.string("\u{e9}") != .string("e\u{301}"))
        #expect(Set(Self.values).count == Self.values.count)
    }

    @Test func conveniences() {
        #expect(MetadataValue.uint8(3).intValue == 3)
        #expect(MetadataValue.uint64(.max).intValue == nil)
        #expect(MetadataValue.string("x").intValue == nil)
        #expect(MetadataValue.string("x").stringValue == "x")
        #expect(MetadataValue.bool(true).boolValue == true)
        #expect(MetadataValue.float32(0.5).doubleValue == 0.5)
        #expect(MetadataValue.uint64(1 << 63).doubleValue == 9_223_372_036_854_775_808)
        #expect(MetadataValue.array(MetadataArray(["a", "b"])).stringArrayValue == ["a", "b"])
        #expect(MetadataArray(elementType: .uint8, elements: [.int8(1)]) == nil)
    }

    @Test func settingAKeyAgainKeepsItsPlace() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("m.crux")
        let writer = try CheckpointWriter.create(at: path)
        writer.setMetadata("a", .uint8(1))
        writer.setMetadata("b", .uint8(2))
        writer.setMetadata("a", .uint8(3))
        try writer.finish()
        #expect(try CheckpointReader(path: path).metadata == ["a": .uint8(3), "b": .uint8(2)])
    }
}
