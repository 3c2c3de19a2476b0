public import Kernels
internal import TensorCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension GPT {
    /// Sets all parameters as GPT-2 does: normal with deviation 0.02, the projections into the residual stream
    /// with 0.02 / √(2 · layers), ones for LayerNorm weights, zeros for biases.
    ///
    /// - Parameters:
    ///   - parameters: in the order of ``layout``, overwritten.
    ///   - seed: the run's seed; each tensor draws from a stream of its own.
    public func initialise(_ parameters: FloatSlice, seed: UInt64) {
        precondition(parameters.count == layout.count, "parameters of another model")
        let key = RandomStream.Key(seed: seed, purpose: .modelInitialisation)
        for (index, entry) in layout.entries.enumerated() {
            let slice = parameters[entry.range]
            guard entry.shape.rank >= 2 else {
                slice.fill(entry.name.hasSuffix(".weight") ? 1 : 0)
                continue
            }
            let isResidual = entry.name.hasSuffix("c_proj.weight")
            let deviation = isResidual ? 0.02 / (2 * Double(configuration.layerCount)).squareRoot() : 0.02
            var stream = RandomStream(key, sample: UInt64(index))
            slice.withMutableSpan { span in
                // Box and Muller: two uniform numbers make two normal ones.
                for start in stride(from: 0, to: span.count, by: 2) {
                    let radius = deviation * (-2 * log(1 - stream.nextUnit())).squareRoot()
                    let angle = 2 * Double.pi * stream.nextUnit()
                    span[start] = Float(radius * cos(angle))
                    if start + 1 < span.count { span[start + 1] = Float(radius * sin(angle)) }
                }
            }
        }
    }
}
