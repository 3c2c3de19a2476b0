import Foundation
import LanguageModel
import SystemPackage
import TestSupport

/// The golden values of `fixtures/golden`: just enough of safetensors to read them.
struct GoldenFile {
    enum Problem: Error { case malformed(String) }

    private let content: Data
    private let bodyStart: Int
    private let header: [String: Entry]

    private struct Entry: Decodable {
        let dtype: String?
        let shape: [Int]?
        let data_offsets: [Int]?
    }

    init(_ name: String) throws {
        content = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("golden/\(name).safetensors").string))
        let headerByteCount = content.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        bodyStart = 8 + headerByteCount
        header = try JSONDecoder().decode([String: Entry].self, from: content[8..<bodyStart])
    }

    /// A tensor of floats, flattened.
    func floats(_ name: String) throws -> [Float] {
        try words(name, "F32").map { Float(bitPattern: $0) }
    }

    /// A tensor of 32-bit integers.
    func integers(_ name: String) throws -> [Int32] {
        try words(name, "I32").map { Int32(bitPattern: $0) }
    }

    func shape(_ name: String) -> [Int]? { header[name]?.shape }

    private func words(_ name: String, _ dtype: String) throws -> [UInt32] {
        guard let entry = header[name], entry.dtype == dtype, let offsets = entry.data_offsets else {
            throw Problem.malformed(name)
        }
        let bytes = content[(bodyStart + offsets[0])..<(bodyStart + offsets[1])]
        return stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).map { start in
            (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
        }
    }
}

extension PackedBatch {
    /// The batch of a golden file of a model.
    init(golden: GoldenFile) throws {
        self.init()
        let tokens = try golden.integers("tokens")
        let positions = try golden.integers("positions")
        let starts = try golden.integers("sequence_starts").map(Int.init)
        for (start, end) in zip(starts, starts.dropFirst()) {
            append(tokens[start..<end], firstPosition: Int(positions[start]))
        }
    }
}
