internal import Kernels

/// How much memory a generation needs and how the workers share it out.
///
/// None of it shows in the completions: each row of each layer is computed the same way whatever stands beside it.
struct GenerationPlan: Sendable {
    /// Whether the workers share the layers of one session instead of having one each: so it is for models whose
    /// weights stream from memory in each step, which more sequences at a time make use of.
    let sharesLayers: Bool
    /// Sessions that run at the same time.
    let sessionCount: Int
    /// The memory of one session.
    let size: Size

    /// What a session has room for.
    struct Size: Hashable, Sendable {
        /// Sequences that go on at the same time; others wait for one of them to end.
        var slotCount: Int
        /// The tokens of the longest sequence, prompt and completion.
        var capacity: Int
        /// The tokens of a prefill: several prompts, or one longer one.
        var prefillTokenCount: Int
        /// The tokens of the longest prompt.
        var longestPrompt: Int

        /// Whether a session of this size can do what one of the other size can.
        func holds(_ other: Size) -> Bool { merged(with: other) == self }

        /// The smallest size that holds both.
        func merged(with other: Size) -> Size {
            Size(
                slotCount: max(slotCount, other.slotCount), capacity: max(capacity, other.capacity),
                prefillTokenCount: max(prefillTokenCount, other.prefillTokenCount),
                longestPrompt: max(longestPrompt, other.longestPrompt))
        }
    }

    /// Products of more rows gain nothing, and the caches of so many sequences still fit a processor's.
    private static let largestSlotCount = 16
    /// The same where the weights are what streams from memory.
    private static let largestSharedSlotCount = 64
    /// Models of so many parameters or more do not stay in a processor's caches.
    private static let parametersBeyondCaches = 1 << 23
    /// What one session's cache may take; eight times as much where there is only one.
    private static let cacheByteLimit = 1 << 29
    /// Prompts are gathered up to so many tokens.
    private static let prefillLimit = 512
    /// Lengths are rounded up to a multiple, so that the next generation finds the memory large enough.
    private static let granularity = 64

    init(_ requests: [GenerationRequest], _ model: GPT, workerCount: Int, sharesLayers: Bool?) {
        let contextLength = model.configuration.contextLength
        func rounded(_ length: Int) -> Int {
            (length + Self.granularity - 1) / Self.granularity * Self.granularity
        }
        let capacity = min(
            contextLength,
            rounded(
                requests.lazy.map { $0.prompt.count + $0.newTokenLimit(contextLength: contextLength) }.max() ?? 1))
        let longestPrompt = min(contextLength, rounded(requests.lazy.map(\.prompt.count).max() ?? 1))
        let promptTokenCount = requests.lazy.map(\.prompt.count).reduce(0, +)
        let sharesLayers = sharesLayers ?? (model.layout.count >= Self.parametersBeyondCaches)
        let slotBytes = KeyValueCache.slotByteCount(
            layerCount: model.configuration.layerCount, capacity: capacity, shape: model.attentionShape)
        let (slotLimit, byteLimit) =
            sharesLayers
            ? (Self.largestSharedSlotCount, 8 * Self.cacheByteLimit) : (Self.largestSlotCount, Self.cacheByteLimit)
        let share = sharesLayers ? requests.count : (requests.count + workerCount - 1) / workerCount
        let slotCount = max(1, min(slotLimit, share, byteLimit / slotBytes))
        self.sharesLayers = sharesLayers
        sessionCount = sharesLayers ? 1 : min(workerCount, (requests.count + slotCount - 1) / slotCount)
        size = Size(
            slotCount: slotCount, capacity: capacity,
            prefillTokenCount: max(longestPrompt, min(Self.prefillLimit, rounded(promptTokenCount))),
            longestPrompt: longestPrompt)
    }
}
