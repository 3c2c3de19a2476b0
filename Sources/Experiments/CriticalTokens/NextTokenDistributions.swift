internal import Analysis
internal import Kernels
internal import LanguageModel
internal import Tasks

/// A model's distribution before each token of an answer.
struct NextTokenDistributions: Sendable {
    /// ln π(·|s) at the temperature of sampling, [T, V].
    private let rows: [[Double]]
    private let certainties: [CertaintyPair]

    /// Reads prompt and answer once.
    ///
    /// - Throws: `ModelError` where they do not fit the context or the logits are not numbers.
    init(_ loaded: LoadedModel, prompt: [Int32], answer: [Int32], temperature: Float) throws {
        let model = loaded.model
        let tokens = prompt + answer.dropLast()
        guard tokens.count <= model.configuration.contextLength else {
            throw ModelError(
                field: "answer", found: "\(tokens.count) tokens",
                expected: "at most the context of \(model.configuration.contextLength)")
        }
        var batch = PackedBatch()
        batch.append(tokens)
        let workspace = model.makeWorkspace(
            maximumTokenCount: tokens.count, maximumSequenceLength: tokens.count, forTraining: false)
        model.forward(batch, parameters: loaded.parameters, workspace: workspace)
        let vocabularySize = model.configuration.vocabularySize
        var rows: [[Double]] = []
        var certainties: [CertaintyPair] = []
        for position in answer.indices {
            let start = (prompt.count - 1 + position) * vocabularySize
            let logits = workspace.logits[start..<(start + vocabularySize)]
            var row = [Double](repeating: 0, count: vocabularySize)
            let certainty = logits.withSpan { logits in
                var span = row.mutableSpan
                Divergence.logSoftmax(logits, temperature: temperature, into: &span)
                return CertaintyPair(
                    negentropy: Certainty.negentropy.preciseValue(referenceLogits: logits, temperature: temperature),
                    maximumProbability: Certainty.maximumProbability(temperature: 4).preciseValue(
                        referenceLogits: logits, temperature: temperature))
            }
            guard row.allSatisfy({ !$0.isNaN }) else {
                throw ModelError(field: "logits", found: "NaN or infinite", expected: "finite logits")
            }
            rows.append(row)
            certainties.append(certainty)
        }
        self.rows = rows
        self.certainties = certainties
    }

    /// J(s) before the token at a place of the answer.
    func certainty(at position: Int) -> CertaintyPair { certainties[position] }

    /// π(token|s) before a place of the answer.
    func probability(of token: Int32, at position: Int) -> Double { Double.exponential(rows[position][Int(token)]) }

    /// The likeliest token other than one.
    func likeliest(at position: Int, except token: Int32) -> Int32 {
        var best = token == 0 ? 1 : 0
        for candidate in rows[position].indices
        where candidate != Int(token) && rows[position][candidate] > rows[position][best] {
            best = candidate
        }
        return Int32(best)
    }
}
