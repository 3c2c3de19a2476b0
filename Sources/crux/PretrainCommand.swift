internal import ArgumentParser
internal import Training

/// `crux pretrain`.
struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Train a small GPT on additions with a scratchpad.",
        discussion: """
            Every setting has a default; configs/ has presets. The checkpoint holds the whole state, so that a run that \
            was interrupted resumes bit for bit. Ctrl-C and SIGTERM save after the step under way (exit code 130, 143); the second one ends at once.
            """)

    @OptionGroup var training: TrainingOptions

    mutating func run() throws {
        let pretraining = Pretraining(try training.configuration())
        let options = training
        try options.run(
            label: "pretrain", figures: TrainingFigure.pretraining, copies: pretraining.configuration.checkpoint,
            plan: { try pretraining.plan(resuming: options.resume ? options.checkpoint : nil) }
        ) { stop, progress in
            try pretraining.run(
                checkpoint: options.checkpoint, resume: options.resume, metricsFile: options.metricsFile,
                tensorBoardFolder: options.tensorBoardFolder, stop: stop,
                progress: progress)
        }
    }
}
