package import Kernels
package import LanguageModel

/// A critic with what trains it.
package struct ValueNetwork: Sendable {
    /// The network.
    package let critic: Critic
    /// Its parameters and what trains them.
    package let group: ParameterGroup

    package init(critic: Critic, group: ParameterGroup) {
        self.critic = critic
        self.group = group
    }
}

/// The networks of fine-tuning and each worker's memory.
package struct PolicyNetworks: Sendable {
    /// What one worker needs.
    struct WorkerMemory: Sendable {
        let workspace: Workspace
        /// nil without a critic.
        let critic: Critic.Workspace?
        /// Scratch for one state's log probabilities, [V].
        let policyLogProbs: FloatSlice
    }

    package let model: GPT
    /// The policy's parameters and what trains them.
    package let policy: ParameterGroup
    /// The critic; nil for algorithms without one.
    package let value: ValueNetwork?
    /// The frozen reference's parameters.
    package let reference: FloatSlice
    let pool: WorkerPool
    /// One for each worker.
    let memory: [WorkerMemory]

    package init(
        model: GPT, policy: ParameterGroup, value: ValueNetwork?, reference: FloatSlice, pool: WorkerPool,
        tokensPerShard: Int
    ) {
        self.model = model
        self.policy = policy
        self.value = value
        self.reference = reference
        self.pool = pool
        let contextLength = model.configuration.contextLength
        let rowCount = max(tokensPerShard, contextLength)
        memory = (0..<pool.workerCount).map { _ in
            WorkerMemory(
                workspace: model.makeWorkspace(
                    maximumTokenCount: rowCount, maximumSequenceLength: contextLength, forTraining: true),
                critic: value?.critic.makeWorkspace(maximumRowCount: rowCount),
                policyLogProbs: FloatArena(count: model.configuration.vocabularySize).all)
        }
    }

    /// All that is trained.
    package var groups: [ParameterGroup] { [policy] + (value.map { [$0.group] } ?? []) }

    /// The row of a matrix [M, V].
    func row(_ row: Int, of matrix: FloatSlice) -> FloatSlice {
        let width = model.configuration.vocabularySize
        return matrix[row * width..<(row + 1) * width]
    }

    /// The critic's values of the states of the last forward pass, [M]; nil without a critic.
    func forwardCritic(rowCount: Int, memory: WorkerMemory) -> FloatSlice? {
        guard let value, let workspace = memory.critic else { return nil }
        value.critic.forward(
            hidden: memory.workspace.hidden, rowCount: rowCount, parameters: value.group.parameters,
            workspace: workspace)
        return workspace.values(rowCount)
    }

    /// log softmax(logits / temperature) of one state: [V] → [V].
    func logSoftmax(_ logits: FloatSlice, temperature: Float, into logProbs: FloatSlice) {
        logits.withSpan { logits in
            logProbs.withMutableSpan { Divergence.logSoftmax(logits, temperature: temperature, into: &$0) }
        }
    }
}
