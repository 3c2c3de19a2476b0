internal import Kernels
internal import Synchronization

/// The memory of sequences that are generated together.
final class GenerationSession: Sendable {
    let size: GenerationPlan.Size
    let cache: KeyValueCache
    let prefill: Workspace
    let decode: Workspace

    init(_ model: GPT, _ size: GenerationPlan.Size) {
        self.size = size
        cache = KeyValueCache(
            layerCount: model.configuration.layerCount, slotCount: size.slotCount, capacity: size.capacity,
            shape: model.attentionShape)
        prefill = model.makeWorkspace(
            maximumTokenCount: size.prefillTokenCount, maximumSequenceLength: size.longestPrompt, forTraining: false)
        decode = model.makeWorkspace(
            maximumTokenCount: size.slotCount, maximumSequenceLength: 1, forTraining: false)
    }
}

/// The requests that wait for a slot of any session, in their order.
final class RequestQueue: Sendable {
    let requests: [GenerationRequest]
    private let taken = Atomic<Int>(0)

    init(_ requests: [GenerationRequest]) { self.requests = requests }

    /// Takes the next request's index; nil when none is left.
    func next() -> Int? {
        guard taken.load(ordering: .relaxed) < requests.count else { return nil }
        let index = taken.add(1, ordering: .relaxed).oldValue
        return index < requests.count ? index : nil
    }
}

/// Completions from several threads.
final class Outcomes: Sendable {
    private let stored: Mutex<(completions: [Completion], firstInvalid: Int?)>

    init(count: Int) {
        stored = Mutex((Array(repeating: Completion(), count: count), nil))
    }

    /// Keeps a completion, or notes that its logits were not numbers.
    func set(_ index: Int, _ completion: Completion?) {
        stored.withLock { stored in
            if let completion {
                stored.completions[index] = completion
            } else {
                stored.firstInvalid = min(index, stored.firstInvalid ?? index)
            }
        }
    }

    func completions() throws(ModelError) -> [Completion] {
        let (completions, firstInvalid) = stored.withLock { $0 }
        if let firstInvalid {
            throw ModelError(
                field: "requests[\(firstInvalid)]", found: "logits that are NaN or infinite",
                expected: "finite logits: the parameters may have diverged")
        }
        return completions
    }
}
