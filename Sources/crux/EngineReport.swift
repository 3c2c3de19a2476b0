internal import Rendering

/// What `crux bench` measured.
struct EngineReport: Encodable {
    /// The measurement with one number of workers.
    struct Result: Encodable {
        let threads: Int
        /// Of the median step.
        let millisecondsPerStep: Double
        /// User and system time of all threads, of the median step.
        let processorMillisecondsPerStep: Double
        let tokensPerSecond: Double
        /// Single-precision operations a second that the threads reached in registers, measured in this run.
        let peakOperationsPerSecond: Double
        let shareOfPeak: Double
        /// Buffers of floats allocated in all measured steps together.
        let bufferAllocations: Int
    }

    private(set) var schemaVersion = 2
    let task: String
    let shape: String
    let steps: Int
    /// Sequences of a step.
    let batch: Int
    let contextLength: Int
    let parameters: Int
    let operationsPerToken: Double
    /// The process' largest resident size.
    let peakMemoryBytes: Int
    let results: [Result]

    /// The measurement for a terminal; speeds of several numbers of threads beside the first one's.
    func text(style: TerminalStyle) -> String {
        let table = TextTable(
            columns: [
                .init("threads", .right), .init("tokens/s", .right), .init("of linear", .right),
                .init("ms/step", .right), .init("processor ms/step", .right), .init("share of peak", .right),
                .init("peak GF/s", .right), .init("buffers allocated", .right),
            ],
            rows: results.map { result in
                let first = results[0]
                let linear = first.tokensPerSecond * Double(result.threads) / Double(first.threads)
                return [
                    .init(FigureFormat.count.text(result.threads)),
                    .init(FigureFormat.count.text(result.tokensPerSecond)),
                    .init(FigureFormat.percent(0).text(result.tokensPerSecond / linear)),
                    .init(FigureFormat.significant(4).text(result.millisecondsPerStep)),
                    .init(FigureFormat.significant(4).text(result.processorMillisecondsPerStep)),
                    .init(FigureFormat.percent(0).text(result.shareOfPeak)),
                    .init(FigureFormat.significant(3).text(result.peakOperationsPerSecond / 1e9)),
                    .init(FigureFormat.count.text(result.bufferAllocations)),
                ]
            })
        let megabytes = FigureFormat.count.text(peakMemoryBytes >> 20)
        return "\(task) \(shape), batch \(batch), context \(contextLength), "
            + "\(FigureFormat.count.text(parameters)) parameters; median of \(steps) steps, "
            + "\(megabytes) MiB at most\n" + table.text(style: style)
    }
}
