import SystemPackage

/// An input as files: one behind the other, each after a line `@@@ NAME`.
enum InputArchive {
    /// The start of a line that names a file.
    private static let mark = Array("@@@ ".utf8)

    /// Names and contents in their order; at most sixteen. Names are printable ASCII without spaces.
    static func files(_ input: [UInt8]) -> [(name: String, content: [UInt8])] {
        var files: [(name: String, content: [UInt8])] = []
        var start = input.startIndex
        while start < input.endIndex, input[start...].starts(with: mark), files.count < 16 {
            let nameStart = start + mark.count
            let nameEnd = input[nameStart...].firstIndex(of: UInt8(ascii: "\n")) ?? input.endIndex
            let contentStart = min(nameEnd + 1, input.endIndex)
            var end = contentStart
            while end < input.endIndex {
                if input[end] == mark[0], input[end...].starts(with: mark), input[end - 1] == UInt8(ascii: "\n") {
                    break
                }
                end += 1
            }
            let name = String(
                decoding: input[nameStart..<nameEnd].filter { (0x21...0x7E).contains($0) }, as: UTF8.self)
            // The line's end before the next mark is the archive's own.
            let contentEnd = end < input.endIndex ? max(contentStart, end - 1) : end
            files.append((name, Array(input[contentStart..<contentEnd])))
            start = end
        }
        return files
    }
}
