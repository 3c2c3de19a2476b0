internal import CheckpointFormat
public import CheckpointInterop
internal import TensorCore

/// Values of a tensor, or of some of its rows and columns.
public struct TensorSlice: Codable, Hashable, Sendable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    public static let currentSchemaVersion = 1

    /// ``currentSchemaVersion`` of the writer.
    public let schemaVersion: Int
    /// The tensor.
    public let name: String
    /// The type of its elements.
    public let dtype: String
    /// Its dimensions.
    public let shape: [Int]
    /// The indices that are shown of each dimension, in order.
    public let indices: [[Int]]
    /// The values at all combinations of ``indices``, the last dimension fastest; 64-bit integers beyond 2⁵³ are rounded.
    public let values: [Double]

    /// The most values that one slice may have.
    public static let valueCountLimit = 100_000

    /// Reads what a selection asks for: `wte.weight`, `wte.weight[0]`, `wte.weight[2:4, :5]`, with Python's rules for
    /// indices from the end.
    ///
    /// A dimension that the selection leaves open shows its first and last three indices where more than a thousand values
    /// would be shown.
    ///
    /// - Throws: ``AnalysisError`` for a tensor that is not there, a selection that cannot be read or is outside of the
    ///   tensor, a type without plain numbers, more than ``valueCountLimit`` values, and what reading throws.
    public init(_ selection: String, of source: any CheckpointSource) throws(AnalysisError) {
        let (tensor, parts) = try Self.tensor(selection, of: source)
        guard ElementValues.isNumeric(tensor.dtype) || [.i64, .u64].contains(tensor.dtype) else {
            throw .unsuitable(
                subject: "\(source.path): tensor '\(tensor.name)'", found: tensor.dtype.rawValue,
                expected: "a type of plain numbers")
        }
        let dimensions = tensor.shape.dimensions
        guard parts.count <= dimensions.count else {
            throw .unsuitable(
                subject: selection, found: "\(parts.count) indices", expected: "at most \(dimensions.count)")
        }
        var ranges: [Range<Int>?] = []
        for (size, part) in zip(dimensions, parts) {
            ranges.append(try Self.range(part, size: size, selection: selection))
        }
        ranges += Array(repeating: nil, count: dimensions.count - parts.count)
        let whole = zip(ranges, dimensions).reduce(1) { total, pair in
            let (product, overflow) = total.multipliedReportingOverflow(by: pair.0?.count ?? pair.1)
            return overflow ? .max : product
        }
        let indices = zip(ranges, dimensions).map { range, size -> [Int] in
            if let range { return Array(range) }
            return whole <= 1000 || size <= 6 ? Array(0..<size) : Array(0..<3) + Array(size - 3..<size)
        }
        let count = indices.reduce(1) { total, part in
            let (product, overflow) = total.multipliedReportingOverflow(by: part.count)
            return overflow ? .max : product
        }
        guard count <= Self.valueCountLimit else {
            throw .unsuitable(
                subject: selection, found: "\(count) values", expected: "at most \(Self.valueCountLimit)")
        }
        self.indices = indices
        (schemaVersion, name, dtype, shape) = (
            Self.currentSchemaVersion, tensor.name, tensor.dtype.rawValue, dimensions
        )
        do throws(CheckpointError) {
            values = try Self.read(tensor, of: source, at: Self.offsets(indices, dimensions))
        } catch {
            throw .checkpoint(error)
        }
    }

    /// The tensor, and what stands in brackets behind its name.
    private static func tensor(
        _ selection: String, of source: any CheckpointSource
    ) throws(AnalysisError) -> (TensorDescription, [Substring]) {
        if let tensor = source.tensor(named: selection) { return (tensor, []) }
        if selection.last == "]", let bracket = selection.lastIndex(of: "[") {
            let inside = selection[selection.index(after: bracket)...].dropLast()
            if let tensor = source.tensor(named: String(selection[..<bracket])) {
                return (tensor, inside.split(separator: ",", omittingEmptySubsequences: false))
            }
        }
        let name = selection.prefix { $0 != "[" }
        let tail = name.split(separator: ".").last ?? name
        let alike = source.tensors.map(\.name).filter { $0.contains(tail) }.prefix(3)
        throw .unsuitable(
            subject: "\(source.path): tensor '\(name)'", found: "no such tensor",
            expected: alike.isEmpty
                ? "one of its \(source.tensors.count) tensors"
                : "for example "
                    + alike.joined(separator: ", "))
    }

    /// A dimension's range; nil for all of it.
    private static func range(
        _ part: Substring, size: Int, selection: String
    ) throws(AnalysisError) -> Range<Int>? {
        let text = String(part.filter { $0 != " " })
        func failure() -> AnalysisError {
            .unsuitable(
                subject: selection, found: "'\(text)' for a dimension of \(size)",
                expected: "an index or a range from:to inside of it")
        }
        func position(_ text: Substring, default value: Int) throws(AnalysisError) -> Int {
            if text.isEmpty { return value }
            guard let number = Int(text), (-size...size).contains(number) else { throw failure() }
            return number < 0 ? number + size : number
        }
        if text == ":" { return nil }
        let ends = text.split(separator: ":", omittingEmptySubsequences: false)
        switch ends.count {
        case 1:
            let index = try position(ends[0], default: size)
            guard (0..<size).contains(index) else { throw failure() }
            return index..<index + 1
        case 2:
            let (from, to) = (try position(ends[0], default: 0), try position(ends[1], default: size))
            guard from <= to else { throw failure() }
            return from..<to
        default: throw failure()
        }
    }

    /// Row-major offsets of all combinations, ascending.
    private static func offsets(_ indices: [[Int]], _ dimensions: [Int]) -> [Int] {
        zip(indices, dimensions).reduce([0]) { offsets, dimension in
            offsets.flatMap { offset in dimension.0.map { offset * dimension.1 + $0 } }
        }
    }

    /// Reads ascending elements; those that lie near each other with one pass.
    private static func read(
        _ tensor: TensorDescription, of source: any CheckpointSource, at offsets: [Int]
    ) throws(CheckpointError) -> [Double] {
        let width = tensor.dtype.block.byteCount
        let reach = 8192
        var values: [Double] = []
        values.reserveCapacity(offsets.count)
        var run = [Double](repeating: 0, count: reach)
        var bytes: [UInt8] = []
        var next = 0
        while next < offsets.count {
            let start = offsets[next]
            var cursor = try TensorCursor(tensor, in: source, bytes: start * width..<tensor.byteCount)
            var (base, isNear) = (start, true)
            while isNear, next < offsets.count {
                try cursor.read(reach * width, into: &bytes)
                guard !bytes.isEmpty else { return values }
                let count = bytes.count / width
                if ElementValues.isNumeric(tensor.dtype) {
                    _ = unsafe ElementValues.read(bytes.span.bytes, as: tensor.dtype, into: &run)
                } else {
                    for index in 0..<count {
                        let bits = bytes[index * 8..<index * 8 + 8].reversed().reduce(UInt64(0)) {
                            $0 << 8 | UInt64($1)
                        }
                        run[index] = tensor.dtype == .i64 ? Double(Int64(bitPattern: bits)) : Double(bits)
                    }
                }
                while next < offsets.count, offsets[next] < base + count {
                    values.append(run[offsets[next] - base])
                    next += 1
                }
                base += count
                isNear = next < offsets.count && offsets[next] < base + 32 * reach
            }
        }
        return values
    }
}
