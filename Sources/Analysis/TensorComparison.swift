internal import CheckpointFormat
internal import CheckpointInterop
internal import Kernels
internal import TensorCore

/// The comparison of one tensor's content, or of a stretch of it, run by run in bounded memory.
struct TensorComparison: Sendable {
    /// The elements of a run; the buffers of a run stay in the second-level cache.
    private static let runElementCount = 8192

    /// The base's tensor.
    let base: TensorDescription
    /// The policy's tensor, of the same shape.
    let policy: TensorDescription
    /// The elements that were compared.
    private let elements: Range<Int>
    /// The sums over the elements; nil for types that are compared bit by bit only.
    private(set) var sums: DifferenceSums?
    /// Elements whose bits differ.
    private(set) var bitwiseCount = 0

    /// The tensor's block and kind.
    var place: ParameterPlace { ParameterPlace(tensorName: policy.name) }

    /// Whether type and every bit are the same.
    var isIdentical: Bool { base.dtype == policy.dtype && bitwiseCount == 0 }

    /// Notes that stored digests say that the tensors are the same; nothing is read.
    init(identical base: TensorDescription, policy: TensorDescription, elements: Range<Int>) {
        self.base = base
        self.policy = policy
        self.elements = elements
    }

    /// Reads a tensor that is the same on both sides from the base, for its norm.
    init(
        identical base: TensorDescription, policy: TensorDescription, elements: Range<Int>,
        in source: any CheckpointSource
    ) throws(CheckpointError) {
        self.init(identical: base, policy: policy, elements: elements)
        guard ElementValues.isNumeric(base.dtype) else { return }
        var sums = emptySums
        var cursor = try cursor(of: base, in: source)
        var bytes: [UInt8] = []
        var values = [Double](repeating: 0, count: Self.runElementCount)
        while true {
            try cursor.read(Self.runElementCount * base.dtype.block.byteCount, into: &bytes)
            guard !bytes.isEmpty else { break }
            let count = unsafe ElementValues.read(bytes.span.bytes, as: base.dtype, into: &values)
            let run = values.span.extracting(0..<count)
            sums.add(unchanged: run)
            if base.dtype.stepType != nil { sums.addUnmoved(count) }
        }
        self.sums = sums
    }

    /// Compares the content of two tensors of the same shape.
    init(
        _ base: TensorDescription, in baseSource: any CheckpointSource, with policy: TensorDescription,
        in policySource: any CheckpointSource, elements: Range<Int>, tolerances: ChangeTolerances
    ) throws(CheckpointError) {
        self.init(identical: base, policy: policy, elements: elements)
        if let types = Self.floatTypes(base.dtype, policy.dtype) {
            try compareFloats(baseSource, policySource, types, tolerances)
        } else {
            try compareOthers(baseSource, policySource, tolerances)
        }
    }

    /// The types where both sides are floats that single precision holds exactly.
    private static func floatTypes(
        _ base: DType, _ policy: DType
    ) -> (base: ElementDifference.StepType, policy: ElementDifference.StepType)? {
        guard let base = base.stepType, let policy = policy.stepType else { return nil }
        return (base, policy)
    }

    private mutating func compareFloats(
        _ baseSource: any CheckpointSource, _ policySource: any CheckpointSource,
        _ types: (base: ElementDifference.StepType, policy: ElementDifference.StepType),
        _ tolerances: ChangeTolerances
    ) throws(CheckpointError) {
        var (from, to) = try (cursor(of: base, in: baseSource), cursor(of: policy, in: policySource))
        let widths = (base.dtype.block.byteCount, policy.dtype.block.byteCount)
        var run = FloatRun(types: types, tolerances: tolerances, offset: elements.lowerBound, sums: emptySums)
        while true {
            let available = min(try from.availableByteCount() / widths.0, try to.availableByteCount() / widths.1)
            guard available > 0 else { break }
            let count = min(available, Self.runElementCount)
            from.take(count * widths.0) { base in
                to.take(count * widths.1) { policy in run.add(base: base, policy: policy) }
            }
        }
        // Elements that lie across the ends of two chunks, and what is after them.
        var bytes: ([UInt8], [UInt8]) = ([], [])
        while true {
            try from.read(Self.runByteCount(base.dtype), into: &bytes.0)
            try to.read(Self.runByteCount(policy.dtype), into: &bytes.1)
            guard !bytes.0.isEmpty, !bytes.1.isEmpty else { break }
            unsafe run.add(base: bytes.0.span.bytes, policy: bytes.1.span.bytes)
        }
        bitwiseCount = run.sums.bitwiseCount
        sums = run.sums
    }

    /// The sums over runs of floats.
    private struct FloatRun {
        let types: (base: ElementDifference.StepType, policy: ElementDifference.StepType)
        let tolerances: ChangeTolerances
        /// Where in the tensor the next run begins.
        var offset: Int
        var sums: DifferenceSums
        /// Values of types that are not single floats.
        private var values = (
            [Float](repeating: 0, count: TensorComparison.runElementCount),
            [Float](repeating: 0, count: TensorComparison.runElementCount)
        )

        init(
            types: (base: ElementDifference.StepType, policy: ElementDifference.StepType), tolerances: ChangeTolerances,
            offset: Int, sums: DifferenceSums
        ) {
            self.types = types
            self.tolerances = tolerances
            self.offset = offset
            self.sums = sums
        }

        /// Adds a run of as many elements on both sides, at most ``TensorComparison/runElementCount``.
        mutating func add(base: RawSpan, policy: RawSpan) {
            let (types, tolerances, offset) = (types, tolerances, offset)
            // Taken out, so that the closures change no part of what they are lent.
            var sums = DifferenceSums()
            swap(&sums, &self.sums)
            let count = ElementDifference.withValues(of: base, as: types.base, in: &values.0) { from in
                ElementDifference.withValues(of: policy, as: types.policy, in: &values.1) { to in
                    sums.add(base: from, policy: to, offset: offset, tolerances: tolerances)
                    if types.base == types.policy {
                        sums.bitwiseCount += sums.addSteps(base: base, policy: policy, type: types.base)
                    } else {
                        _ = unsafe sums.addSteps(base: from.bytes, policy: to.bytes, type: .f32)
                        for index in 0..<min(from.count, to.count) where from[index] != to[index] {
                            sums.bitwiseCount += from[index].isNaN && to[index].isNaN ? 0 : 1
                        }
                    }
                    return min(from.count, to.count)
                }
            }
            swap(&sums, &self.sums)
            self.offset += count
        }
    }

    private mutating func compareOthers(
        _ baseSource: any CheckpointSource, _ policySource: any CheckpointSource, _ tolerances: ChangeTolerances
    ) throws(CheckpointError) {
        var cursors = try (cursor(of: base, in: baseSource), cursor(of: policy, in: policySource))
        var bytes: ([UInt8], [UInt8]) = ([], [])
        let hasValues = ElementValues.isNumeric(base.dtype) && ElementValues.isNumeric(policy.dtype)
        var values = (
            [Double](repeating: 0, count: hasValues ? Self.runElementCount : 0),
            [Double](repeating: 0, count: hasValues ? Self.runElementCount : 0)
        )
        var sums = emptySums
        var offset = elements.lowerBound
        while true {
            try cursors.0.read(Self.runByteCount(base.dtype), into: &bytes.0)
            try cursors.1.read(Self.runByteCount(policy.dtype), into: &bytes.1)
            guard !bytes.0.isEmpty || !bytes.1.isEmpty else { break }
            var isUnchanged = false
            if base.dtype == policy.dtype {
                let changed = unsafe ChangedElements.bitwise(
                    bytes.0.span.bytes, bytes.1.span.bytes, width: base.dtype.block.byteCount)
                bitwiseCount += changed * base.dtype.block.elementCount
                isUnchanged = changed == 0
            }
            guard hasValues else { continue }
            let baseCount = unsafe ElementValues.read(bytes.0.span.bytes, as: base.dtype, into: &values.0)
            if isUnchanged {
                sums.add(unchanged: values.0.span.extracting(0..<baseCount))
                offset += baseCount
                continue
            }
            let policyCount = unsafe ElementValues.read(bytes.1.span.bytes, as: policy.dtype, into: &values.1)
            let count = min(baseCount, policyCount)
            let (from, to) = (values.0.span.extracting(0..<count), values.1.span.extracting(0..<count))
            sums.add(base: from, policy: to, offset: offset, tolerances: tolerances)
            sums.bfloat16Count += ChangedElements.asBFloat16(from, to)
            if base.dtype != policy.dtype { bitwiseCount += ChangedElements.byValue(from, to) }
            offset += count
        }
        // Two types of which one has no values cannot be compared at all: every element counts as changed.
        if base.dtype != policy.dtype, !hasValues { bitwiseCount = elements.count }
        sums.bitwiseCount = bitwiseCount
        if hasValues { self.sums = sums }
    }

    private var emptySums: DifferenceSums {
        var sums = DifferenceSums()
        sums.elementCount = elements.count
        sums.largestTensor = (base.name, base.shape.dimensions)
        return sums
    }

    private func cursor(
        of tensor: TensorDescription, in source: any CheckpointSource
    ) throws(CheckpointError) -> TensorCursor {
        let block = tensor.dtype.block
        // Ranges start and end at whole blocks.
        return try TensorCursor(
            tensor, in: source,
            bytes: elements.lowerBound / block.elementCount
                * block.byteCount..<elements.upperBound / block.elementCount * block.byteCount)
    }

    /// Adds another stretch of the same tensor; the result is about the whole tensor once all are added.
    mutating func add(_ other: TensorComparison) {
        bitwiseCount += other.bitwiseCount
        if let sums = other.sums { self.sums?.add(sums) }
    }

    private static func runByteCount(_ dtype: DType) -> Int {
        runElementCount / dtype.block.elementCount * dtype.block.byteCount
    }

    /// What the report says about the tensor.
    var difference: TensorDifference {
        TensorDifference(
            name: policy.name,
            role: policy.role.name,
            place: place,
            shape: policy.shape.dimensions,
            baseDType: base.dtype,
            policyDType: policy.dtype,
            isIdentical: isIdentical,
            changedBitwise: ElementShare(count: bitwiseCount, total: base.elementCount),
            figures: sums?.figures)
    }
}

extension DType {
    /// The type whose steps (ULP) are counted; nil for all but F32, F16 and BF16.
    fileprivate var stepType: ElementDifference.StepType? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        default: nil
        }
    }
}
