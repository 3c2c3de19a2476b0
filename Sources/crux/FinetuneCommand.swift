internal import ArgumentParser
internal import SystemPackage
internal import Training

/// `crux finetune`.
struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract: "Fine-tune a pre-trained model with RL (A2C, PPO, GRPO, policy gradient) under a KL penalty.",
        discussion: """
            The policy starts as the reference and practises additions with more digits than pre-training showed. The \
            penalty is the standard one or weighted by the reference's certainty (arXiv 2502.06533); KL to the \
            reference is measured at every step, also where the penalty is off. Ctrl-C and SIGTERM save after the step under way (exit code 130, 143); the second one ends at once.
            """)

    @Argument(help: "The pre-trained checkpoint.", completion: .file(extensions: ["crux"]))
    var reference: String

    @OptionGroup var training: TrainingOptions

    mutating func run() throws {
        let fineTuning = FineTuning(try training.configuration())
        let (options, reference) = (training, FilePath(reference))
        try options.run(
            label: "finetune", figures: TrainingFigure.fineTuning, reference: reference,
            copies: fineTuning.configuration.checkpoint,
            plan: { try fineTuning.plan(reference: reference, resuming: options.resume ? options.checkpoint : nil) }
        ) { stop, progress in
            try fineTuning.run(
                reference: reference, checkpoint: options.checkpoint, resume: options.resume,
                metricsFile: options.metricsFile,
                tensorBoardFolder: options.tensorBoardFolder, stop: stop, progress: progress)
        }
    }
}
