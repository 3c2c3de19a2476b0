internal import Kernels

/// How requests are shared out: a function of the requests and the model, never of the number of workers.
struct GenerationPlan: Sendable {
    /// Ranges of the requests, each a task of its own; a single one where ``sharesLayers``.
    let groups: [Range<Int>]
    /// Whether the workers share the layers of one group instead of taking groups each: so it is for models whose
    /// weights stream from memory in each step, which more sequences at a time make use of.
    let sharesLayers: Bool
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
    /// The same where a group has the whole machine.
    private static let largestSharedSlotCount = 64
    /// Models of so many parameters or more do not stay in a processor's caches.
    private static let parametersBeyondCaches = 1 << 23
    /// What one group's cache may take; eight times as much where there is only one.
    private static let cacheByteLimit = 1 << 29
    /// Prompts are gathered up to so many tokens.
    private static let prefillLimit = 1024

    init(_ requests: [GenerationRequest], _ model: GPT, sharesLayers: Bool?) {
        let count = requests.count
        let sharesLayers = sharesLayers ?? (model.layout.count >= Self.parametersBeyondCaches)
        self.sharesLayers = sharesLayers
        // Groups of 8 while there are few requests, so that several workers find work; then of 16; then of up to
        // 64, whose slots are refilled as sequences end.
        let groupCount =
            sharesLayers ? 1 : max((min(count, 16) + 7) / 8, min(8, (count + 15) / 16), (count + 63) / 64, 1)
        groups = (0..<groupCount).map { (count * $0 / groupCount)..<(count * ($0 + 1) / groupCount) }
        let contextLength = model.configuration.contextLength
        capacity = requests.lazy.map { $0.prompt.count + $0.newTokenLimit(contextLength: contextLength) }.max() ?? 1
        let longest = requests.lazy.map(\.prompt.count).max() ?? 1
        longestPrompt = longest
        let slotBytes = KeyValueCache.slotByteCount(
            layerCount: model.configuration.layerCount, capacity: capacity, shape: model.attentionShape)
        let largestGroup = groups.lazy.map(\.count).max() ?? 1
        let (slotLimit, byteLimit) =
            sharesLayers
            ? (Self.largestSharedSlotCount, 8 * Self.cacheByteLimit) : (Self.largestSlotCount, Self.cacheByteLimit)
        slotCount = max(1, min(slotLimit, largestGroup, byteLimit / slotBytes))
        let total = requests.lazy.map(\.prompt.count).reduce(0, +)
        prefillTokenCount = max(longest, min(Self.prefillLimit, total))
    }
}
