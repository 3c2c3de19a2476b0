public import Kernels

/// What to continue, and how far.
public struct GenerationRequest: Sendable, Hashable {
    /// The tokens to continue; at least one.
    public var prompt: [Int32]
    /// Which random numbers to use: requests with different samples draw independently.
    public var sample: UInt64
    /// Generation ends after so many tokens at the latest; capped to what the model's context leaves.
    public var maximumNewTokenCount: Int
    /// The position of the prompt's first token.
    public var startPosition: Int

    /// A request.
    public init(prompt: [Int32], sample: UInt64, maximumNewTokenCount: Int, startPosition: Int = 0) {
        self.prompt = prompt
        self.sample = sample
        self.maximumNewTokenCount = maximumNewTokenCount
        self.startPosition = startPosition
    }
}

/// What followed a prompt.
public struct Completion: Sendable, Hashable {
    /// The generated tokens, without the prompt.
    public var tokens: [Int32]
    /// log π of each token at the sampling temperature (at 1 where greedy), over the whole vocabulary.
    public var logProbs: [Float]
    /// Whether the stop condition ended it; false where the length did.
    public var isFinished: Bool

    /// A completion.
    public init(tokens: [Int32] = [], logProbs: [Float] = [], isFinished: Bool = false) {
        self.tokens = tokens
        self.logProbs = logProbs
        self.isFinished = isFinished
    }
}

/// Continues prompts token by token, many at once, keeping keys and values of what came before.
///
/// Batching is continuous: a sequence that ends leaves at once, and the next request takes its place. Each draws from
/// a random stream of its own, and each row of each layer is computed the same way whatever stands beside it, so a
/// completion depends neither on the number of workers nor on the other requests.
///
/// Copies of a generator share the memory that it works with, which stays allocated between calls.
public struct Generator: Sendable {
    let model: GPT
    let parameters: FloatSlice
    let pool: WorkerPool
    /// Overrides how the work is shared out, for tests of both ways on small models.
    package var sharesLayers: Bool?
    private let memory = GenerationMemory()

    /// A generator with the parameters as they are when it runs.
    public init(model: GPT, parameters: FloatSlice, pool: WorkerPool) {
        precondition(parameters.count == model.layout.count, "parameters of another model")
        self.model = model
        self.parameters = parameters
        self.pool = pool
    }

    /// Continues every prompt until `stop` or the length limit.
    ///
    /// - Parameters:
    ///   - requests: what to continue.
    ///   - sampling: how tokens are chosen.
    ///   - stream: the random streams; with the request's sample they give one number a token.
    ///   - stop: told the tokens generated so far of one request, after each of them; called on several threads.
    /// - Returns: A completion for each request, in their order.
    /// - Throws: ``ModelError`` for an option or request that the model cannot take, and where the parameters
    ///   lead to logits that are not numbers.
    public func generate(
        _ requests: [GenerationRequest], sampling: SamplingOptions, stream: RandomStream.Key,
        stop: @Sendable ([Int32]) -> Bool
    ) throws(ModelError) -> [Completion] {
        try sampling.validate()
        for (index, request) in requests.enumerated() { try validate(request, index) }
        guard !requests.isEmpty else { return [] }

        let plan = GenerationPlan(requests, model, workerCount: pool.workerCount, sharesLayers: sharesLayers)
        let queue = RequestQueue(requests)
        let outcomes = Outcomes(count: requests.count)
        memory.use(model, plan) { weights, sessions in
            weights.pack(parameters, pool: pool)
            let linear = LinearExecution(weights: weights, pool: plan.sharesLayers ? pool : nil)
            @Sendable func run(_ session: GenerationSession) {
                var run = GenerationRun(
                    model: model, parameters: parameters, linear: linear, session: session,
                    slotCount: plan.size.slotCount, sampling: sampling, stream: stream)
                run.complete(queue, stop: stop) { outcomes.set($0, $1) }
            }
            if plan.sharesLayers {
                run(sessions[0])
            } else {
                pool.run(taskCount: sessions.count) { session, _ in run(sessions[session]) }
            }
        }
        return try outcomes.completions()
    }

    private func validate(_ request: GenerationRequest, _ index: Int) throws(ModelError) {
        let configuration = model.configuration
        let name = "requests[\(index)]"
        guard !request.prompt.isEmpty else {
            throw ModelError(field: "\(name).prompt", found: "no token", expected: "at least one")
        }
        for token in request.prompt where token < 0 || token >= configuration.vocabularySize {
            throw ModelError(
                field: "\(name).prompt", found: "token \(token)", expected: "0..<\(configuration.vocabularySize)")
        }
        guard request.maximumNewTokenCount >= 0 else {
            throw ModelError(
                field: "\(name).maximumNewTokenCount", found: "\(request.maximumNewTokenCount)",
                expected: "0 or more")
        }
        let (end, overflow) = request.startPosition.addingReportingOverflow(request.prompt.count)
        guard request.startPosition >= 0, !overflow, end <= configuration.contextLength else {
            throw ModelError(
                field: "\(name).prompt",
                found: "\(request.prompt.count) tokens from position \(request.startPosition)",
                expected: "positions within the context of \(configuration.contextLength)")
        }
    }
}

extension GenerationRequest {
    /// The tokens that may follow: what is asked for, as far as the context reaches.
    func newTokenLimit(contextLength: Int) -> Int {
        min(maximumNewTokenCount, contextLength - startPosition - prompt.count)
    }
}
