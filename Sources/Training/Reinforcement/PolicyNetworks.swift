package import Kernels
package import LanguageModel

/// The three networks of fine-tuning and each worker's memory.
package struct PolicyNetworks: Sendable {
    /// What one worker needs.
    struct WorkerMemory: Sendable {
        let workspace: Workspace
        let critic: Critic.Workspace
        /// Scratch for one state's log probabilities, [V].
        let policyLogProbs: FloatSlice
    }

    let model: GPT
    let critic: Critic
    /// The policy's parameters and what trains them.
    package let policy: ParameterGroup
    /// The critic's parameters and what trains them.
    package let criticGroup: ParameterGroup
    /// The frozen reference's parameters.
    let reference: FloatSlice
    let pool: WorkerPool
    /// One for each worker.
    let memory: [WorkerMemory]

    package init(
        model: GPT, critic: Critic, policy: ParameterGroup, criticGroup: ParameterGroup, reference: FloatSlice,
        pool: WorkerPool, tokensPerShard: Int
    ) {
        self.model = model
        self.critic = critic
        self.policy = policy
        self.criticGroup = criticGroup
        self.reference = reference
        self.pool = pool
        let contextLength = model.configuration.contextLength
        let rowCount = max(tokensPerShard, contextLength)
        memory = (0..<pool.workerCount).map { _ in
            WorkerMemory(
                workspace: model.makeWorkspace(
                    maximumTokenCount: rowCount, maximumSequenceLength: contextLength, forTraining: true),
                critic: critic.makeWorkspace(maximumRowCount: rowCount),
                policyLogProbs: FloatArena(count: model.configuration.vocabularySize).all)
        }
    }

    /// The row of a matrix [M, V].
    func row(_ row: Int, of matrix: FloatSlice) -> FloatSlice {
        let width = model.configuration.vocabularySize
        return matrix[row * width..<(row + 1) * width]
    }

    /// log softmax(logits / temperature) of one state: [V] → [V].
    func logSoftmax(_ logits: FloatSlice, temperature: Float, into logProbs: FloatSlice) {
        logits.withSpan { logits in
            logProbs.withMutableSpan { Divergence.logSoftmax(logits, temperature: temperature, into: &$0) }
        }
    }
}
