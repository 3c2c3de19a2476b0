internal import CheckpointFormat
internal import Foundation
public import SystemPackage

/// Where an experiment lies: a folder for each run under `runs`, the reports beside it.
public struct ExperimentFolder: Hashable, Sendable {
    /// The folder.
    public let path: FilePath

    /// A folder, there or not.
    public init(_ path: FilePath) { self.path = path }

    /// The folder of a run.
    public func run(_ name: String) -> RunPlace { RunPlace(path.appending("runs").appending(name)) }

    /// Keeps other processes from working here, until the lock is let go or the process ends, however it ends.
    package final class Lock: Sendable {
        private let descriptor: FileDescriptor

        fileprivate init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

        deinit { try? descriptor.close() }
    }

    /// Makes the folder and locks it.
    ///
    /// - Throws: ``ExperimentError`` where it cannot be made or another process works there.
    package func lock() throws(ExperimentError) -> Lock {
        let file = path.appending(".lock")
        let descriptor: FileDescriptor
        do {
            try FileManager.default.createDirectory(
                atPath: path.appending("runs").string, withIntermediateDirectories: true)
            descriptor = try FileDescriptor.open(
                file, .readWrite, options: [.create, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw ExperimentError(.cannotWrite(path: path.string, reason: "\(error)"))
        }
        let lock = Lock(descriptor)
        guard Platform.lock(descriptor) != false else { throw ExperimentError(.busy(path: path.string)) }
        return lock
    }
}

/// Where one run lies.
public struct RunPlace: Hashable, Sendable {
    /// The folder.
    public let path: FilePath

    init(_ path: FilePath) { self.path = path }

    /// The model with everything that a resume needs.
    public var checkpoint: FilePath { path.appending("checkpoint.crux") }
    /// The figures of training, one JSON object a step.
    public var metrics: FilePath { path.appending("metrics.jsonl") }
    /// The resolved configuration, YAML.
    public var configuration: FilePath { path.appending("configuration.yml") }
    /// What the finished model answered: ``RunMeasures`` as JSON.
    public var measures: FilePath { path.appending("measures.json") }
}
