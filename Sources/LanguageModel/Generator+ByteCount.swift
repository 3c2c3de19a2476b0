internal import Kernels

extension Generator {
    /// The bytes that a generator keeps after such requests: packed weights and sessions.
    ///
    /// - Parameters:
    ///   - requestCount: How many prompts are continued at a time.
    ///   - promptLength: The tokens of the longest prompt.
    ///   - newTokenCount: The tokens that may follow it.
    public static func byteCount(
        _ model: GPT, requestCount: Int, promptLength: Int, newTokenCount: Int, workerCount: Int
    ) -> Int {
        // Every count of requests beyond what all slots hold needs the same.
        let request = GenerationRequest(
            prompt: Array(repeating: 0, count: max(1, min(promptLength, model.configuration.contextLength))), sample: 0,
            maximumNewTokenCount: newTokenCount)
        let plan = GenerationPlan(
            Array(repeating: request, count: max(1, min(requestCount, 64 * workerCount))), model,
            workerCount: workerCount, sharesLayers: nil)
        return PackedWeights.byteCount(model) + plan.sessionCount * plan.size.byteCount(model)
    }
}

extension GenerationPlan.Size {
    /// The bytes of a session of this size.
    func byteCount(_ model: GPT) -> Int {
        let configuration = model.configuration
        let slot = KeyValueCache.slotByteCount(
            layerCount: configuration.layerCount, capacity: capacity, shape: model.attentionShape)
        func workspace(_ tokenCount: Int, _ sequenceLength: Int) -> Int {
            Workspace.byteCount(
                configuration, maximumTokenCount: tokenCount, maximumSequenceLength: sequenceLength, forTraining: false)
        }
        return slotCount * (slot + capacity * MemoryLayout<Float>.stride) + workspace(prefillTokenCount, longestPrompt)
            + workspace(slotCount, 1)
    }
}

extension PackedWeights {
    /// The bytes of a model's packed weights.
    static func byteCount(_ model: GPT) -> Int {
        let (width, layers) = (model.configuration.embeddingSize, model.configuration.layerCount)
        let block = [(3 * width, width), (width, width), (4 * width, width), (width, 4 * width)].reduce(0) {
            $0 + PackedMatrix.floatCount(outputCount: $1.0, inputCount: $1.1)
        }
        let head = PackedMatrix.floatCount(outputCount: model.configuration.vocabularySize, inputCount: width)
        return MemoryLayout<Float>.stride * (layers * block + head)
    }
}
