internal import ArgumentParser

/// `crux bench`: how fast this machine trains, generates, and handles checkpoints.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure training, generation and checkpoints on this machine.",
        shouldDisplay: false,
        subcommands: [
            EngineBenchCommand.Train.self, EngineBenchCommand.Generate.self, FormatBenchCommand.self,
            DeltaBenchCommand.self,
        ])
}
