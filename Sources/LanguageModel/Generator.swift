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
/// Requests are cut into groups by their number alone, and each draws from a random stream of its own, so the
/// completions do not depend on the number of workers.
public struct Generator: Sendable {
    let model: GPT
    let parameters: FloatSlice
    let pool: WorkerPool
    /// Overrides how the work is shared out, for tests of both ways on small models.
    package var sharesLayers: Bool?

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

        let plan = GenerationPlan(requests, model, sharesLayers: sharesLayers)
        let outcomes = Outcomes(count: requests.count)
        @Sendable func complete(_ group: Range<Int>, _ session: GenerationSession) {
            var run = GenerationRun(
                model: model, parameters: parameters, session: session, sampling: sampling, stream: stream)
            run.complete(requests, group, stop: stop) { outcomes.set($0, $1) }
        }
        var linear = LinearExecution()
        if plan.slotCount >= LinearExecution.rowsForTransposedWeights {
            linear.transposedWeights = model.transposedLinearWeights(parameters, pool: pool)
        }
        if plan.sharesLayers {
            linear.pool = pool
            let session = GenerationSession(model, plan, linear: linear)
            for group in plan.groups { complete(group, session) }
        } else {
            let sessions = (0..<pool.workerCount).map { _ in LazySession() }
            pool.run(taskCount: plan.groups.count) { [linear] group, worker in
                complete(
                    plan.groups[group],
                    sessions[worker].session { GenerationSession(model, plan, linear: linear) })
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
