internal import Kernels
internal import Synchronization

/// What a generator keeps between its calls: packed weights and sessions, so that the next call allocates nothing
/// unless it needs more.
final class GenerationMemory: Sendable {
    private struct Contents {
        var weights: PackedWeights?
        var sessions: [GenerationSession] = []
    }

    private let contents = Mutex(Contents())

    /// Runs `body` with packed weights and sessions that are its own for the time; a second call at the same time
    /// gets new ones.
    func use<R>(
        _ model: GPT, _ plan: GenerationPlan, _ body: (PackedWeights, [GenerationSession]) -> R
    ) -> R {
        var own = contents.withLock { contents in
            let taken = contents
            contents = Contents()
            return taken
        }
        let weights = own.weights ?? PackedWeights(model)
        own.weights = weights
        for index in 0..<plan.sessionCount {
            if index == own.sessions.count {
                own.sessions.append(GenerationSession(model, plan.size))
            } else if !own.sessions[index].size.holds(plan.size) {
                own.sessions[index] = GenerationSession(model, own.sessions[index].size.merged(with: plan.size))
            }
        }
        let result = body(weights, Array(own.sessions.prefix(plan.sessionCount)))
        contents.withLock { [own] in $0 = own }
        return result
    }
}
