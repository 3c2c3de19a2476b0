internal import Kernels
internal import Synchronization

/// The memory that one group generates with.
final class GenerationSession: Sendable {
    let plan: GenerationPlan
    /// How linear layers are computed; without a pool, one thread does all work of the group.
    let linear: LinearExecution
    let cache: KeyValueCache
    let prefill: Workspace
    let decode: Workspace
    /// Attention's scratch of each worker.
    let scratch: [FloatSlice]

    init(_ model: GPT, _ plan: GenerationPlan, linear: LinearExecution) {
        self.plan = plan
        self.linear = linear
        cache = KeyValueCache(
            layerCount: model.configuration.layerCount, slotCount: plan.slotCount, capacity: plan.capacity,
            shape: model.attentionShape)
        prefill = model.makeWorkspace(
            maximumTokenCount: plan.prefillTokenCount, maximumSequenceLength: plan.longestPrompt, forTraining: false)
        decode = model.makeWorkspace(
            maximumTokenCount: plan.slotCount, maximumSequenceLength: 1, forTraining: false)
        let capacity = cache.capacity
        scratch = (0..<(linear.pool?.workerCount ?? 1)).map { _ in FloatArena(count: capacity).all }
    }
}

/// A worker's session, made when the worker gets its first group.
final class LazySession: Sendable {
    private let stored = Mutex<GenerationSession?>(nil)

    func session(_ make: () -> GenerationSession) -> GenerationSession {
        stored.withLock { stored in
            if let session = stored { return session }
            let session = make()
            stored = session
            return session
        }
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
