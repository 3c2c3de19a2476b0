internal import ArgumentParser

/// What the commands that generate have in common; each has a temperature of its own.
struct SamplingArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Draw from the k most probable tokens only.", valueName: "k"))
    var topK: Int?

    @Option(help: ArgumentHelp("The seed of everything that is drawn.", valueName: "s"))
    var seed: UInt64 = 0

    mutating func validate() throws {
        if let topK, topK < 1 { throw ValidationError("--top-k: found \(topK), expected at least 1") }
    }

    /// - Throws: A usage error for a temperature that cannot be sampled with.
    static func check(temperature: Float) throws {
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature: found \(temperature), expected a number of at least 0")
        }
    }
}
