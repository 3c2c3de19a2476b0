internal import CheckpointFormat
internal import SystemPackage
internal import TensorCore

/// A tensor whose elements lie at regular distances in some bytes, read in row-major order.
///
/// What is row-major already is read as it is. Anything else is gathered in boxes of bounded size, in the order in
/// which the bytes lie.
struct StridedTensor: Sendable {
    /// The tensor.
    let description: TensorDescription
    private let content: ContentBytes
    /// Where the first element starts.
    private let byteOffset: Int
    /// The distance of neighbours along each dimension, in bytes; empty where the elements are row-major.
    private let strides: [Int]
    /// The size of the numbers whose bytes come in the opposite order; nil where none do.
    private let swappedWidth: Int?
    private let isContiguous: Bool
    /// Dimensions before it are walked one index at a time.
    private let bandDimension: Int
    private let rowsOfBand: Int

    /// What is wrong with a tensor's place.
    struct Problem: Error {
        let found: String
        let expected: String
    }

    /// The largest box that is gathered at a time, in bytes.
    private static let boxByteCount = 1 << 26

    /// - Parameters:
    ///   - offset: The first element, counted in elements.
    ///   - strides: In elements; nil for row-major ones.
    ///   - isBigEndian: Whether numbers have their highest byte first.
    init(
        _ description: TensorDescription, in content: ContentBytes, offset: Int = 0, byteOffset: Int = 0,
        strides: [Int]? = nil, isBigEndian: Bool = false
    ) throws(Problem) {
        let dimensions = description.shape.dimensions
        let block = description.dtype.block
        let rowMajor = Self.rowMajorStrides(dimensions)
        let strides = strides ?? rowMajor
        guard strides.count == dimensions.count, strides.allSatisfy({ $0 >= 0 }), offset >= 0 else {
            throw Problem(
                found: "strides \(Shape(strides)) from \(offset)",
                expected: "\(dimensions.count) of 0 or more, from 0 or more")
        }
        isContiguous =
            description.elementCount == 0
            || zip(dimensions, zip(strides, rowMajor)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
        guard isContiguous || block.elementCount == 1 else {
            throw Problem(found: "strides \(Shape(strides))", expected: "row-major ones for elements that share bytes")
        }
        // The last element's end, in elements; types of less than a byte are contiguous.
        var (last, overflows) = (offset, false)
        if isContiguous {
            (last, overflows) = offset.addingReportingOverflow(description.elementCount)
        } else {
            for (size, stride) in zip(dimensions, strides) {
                let (distance, first) = (size - 1).multipliedReportingOverflow(by: stride)
                let (sum, second) = last.addingReportingOverflow(distance)
                (last, overflows) = (sum, overflows || first || second)
            }
            last += overflows ? 0 : 1
        }
        let (bits, third) = (last / block.elementCount).multipliedReportingOverflow(by: block.byteCount)
        let (end, fourth) = bits.addingReportingOverflow(byteOffset)
        guard !overflows, !third, !fourth, end <= content.count || description.elementCount == 0 else {
            throw Problem(
                found: "\(content.count - byteOffset) bytes",
                expected: "the last element of \(description.shape) with strides \(Shape(strides)) from \(offset)")
        }
        self.description = description
        self.content = content
        self.byteOffset = byteOffset + offset / block.elementCount * block.byteCount
        // A dimension of one element is not stepped along, nor any of a tensor without elements: those strides may be
        // any numbers. The others lie within the content.
        self.strides =
            isContiguous
            ? [] : zip(dimensions, strides).map { size, stride in size == 1 ? 0 : stride * block.byteCount }
        let width = description.dtype == .c64 ? 4 : block.byteCount
        swappedWidth = isBigEndian && width > 1 ? width : nil
        // The first dimension whose rows fit a box.
        var rowByteCount = description.byteCount
        var dimension = 0
        while dimension < dimensions.count {
            rowByteCount /= max(1, dimensions[dimension])
            if rowByteCount <= Self.boxByteCount { break }
            dimension += 1
        }
        bandDimension = dimension
        rowsOfBand = max(1, Self.boxByteCount / max(1, rowByteCount))
    }

    private static func rowMajorStrides(_ dimensions: [Int]) -> [Int] {
        var (strides, step) = ([Int](), 1)
        for size in dimensions.reversed() {
            strides.append(step)
            step = step.multipliedReportingOverflow(by: max(1, size)).partialValue
        }
        return strides.reversed()
    }

    /// The strides of the order in which Fortran and MATLAB keep arrays: the first dimension's neighbours lie together.
    static func columnMajorStrides(_ shape: Shape) -> [Int] { rowMajorStrides(shape.dimensions.reversed()).reversed() }

    /// Chunks of about 1 MiB, or one for each box that is gathered.
    var storage: TensorStorage {
        TensorStorage(
            storedByteCount: description.byteCount, chunkCount: chunkCount,
            codecNames: [content.isPacked ? "deflate" : "raw"], digest: nil,
            chunkByteCount: isContiguous && !content.isPacked ? RawTensors.chunkByteCount(of: description) : nil)
    }

    private var bandCount: Int {
        guard bandDimension < description.shape.rank else { return 1 }
        return (description.shape.dimensions[bandDimension] + rowsOfBand - 1) / rowsOfBand
    }

    private var chunkCount: Int {
        if description.elementCount == 0 { return 0 }
        if isContiguous { return RawTensors.chunkCount(of: description) }
        return description.shape.dimensions[..<bandDimension].reduce(bandCount, *)
    }

    /// Replaces the buffer's content by one chunk.
    func readChunk(_ chunk: Int, path: FilePath, into buffer: inout [UInt8]) throws(CheckpointError) {
        guard (0..<chunkCount).contains(chunk) else {
            throw CheckpointError.noSuchChunk(chunk, of: description, path: path)
        }
        if isContiguous {
            let start = chunk * RawTensors.chunkByteCount(of: description)
            let end = min(description.byteCount, start + RawTensors.chunkByteCount(of: description))
            try content.read(byteOffset + start..<byteOffset + end, into: &buffer)
        } else {
            try gather(chunk, into: &buffer)
        }
        guard let swappedWidth else { return }
        for start in stride(from: 0, to: buffer.count - swappedWidth + 1, by: swappedWidth) {
            buffer[start..<start + swappedWidth].reverse()
        }
    }

    private func gather(_ chunk: Int, into buffer: inout [UInt8]) throws(CheckpointError) {
        // The box: one index of each dimension before the band's, some of the band's, all of those after it.
        let dimensions = description.shape.dimensions
        var start = byteOffset
        var rest = chunk / bandCount
        for dimension in (0..<bandDimension).reversed() {
            start += rest % dimensions[dimension] * strides[dimension]
            rest /= dimensions[dimension]
        }
        var box = Array(dimensions[bandDimension...])
        if !box.isEmpty {
            let first = chunk % bandCount * rowsOfBand
            start += first * strides[bandDimension]
            box[0] = min(rowsOfBand, box[0] - first)
        }
        let width = description.dtype.block.byteCount
        let byteCount = box.reduce(width, *)
        if buffer.count != byteCount { buffer = [UInt8](repeating: 0, count: byteCount) }
        // The shortest distances last, so that the bytes are read in their order.
        let axes = zip(box, zip(strides[bandDimension...], Self.rowMajorStrides(box)))
            .map { (count: $0, from: $1.0, to: $1.1 * width) }
            .sorted { $0.from > $1.from }
        var window = Window(content, isDense: isDense(box))
        switch width {
        case 1: try copy(axes, from: start, UInt8.self, &window, into: &buffer)
        case 2: try copy(axes, from: start, UInt16.self, &window, into: &buffer)
        case 4: try copy(axes, from: start, UInt32.self, &window, into: &buffer)
        default: try copy(axes, from: start, UInt64.self, &window, into: &buffer)
        }
    }

    /// Whether most of the bytes between a box's first and last element are its own.
    private func isDense(_ box: [Int]) -> Bool {
        let span = zip(box, strides[bandDimension...]).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
        return span / 4 <= box.reduce(description.dtype.block.byteCount, *)
    }

    private typealias Axis = (count: Int, from: Int, to: Int)

    private func copy<Element: FixedWidthInteger & BitwiseCopyable>(
        _ axes: [Axis], from start: Int, _: Element.Type, _ window: inout Window, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        let inner = axes.last ?? (1, 0, 0)
        let outer = axes.dropLast()
        var index = [Int](repeating: 0, count: outer.count)
        var (source, target) = (start, 0)
        while true {
            for step in 0..<inner.count {
                let value = try window.load(at: source + step * inner.from, as: Element.self)
                unsafe buffer.withUnsafeMutableBytes { buffer in
                    unsafe buffer.storeBytes(of: value, toByteOffset: target + step * inner.to, as: Element.self)
                }
            }
            var axis = outer.count - 1
            while axis >= 0 {
                index[axis] += 1
                (source, target) = (source + outer[axis].from, target + outer[axis].to)
                if index[axis] < outer[axis].count { break }
                source -= index[axis] * outer[axis].from
                target -= index[axis] * outer[axis].to
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }

    /// A stretch of the bytes in memory, moved to where an element is asked for.
    private struct Window {
        let content: ContentBytes
        let byteCount: Int
        private var start = 0
        private var bytes: [UInt8] = []

        init(_ content: ContentBytes, isDense: Bool) {
            self.content = content
            byteCount = isDense ? 1 << 20 : 1 << 12
        }

        @inline(__always)
        mutating func load<Element: FixedWidthInteger & BitwiseCopyable>(
            at offset: Int, as type: Element.Type
        ) throws(CheckpointError) -> Element {
            if offset < start || offset + MemoryLayout<Element>.size > start + bytes.count {
                try content.read(offset..<min(content.count, offset + byteCount), into: &bytes)
                start = offset
            }
            return unsafe bytes.withUnsafeBytes {
                unsafe $0.loadUnaligned(fromByteOffset: offset - start, as: type)
            }
        }
    }
}

/// Tensors of one file by their names.
struct StridedTensors: Sendable {
    /// The descriptions in the order in which the tensors were given.
    let descriptions: [TensorDescription]
    private let tensors: [String: StridedTensor]
    private let path: FilePath

    /// Takes tensors of different names.
    init(_ tensors: [StridedTensor], path: FilePath) {
        descriptions = tensors.map(\.description)
        self.tensors = Dictionary(tensors.map { ($0.description.name, $0) }) { first, _ in first }
        self.path = path
    }

    /// The tensor of that name.
    func tensor(named name: String) -> TensorDescription? { tensors[name]?.description }

    /// How a tensor is stored.
    func storage(of tensor: TensorDescription) -> TensorStorage {
        tensors[tensor.name]?.storage
            ?? TensorStorage(storedByteCount: 0, chunkCount: 0, codecNames: [], digest: nil)
    }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        guard let strided = tensors[tensor.name], strided.description == tensor else {
            throw CheckpointError.noSuchChunk(chunk, of: tensor, path: path)
        }
        try strided.readChunk(chunk, path: path, into: &buffer)
    }
}
