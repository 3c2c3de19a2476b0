import CheckpointFormat
import LanguageModel
import OrderedCollections
import Synchronization
import SystemPackage

/// The file of a run's state, written whole or as a delta.
///
/// Against the reference, most saves are deltas and every so many whole. Against the last whole save, that one lies
/// beside the file under a name of its own; it is removed only when a newer one has taken its place and no delta in the
/// folder refers to it any more. So the file can be read at any moment.
final class StateFile: Sendable {
    /// The file.
    let path: FilePath
    private let configuration: CheckpointConfiguration
    private let reference: FilePath?
    private let state: Mutex<Progress>

    /// Where the file stands between two whole saves.
    private struct Progress {
        /// As ``TrainingState/savesSinceFull``.
        var savesSinceFull: Int
        /// The last whole save that lies beside the file.
        var full: FilePath?
    }

    /// The file of a run.
    ///
    /// - Parameters:
    ///   - reference: The checkpoint that the run started from, where there is one.
    ///   - resumed: The state that the run goes on from.
    init(
        path: FilePath, configuration: CheckpointConfiguration, reference: FilePath? = nil,
        resumed: CheckpointReader? = nil
    ) {
        self.path = path
        self.configuration = configuration
        self.reference = reference
        // What a delta refers to goes on to be the last whole save, unless it is somebody else's.
        let base = resumed?.basePath
        let full = base.flatMap { Self.isWholeSave($0, of: path) ? $0 : nil }
        let saves = resumed?.metadata[TrainingState.savesSinceFullKey]?.intValue ?? 0
        let isKept = configuration.deltaAgainst == .reference || full != nil
        state = Mutex(Progress(savesSinceFull: isKept && saves > 0 ? saves % configuration.fullEvery : 0, full: full))
    }

    /// Writes a state, whole or not at all.
    ///
    /// - Throws: ``CheckpointError``; what could be read before can still be read then.
    func write(
        _ saved: TrainingState, model: LanguageModelCheckpoint, networks: TrainingState.Networks,
        options: WriterOptions = WriterOptions(), operations: FileOperations
    ) throws(CheckpointError) -> CheckpointSummary {
        let progress = state.withLock { $0 }
        let full = progress.full
        let isWhole = progress.savesSinceFull == 0
        let savesSinceFull = (progress.savesSinceFull + 1) % configuration.fullEvery
        func write(to path: FilePath, base: (any DeltaBase)?) throws(CheckpointError) -> CheckpointSummary {
            var saved = saved
            saved.savesSinceFull = configuration.deltaAgainst == .none ? nil : savesSinceFull
            return try saved.write(
                to: path, model: model, networks: networks, options: options, base: base, operations: operations)
        }
        let summary: CheckpointSummary
        var newFull = full
        switch configuration.deltaAgainst {
        case .none: summary = try write(to: path, base: nil)
        case .reference:
            summary = try write(to: path, base: isWhole ? nil : try Self.base(reference))
        case .full:
            if isWhole || full == nil {
                let whole = Self.wholeSave(of: path, step: saved.step)
                _ = try write(to: whole, base: nil)
                newFull = whole
            }
            summary = try write(to: path, base: try Self.base(newFull))
            if let full, full != newFull, DeltaFolder.deltas(against: full).isEmpty {
                // One that cannot be removed costs room, not safety.
                try? operations.remove(full)
            }
        }
        state.withLock { $0 = Progress(savesSinceFull: savesSinceFull, full: newFull) }
        return summary
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
