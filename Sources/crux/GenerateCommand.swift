internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Kernels
internal import LanguageModel
internal import Rendering
internal import SystemPackage
internal import Tasks

/// `crux generate`.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Let a model continue a text or answer additions.",
        discussion: """
            Prints prompt and completion. A text is continued up to the token that ends a text, where the tokenizer has \
            one, or up to --max-tokens or the context's end. An addition is answered up to the end of the result line, \
            and judged.
            """)

    @Argument(help: "The checkpoint, of any format that can be opened.", completion: .file())
    var checkpoint: String

    @Option(help: ArgumentHelp("The text to continue.", valueName: "text"))
    var prompt: String?

    @Option(help: ArgumentHelp("The file whose text to continue.", valueName: "file"), completion: .file())
    var promptFile: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("The addition to answer, for example 128+367; repeatable.", valueName: "a+b"),
        transform: AdditionArgument.init)
    var addition: [AdditionArgument] = []

    @Option(help: ArgumentHelp("The temperature of sampling; 0 as --greedy (default: 1).", valueName: "t"))
    var temperature: Float?

    @Flag(help: "Always take the most probable token.")
    var greedy = false

    @Option(
        help: ArgumentHelp(
            "Tokens after which a completion is cut off (default: for a text the context's end, for an addition 100 more than its right answer).",
            valueName: "n"))
    var maxTokens: Int?

    @Option(help: ArgumentHelp("Completions of each prompt.", valueName: "n"))
    var samples = 1

    @OptionGroup var sampling: SamplingArguments

    @OptionGroup var output: OutputOptions

    func validate() throws {
        let sources = [prompt != nil, promptFile != nil, !addition.isEmpty].count { $0 }
        if sources != 1 { throw ValidationError("expected one of --prompt, --prompt-file and --addition") }
        if greedy, temperature != nil { throw ValidationError("expected either --greedy or --temperature, not both") }
        if let temperature { try SamplingArguments.check(temperature: temperature) }
        if let maxTokens, !(1...1_048_576).contains(maxTokens) {
            throw ValidationError("--max-tokens: found \(maxTokens), expected 1 … 1048576")
        }
        if !(1...100_000).contains(samples) {
            throw ValidationError("--samples: found \(samples), expected 1 … 100000")
        }
    }

    mutating func run() throws {
        let model = try LoadedModel(output.open(checkpoint))
        let task = addition.isEmpty ? nil : try model.additionTask()
        let prompts = try prompts(model, task)
        let requests = prompts.flatMap { prompt in Array(repeating: prompt, count: samples) }
        let generator = Generator(model: model.model, parameters: model.parameters, pool: output.pool)
        let options = SamplingOptions(temperature: greedy ? 0 : temperature ?? 1, topK: sampling.topK)
        let endOfText = model.tokenizer.endOfText
        let start = ContinuousClock.now
        let completions = try generator.generate(
            requests.enumerated().map { index, prompt in
                GenerationRequest(
                    prompt: prompt.tokens, sample: UInt64(index), maximumNewTokenCount: prompt.newTokenLimit)
            },
            sampling: options, stream: RandomStream.Key(seed: sampling.seed, purpose: .generation),
            stop: { tokens in task?.isComplete(tokens) ?? (endOfText != nil && tokens.last == endOfText) })
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let result = GenerationResult(
            checkpoint: model.identity, sampling: options, seed: sampling.seed, seconds: seconds,
            completions: zip(requests, completions).enumerated().map { index, pair in
                GenerationResult.Item(
                    pair.0, pair.1, sample: index % samples, task: task, tokenizer: model.tokenizer)
            })
        try StandardOutput.write(output.json ? ReportJSON.encode(result) : result.text(style: Terminal.output))
    }

    /// The prompts in the model's tokens, each of which leaves room for at least one more.
    private func prompts(_ model: LoadedModel, _ task: AdditionTask?) throws -> [GenerationPrompt] {
        if let task {
            return try addition.map { argument in
                let problem = argument.problem
                let limit = AdditionTask.episodeLengthLimit(digits: max(problem.first.count, problem.second.count))
                return try GenerationPrompt(
                    name: "--addition \(problem)", tokens: task.prompt(of: problem), text: problem.prompt,
                    problem: problem, newTokenLimit: maxTokens ?? limit, model: model)
            }
        }
        let name = promptFile ?? "--prompt"
        let text = try promptFile.map { try TextFile.read($0) } ?? prompt ?? ""
        let tokens: [Int32]
        do throws(ModelError) {
            tokens = try model.tokenizer.encode(text)
        } catch {
            let place = error.field.replacing("text, ", with: "")
            throw CommandFailure.couldNotRun("\(name): \(place): found \(error.found), expected \(error.expected)")
        }
        return [
            try GenerationPrompt(
                name: name, tokens: tokens, text: text, problem: nil, newTokenLimit: maxTokens ?? Int.max,
                model: model)
        ]
    }
}

/// An addition given as an option's value.
struct AdditionArgument {
    /// The problem.
    let problem: AdditionProblem

    /// Reads `128+367`.
    init(_ text: String) throws {
        do throws(TaskError) {
            problem = try AdditionProblem(text)
        } catch {
            throw ValidationError("found \(error.found), expected \(error.expected)")
        }
    }
}

/// A prompt that was checked against the model.
struct GenerationPrompt {
    /// The tokens to continue.
    let tokens: [Int32]
    /// The same as text.
    let text: String
    /// The addition that it asks for; nil for a text.
    let problem: AdditionProblem?
    /// How many tokens may follow.
    let newTokenLimit: Int

    /// - Throws: ``CommandFailure`` for an empty prompt, or one that leaves no room in the context.
    init(
        name: String, tokens: [Int32], text: String, problem: AdditionProblem?, newTokenLimit: Int, model: LoadedModel
    ) throws {
        let room = model.model.configuration.contextLength - tokens.count
        guard !tokens.isEmpty else {
            throw CommandFailure.couldNotRun("\(name): found no character, expected at least one")
        }
        guard room > 0 else {
            throw CommandFailure.couldNotRun(
                "\(name): found \(tokens.count) tokens, expected fewer than \(model.model.configuration.contextLength), "
                    + "the context length of \(model.identity.path)")
        }
        self.tokens = tokens
        self.text = text
        self.problem = problem
        self.newTokenLimit = min(newTokenLimit, room)
    }
}
