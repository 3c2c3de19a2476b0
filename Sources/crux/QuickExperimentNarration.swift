internal import Experiments
internal import Rendering
internal import Synchronization

/// Says on standard error what a quick experiment is doing.
final class QuickExperimentNarration: Sendable {
    private let hidesProgress: Bool
    private let training = Mutex<TrainingProgress?>(nil)

    init(hidesProgress: Bool) { self.hidesProgress = hidesProgress }

    /// Tells of one event.
    func tell(_ event: QuickExperiment.Event) {
        switch event {
        case .started(let stage):
            finish()
            if !hidesProgress { StandardError.write("\(stage)\n") }
            switch stage {
            case .livePretraining, .referencePretraining: start(TrainingFigure.pretraining)
            case .fineTuning: start(TrainingFigure.fineTuning)
            case .referenceEvaluation, .comparison: break
            }
        case .training(_, let progress):
            training.withLock { $0?.show(progress) }
        }
    }

    /// Takes the progress line away.
    func finish() {
        training.withLock {
            $0?.finish()
            $0 = nil
        }
    }

    private func start(_ figures: [TrainingFigure]) {
        training.withLock { $0 = TrainingProgress(label: " ", figures: figures, hidesProgress: hidesProgress) }
    }
}
