import Kernels
import LanguageModel

/// The memory that a run holds, by part: planned before any of it is taken.
public struct MemoryPlan: Hashable, Sendable, Encodable {
    /// A use of memory.
    public struct Part: Hashable, Sendable, Encodable {
        /// What it is for.
        public let name: String
        /// Its bytes; the largest number where there are more.
        public let byteCount: Int
    }

    /// The parts, without those that the run does not need.
    public private(set) var parts: [Part] = []

    /// All parts together; the largest number where it is more.
    public private(set) var byteCount = 0
    /// The machine's memory in bytes.
    public let available = PhysicalMemory.byteCount

    /// Adds a part of `floatCount` floats, `times` over; none where that is nothing.
    mutating func add(_ name: String, floatCount: Int, times: Int = 1) {
        let (floats, overflow) = floatCount.multipliedReportingOverflow(by: times)
        let (bytes, byteOverflow) = floats.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
        add(name, byteCount: overflow || byteOverflow ? Int.max : bytes)
    }

    /// Adds a part; none where that is nothing.
    mutating func add(_ name: String, byteCount: Int) {
        guard byteCount > 0 else { return }
        parts.append(Part(name: name, byteCount: byteCount))
        let (sum, overflow) = self.byteCount.addingReportingOverflow(byteCount)
        self.byteCount = overflow ? Int.max : sum
    }

    /// Adds what is trained: parameters, AdamW's two moments, a gradient for each lane, and the copy of parameters and
    /// moments that a save beside training writes.
    mutating func add(network name: String, _ layout: ParameterLayout, configuration: some RunConfiguration) {
        add("\(name): parameters", floatCount: layout.count)
        add("\(name): gradients of the lanes", floatCount: layout.count, times: configuration.execution.gradientLanes)
        add("\(name): moments", floatCount: layout.count, times: 2)
        if configuration.checkpoint.savesBesideSteps {
            add("\(name): copy that is saved", floatCount: layout.count, times: 3)
        }
    }

    /// Adds each worker's activations of forward and backward pass.
    mutating func add(activations configuration: ModelConfiguration, rowCount: Int, workerCount: Int) {
        let bytes = Workspace.byteCount(
            configuration, maximumTokenCount: rowCount, maximumSequenceLength: configuration.contextLength,
            forTraining: true)
        let (all, overflow) = bytes.multipliedReportingOverflow(by: workerCount)
        add("activations", byteCount: overflow ? Int.max : all)
    }

    /// Checks that the machine has so much.
    ///
    /// - Throws: ``TrainingError`` naming the largest part.
    func check(parameterCount: Int) throws(TrainingError) {
        guard byteCount > available else { return }
        let largest = parts.max { $0.byteCount < $1.byteCount }
        throw TrainingError(
            .tooLarge(
                parameterCount: parameterCount, byteCount: byteCount, available: available,
                largest: largest?.name ?? ""))
    }
}
