internal import Rendering

/// How fast something went, in 10⁶ bytes of content.
struct ContentRate: Encodable {
    /// A second of the clock.
    let clock: Double
    /// A second of processor time, of all threads together: what other programs do at the same time matters less.
    let processor: Double

    init(of byteCount: Int, in durations: ProcessorUse.Durations) {
        clock = Double(byteCount) / durations.clock / 1e6
        // The clock of processor time is coarse: what takes less than one of its steps has no rate.
        processor = Double(byteCount) / max(durations.processor, 1e-6) / 1e6
    }

    var text: String {
        func text(_ value: Double) -> String { FigureFormat.count.text(value.rounded()) }
        return "\(text(clock)) MB/s, \(text(processor)) MB per second of processor time"
    }
}
