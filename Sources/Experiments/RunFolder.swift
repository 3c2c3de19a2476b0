internal import Analysis
public import CheckpointFormat
public import CheckpointInterop
internal import Codecs
internal import Foundation
internal import OrderedCollections
public import SystemPackage
public import Training

/// A folder of checkpoints that RL left: policies, and the reference that they started from.
public struct RunFolder: Sendable {
    /// A file of the folder that is not part of the comparison.
    public struct LeftOut: Codable, Hashable, Sendable {
        /// The file.
        public let path: String
        /// Why.
        public let reason: String
        /// Whether it looks like a checkpoint and cannot be opened.
        public let isUnreadable: Bool
    }

    /// The folder.
    public let path: FilePath
    /// The checkpoint that the policies are compared with.
    public let reference: any CheckpointSource
    /// The policies, those of one run together, by step.
    public let policies: [any CheckpointSource]
    /// Checkpoints that are no policies, and files that look like checkpoints and cannot be opened.
    public let leftOut: [LeftOut]

    /// Looks through a folder.
    ///
    /// Files that end in `.crux`, `.safetensors` or `.gguf` are opened, and folders that hold a model. The reference is the
    /// checkpoint whose weights have the digest that the policies record; it is looked for in the folder and in the one
    /// above.
    ///
    /// - Parameter reference: The reference; nil to look for it.
    /// - Throws: `CheckpointError` where the folder cannot be read, has no policy, or its policies record no reference, one
    ///   that is not there, or several.
    public init(
        _ path: FilePath, reference: (any CheckpointSource)? = nil, bases: BaseSearch
    ) throws(CheckpointError) {
        let found = try Self.checkpoints(in: path, bases: bases)
        let chosen: any CheckpointSource
        if let reference {
            chosen = reference
        } else {
            chosen = try Self.recordedReference(of: found.opened, path, bases: bases)
        }
        var leftOut = found.leftOut
        var policies: [any CheckpointSource] = []
        for source in found.opened where source.path != chosen.path {
            let kind = CheckpointIdentity(source).kind
            if let kind, kind != FineTuningConfiguration.checkpointKind {
                leftOut.append(
                    LeftOut(path: source.path.string, reason: "it is '\(kind)', no policy", isUnreadable: false))
            } else {
                policies.append(source)
            }
        }
        guard !policies.isEmpty else {
            throw CheckpointError(
                .missing, path: path, problem: "no policy in the folder",
                comparison: .values(
                    found: "\(found.opened.count) checkpoints", expected: "at least one beside the reference"))
        }
        self.path = path
        self.reference = chosen
        self.leftOut = leftOut
        let runs = policies.map { Self.run(of: $0) }
        let order = policies.indices.sorted { first, second in
            func key(_ index: Int) -> (Int, Int, String) {
                (
                    runs.firstIndex(of: runs[index]) ?? 0, CheckpointIdentity(policies[index]).step ?? 0,
                    policies[index].path.string
                )
            }
            return key(first) < key(second)
        }
        self.policies = order.map { policies[$0] }
    }

    /// What says that two checkpoints are of one run: the reference and the configuration without what may change when a
    /// run goes on.
    static func run(of source: any CheckpointSource) -> [String] {
        let configuration = source.metadata[MetadataKey.configuration]?.stringValue ?? source.path.string
        let lines = configuration.split(separator: "\n").filter { line in
            !line.hasPrefix("steps:") && !line.hasPrefix("workers:")
        }
        return [source.metadata[MetadataKey.reference]?.stringValue ?? ""] + lines.map(String.init)
    }

    /// What the last policy practised; nil where its configuration is not one of this program's.
    public var practised: FineTuningConfiguration? {
        policies.lazy.reversed().compactMap { policy in
            policy.metadata[MetadataKey.configuration]?.stringValue.flatMap { yaml in
                try? ConfigurationLoader.load(FineTuningConfiguration.self, yaml: yaml, fileName: policy.path.string)
            }
        }.first
    }

    private static let endings: Set<String> = ["crux", "safetensors", "gguf"]

    private static func checkpoints(
        in path: FilePath, bases: BaseSearch
    ) throws(CheckpointError) -> (opened: [any CheckpointSource], leftOut: [LeftOut]) {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
        } catch {
            let isThere = FileManager.default.fileExists(atPath: path.string)
            throw CheckpointError(
                isThere ? .io : .missing, path: path,
                problem: isThere ? "this is no folder that can be read" : "there is no such folder")
        }
        var opened: [any CheckpointSource] = []
        var leftOut: [LeftOut] = []
        for name in names where !name.hasPrefix(".") {
            let file = path.appending(name)
            let isFolder = (try? Stat(file))?.type == .directory
            guard isFolder || endings.contains(file.extension ?? "") else { continue }
            do throws(CheckpointError) {
                opened.append(try CheckpointOpener.open(file, bases: bases))
            } catch {
                // Folders may be anything.
                if !isFolder {
                    leftOut.append(LeftOut(path: file.string, reason: error.detail, isUnreadable: true))
                }
            }
        }
        return (opened, leftOut)
    }

    private static func recordedReference(
        of sources: [any CheckpointSource], _ path: FilePath, bases: BaseSearch
    ) throws(CheckpointError) -> any CheckpointSource {
        let recorded = Set(sources.compactMap { $0.metadata[MetadataKey.reference]?.stringValue })
        guard let digest = recorded.first, recorded.count == 1 else {
            throw CheckpointError(
                .missing, path: path, problem: "the reference is not known",
                comparison: .values(
                    found: recorded.isEmpty
                        ? "no checkpoint that records one"
                        : "policies of \(recorded.count) references: \(recorded.sorted().joined(separator: ", "))",
                    expected: "one that all policies record, or --reference"))
        }
        // A policy of step 0 has the reference's weights too.
        func match(_ sources: [any CheckpointSource]) -> (any CheckpointSource)? {
            let identities = sources.map { CheckpointIdentity($0) }
            let matching = sources.indices.filter { identities[$0].weightsDigest?.hex == digest }
            let chosen = matching.first { identities[$0].kind != FineTuningConfiguration.checkpointKind }
            return (chosen ?? matching.first).map { sources[$0] }
        }
        if let source = match(sources.filter { $0.metadata[MetadataKey.reference] == nil }) { return source }
        let above = path.appending("..").lexicallyNormalized()
        if let source = match((try? checkpoints(in: above.isEmpty ? "." : above, bases: bases))?.opened ?? []) {
            return source
        }
        throw CheckpointError(
            .missing, path: path, problem: "the policies' reference is not here",
            comparison: .values(
                found: "no checkpoint whose weights have the digest \(digest), neither here nor in the folder above",
                expected: "one, or --reference"))
    }
}
