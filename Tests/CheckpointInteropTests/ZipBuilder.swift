/// Makes zip archives member by member, right ones and wrong ones.
enum ZipBuilder {
    /// A member's fields, to be made wrong.
    struct Member {
        var name = Array("a.npy".utf8)
        var localName: [UInt8]?
        var content: [UInt8] = []
        var method: UInt16 = 0
        var flags: UInt16 = 0
        var crc: UInt32 = 0
        var size: UInt32?
        var packedSize: UInt32?
        var localSize: UInt32?
        /// Where the directory says that the member starts; by default where it does.
        var offset: UInt32?
    }

    static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func archive(_ members: [Member], count: UInt16? = nil, shift: UInt32 = 0) -> [UInt8] {
        var (bytes, directory): ([UInt8], [UInt8]) = ([], [])
        for member in members {
            let start = UInt32(bytes.count)
            let (packed, size) = (
                member.packedSize ?? UInt32(member.content.count), member.size ?? UInt32(member.content.count)
            )
            let localName = member.localName ?? member.name
            bytes += little(UInt32(0x0403_4B50)) + little(UInt16(20)) + little(member.flags) + little(member.method)
            bytes += little(UInt32(0)) + little(member.crc) + little(packed) + little(member.localSize ?? size)
            bytes += little(UInt16(localName.count)) + little(UInt16(0)) + localName + member.content
            directory += little(UInt32(0x0201_4B50)) + little(UInt16(20)) + little(UInt16(20)) + little(member.flags)
            directory += little(member.method) + little(UInt32(0)) + little(member.crc) + little(packed) + little(size)
            directory += little(UInt16(member.name.count)) + [UInt8](repeating: 0, count: 12)
            directory += little(member.offset ?? start) + member.name
        }
        let start = UInt32(bytes.count)
        let total = count ?? UInt16(members.count)
        bytes += directory + little(UInt32(0x0605_4B50)) + little(UInt32(0)) + little(total) + little(total)
        return bytes + little(UInt32(directory.count)) + little(start + shift) + little(UInt16(0))
    }
}
