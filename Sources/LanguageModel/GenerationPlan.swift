internal import Kernels

/// How requests are shared out: a function of the requests and the model, never of the number of workers.
struct GenerationPlan: Sendable {
    /// Ranges of the requests; each is a task of its own.
    let groups: [Range<Int>]
    /// Sequences that a group keeps going at the same time; the others of the group wait for a free slot.
    let slotCount: Int
    /// The longest sequence, prompt and completion.
    let capacity: Int
    /// The tokens of a prefill: several prompts, or one longer one.
    let prefillTokenCount: Int
    /// The longest prompt.
    let longestPrompt: Int

    /// More slots make larger products, which are faster up to about here.
    private static let largestSlotCount = 32
    /// What one group's cache may take.
    private static let cacheByteLimit = 1 << 29
    /// Prompts are gathered up to so many tokens.
    private static let prefillLimit = 1024

    init(_ requests: [GenerationRequest], _ model: GPT) {
        let count = requests.count
        // Groups of 16 while there are few requests, so that several workers find work; then groups of up to 64,
        // whose slots are refilled as sequences end.
        let groupCount = max(min(8, (count + 15) / 16), (count + 63) / 64, 1)
        groups = (0..<groupCount).map { (count * $0 / groupCount)..<(count * ($0 + 1) / groupCount) }
        let contextLength = model.configuration.contextLength
        capacity = requests.lazy.map { $0.prompt.count + $0.newTokenLimit(contextLength: contextLength) }.max() ?? 1
        let longest = requests.lazy.map(\.prompt.count).max() ?? 1
        longestPrompt = longest
        let slotBytes = KeyValueCache.slotByteCount(
            layerCount: model.configuration.layerCount, capacity: capacity, shape: model.attentionShape)
        let largestGroup = groups.lazy.map(\.count).max() ?? 1
        slotCount = max(1, min(Self.largestSlotCount, largestGroup, Self.cacheByteLimit / slotBytes))
        let total = requests.lazy.map(\.prompt.count).reduce(0, +)
        prefillTokenCount = max(longest, min(Self.prefillLimit, total))
    }
}
