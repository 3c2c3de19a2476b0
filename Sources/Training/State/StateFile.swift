import CheckpointFormat
import Codecs
import LanguageModel
import Synchronization
import SystemPackage

/// The file of a run's state, written whole or as a delta, with the copies that are kept of it.
///
/// Against the reference, most saves are deltas and every so many whole. Against the last whole save, that one lies
/// beside the file under a name of its own; it is removed only when a newer one has taken its place and no delta in the
/// folder refers to it any more, kept copies included. So all of them can be read at any moment.
final class StateFile: Sendable {
    /// The file.
    let path: FilePath
    private let configuration: CheckpointConfiguration
    private let reference: FilePath?
    private let progress: Mutex<Progress>

    /// What the saves so far have come to.
    private struct Progress {
        var history: SaveHistory
        /// The whole saves that lie beside the file and are this run's, the newest last.
        var fulls: [FilePath]
    }

    /// The file of a run.
    ///
    /// - Parameters:
    ///   - reference: The checkpoint that the run started from, where there is one.
    ///   - resumed: The state that the run goes on from.
    /// - Throws: ``TrainingError`` where that one does not tell of its saves in the right form.
    init(
        path: FilePath, configuration: CheckpointConfiguration, reference: FilePath? = nil,
        resumed: CheckpointReader? = nil
    ) throws(TrainingError) {
        self.path = path
        self.configuration = configuration
        self.reference = reference
        guard let resumed else {
            progress = Mutex(Progress(history: SaveHistory(), fulls: []))
            return
        }
        var history = try SaveHistory(after: resumed)
        // What a delta refers to goes on to be the last whole save, unless it is somebody else's.
        let own = resumed.basePath.flatMap { Self.isWholeSave($0, of: path) ? $0 : nil }
        let copies = history.kept.paths(of: path).compactMap { (try? CheckpointReader(path: $0))?.basePath }
        let older = copies.filter { Self.isWholeSave($0, of: path) && $0 != own }
        if configuration.deltaAgainst == .full, own == nil { history.savesSinceFull = nil }
        progress = Mutex(Progress(history: history, fulls: older + (own.map { [$0] } ?? [])))
    }

    /// Writes a state, whole or not at all, then the copies that are to be kept.
    ///
    /// - Parameter isBest: Whether it is the best so far.
    /// - Throws: ``CheckpointError``; ``TrainingError`` where something in it is no number. What could be read before can
    ///   still be read then.
    func write(
        _ saved: TrainingState, model: LanguageModelCheckpoint, networks: TrainingState.Networks, isBest: Bool = false,
        options: WriterOptions = WriterOptions(), operations: FileOperations
    ) throws -> CheckpointSummary {
        if let tensor = networks.firstNotFinite {
            throw TrainingError(.notFinite(quantity: tensor, step: saved.step))
        }
        var progress = progress.withLock { $0 }
        var saved = saved
        saved.history = progress.history
        // A configuration that says otherwise since may have made the number too large.
        let savesSinceFull = (saved.history.savesSinceFull ?? 0) % configuration.fullEvery
        saved.history.savesSinceFull =
            configuration.deltaAgainst == .none ? nil : (savesSinceFull + 1) % configuration.fullEvery
        func write(to path: FilePath, base: (any DeltaBase)?) throws(CheckpointError) -> CheckpointSummary {
            try saved.write(
                to: path, model: model, networks: networks, options: options, base: base, operations: operations)
        }
        let summary: CheckpointSummary
        switch configuration.deltaAgainst {
        case .none: summary = try write(to: path, base: nil)
        case .reference: summary = try write(to: path, base: savesSinceFull == 0 ? nil : try Self.base(reference))
        case .full:
            if savesSinceFull == 0 || progress.fulls.isEmpty {
                let full = Self.wholeSave(of: path, step: saved.step)
                _ = try write(to: full, base: nil)
                progress.fulls.append(full)
            }
            summary = try write(to: path, base: try Self.base(progress.fulls.last))
        }
        var history = saved.history
        history.previous = SaveHistory.Save(step: saved.step, weightsDigest: summary.weightsDigest.hex)
        if configuration.keepLast > 0 {
            try history.kept.keepLast(configuration.keepLast, saved: summary, step: saved.step, operations)
        }
        if isBest { try history.kept.keepBest(saved: summary, step: saved.step, operations) }
        progress.history = history
        progress.fulls = Self.removeUnneeded(progress.fulls, operations)
        self.progress.withLock { $0 = progress }
        return summary
    }

    /// Removes whole saves but the newest that no delta refers to; one that cannot be removed costs room, not safety.
    ///
    /// - Returns: Those that are left.
    private static func removeUnneeded(_ fulls: [FilePath], _ operations: FileOperations) -> [FilePath] {
        let unneeded = fulls.dropLast().filter { DeltaFolder.deltas(against: $0).isEmpty }
        for full in unneeded { try? operations.remove(full) }
        return fulls.filter { !unneeded.contains($0) }
    }

    private static func base(_ path: FilePath?) throws(CheckpointError) -> (any DeltaBase)? {
        guard let path else { return nil }
        return try CheckpointReader(path: path)
    }

    /// `policy.full-40.crux` beside `policy.crux`; with a number more where an earlier run has left that name.
    private static func wholeSave(of path: FilePath, step: Int) -> FilePath {
        let folder = path.removingLastComponent()
        let name = "\(path.stem ?? "").full-\(step)"
        var candidate = folder.appending("\(name).crux")
        var number = 2
        while (try? Stat(candidate, followTargetSymlink: false)) != nil {
            candidate = folder.appending("\(name)-\(number).crux")
            number += 1
        }
        return candidate
    }

    private static func isWholeSave(_ candidate: FilePath, of path: FilePath) -> Bool {
        let prefix = "\(path.stem ?? "").full-"
        guard let name = candidate.lastComponent?.string, name.hasPrefix(prefix), name.hasSuffix(".crux") else {
            return false
        }
        return candidate.removingLastComponent().lexicallyNormalized()
            == path.removingLastComponent().lexicallyNormalized()
    }
}
