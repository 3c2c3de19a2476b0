package import LanguageModel
import Tasks

/// The states that one optimiser step learns from.
package struct Minibatch: Hashable, Sendable {
    /// Some states of one episode, ascending.
    package struct Part: Hashable, Sendable {
        package let episode: Int
        package let states: [Int]

        package init(episode: Int, states: [Int]) {
            self.episode = episode
            self.states = states
        }
    }

    /// By episode, ascending.
    package var parts: [Part]

    package init(parts: [Part]) { self.parts = parts }

    /// The number of states.
    package var stateCount: Int { parts.reduce(0) { $0 + $1.states.count } }

    /// Cuts a collect into minibatches: whole, by episodes in order, or by transitions in shuffled order.
    ///
    /// - Parameters:
    ///   - stateCounts: T of each episode.
    ///   - stream: The order of transitions.
    package static func cut(
        stateCounts: [Int], update: FineTuningConfiguration.Update, stream: inout RandomStream
    ) -> [Minibatch] {
        if update.transitionsPerMinibatch > 0 {
            return transitions(stateCounts, count: update.transitionsPerMinibatch, stream: &stream)
        }
        let size = update.episodesPerMinibatch > 0 ? update.episodesPerMinibatch : max(1, stateCounts.count)
        return stride(from: 0, to: stateCounts.count, by: size).map { start in
            Minibatch(
                parts: (start..<min(start + size, stateCounts.count)).map { episode in
                    Part(episode: episode, states: Array(0..<stateCounts[episode]))
                })
        }
    }

    private static func transitions(
        _ stateCounts: [Int], count: Int, stream: inout RandomStream
    ) -> [Minibatch] {
        var transitions = stateCounts.enumerated().flatMap { episode, states in
            (0..<states).map { (episode: episode, state: $0) }
        }
        for index in transitions.indices.dropFirst().reversed() {
            transitions.swapAt(index, stream.nextInteger(in: 0...index))
        }
        return stride(from: 0, to: transitions.count, by: count).map { start in
            let chosen = transitions[start..<min(start + count, transitions.count)]
            let statesByEpisode = Dictionary(grouping: chosen, by: \.episode)
            return Minibatch(
                parts: statesByEpisode.sorted { $0.key < $1.key }.map { episode, transitions in
                    Part(episode: episode, states: transitions.map(\.state).sorted())
                })
        }
    }
}
