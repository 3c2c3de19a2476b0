internal import CheckpointInterop
internal import TensorCore

/// A checkpoint's tensors in memory, so that a measurement is not one of reading them.
enum BenchmarkTensors {
    /// One tensor and its content.
    typealias Tensor = (description: TensorDescription, bytes: [UInt8])

    /// Reads the weights, or all tensors.
    ///
    /// - Parameter asBF16: Whether elements of F32 are rounded to BF16 first.
    static func read(_ source: any CheckpointSource, weightsOnly: Bool, asBF16: Bool) throws -> [Tensor] {
        try source.tensors.filter { $0.role == .weight || !weightsOnly }.map { tensor in
            let bytes = try source.readBytes(of: tensor)
            guard asBF16, tensor.dtype == .f32 else { return (tensor, bytes) }
            let description = try TensorDescription(
                name: tensor.name, dtype: .bf16, shape: tensor.shape, role: tensor.role)
            return (description, rounded(bytes))
        }
    }

    /// Little-endian F32 elements as BF16, rounded to the nearest, ties to even.
    private static func rounded(_ bytes: [UInt8]) -> [UInt8] {
        var rounded: [UInt8] = []
        rounded.reserveCapacity(bytes.count / 2)
        for index in stride(from: 0, to: bytes.count, by: 4) {
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[index + $1]) << (8 * UInt32($1)) }
            let word = BFloat16(Float(bitPattern: bits)).bitPattern
            rounded.append(UInt8(truncatingIfNeeded: word))
            rounded.append(UInt8(truncatingIfNeeded: word >> 8))
        }
        return rounded
    }
}
