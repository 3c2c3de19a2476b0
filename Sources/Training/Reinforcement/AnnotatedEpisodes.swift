package import Kernels

/// A collect with what reference and critic say about each of its states. States of all episodes are numbered
/// one after another, 0..<n.
package struct AnnotatedEpisodes: Sendable {
    /// The episodes.
    package let episodes: [Episode]
    /// The number of each episode's first state, and n at the end.
    package let firstStates: [Int]
    /// ln π_old(·|s) at the rollout's temperature, [n, V].
    package let referenceLogProbs: FloatSlice
    /// w(s), [n].
    package let penaltyWeights: [Float]
    /// ln π(a|s) of each action before the update, at the rollout's temperature, [n].
    package let actionLogProbs: [Float]
    /// V(s) before the update, [n]; 0 without a critic.
    package let values: [Float]
    /// Sums over the collect.
    let measurements: PolicyMeasurements

    /// The values of one episode's states, [T].
    package func values(ofEpisode episode: Int) -> [Float] {
        Array(values[firstStates[episode]..<firstStates[episode + 1]])
    }
}
