internal import ArgumentParser

/// `crux experiment`.
struct ExperimentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment",
        abstract: "Run whole experiments: several trainings, their comparison, a report.",
        subcommands: [
            QuickExperimentCommand.self, PretrainingExperimentCommand.self, CriticalTokensCommand.self,
            KLPenaltyCommand.self, LevelsCommand.self,
        ])
}
