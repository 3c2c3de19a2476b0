internal import Codecs
public import SystemPackage

/// Where the bases of deltas are looked for.
///
/// The places are tried in this order: the paths named here, the place that the delta remembers (relative to its
/// folder), a file of that name beside the delta, and the folders named here. A file is taken only where its content
/// has the digests that the delta asks for.
public struct BaseSearch: Sendable {
    /// Checkpoints that may be the base.
    public var paths: [FilePath]
    /// Folders whose files, not those of folders in them, may be the base.
    public var folders: [FilePath]
    /// Opens a candidate, and looks for the base that it may have itself only where the check passes: else the files
    /// of a folder would be opened once for each way in which they could lie behind one another.
    package var open: @Sendable (FilePath, BaseSearch, Check) throws(CheckpointError) -> any DeltaBase
    /// Refuses a candidate that is not the base.
    package typealias Check = (any DeltaBase) throws(CheckpointError) -> Void
    /// The chain of deltas that led here.
    private(set) var chain: [(path: FilePath, identity: FileIdentity)] = []

    /// Looks at no more than what a delta remembers and what is named; bases are crux files.
    public init(paths: [FilePath] = [], folders: [FilePath] = []) {
        self.paths = paths
        self.folders = folders
        open = { path, search, check throws(CheckpointError) in
            try CheckpointReader.open(path: path, bases: search, check: check)
        }
    }

    /// The name of the variable of ``standard``.
    public static let environmentKey = "CRUX_BASES"

    /// What the environment variable `CRUX_BASES` names: files and folders, with `:` between them.
    public static var standard: BaseSearch {
        var search = BaseSearch()
        search.add((Platform.environment(environmentKey) ?? "").split(separator: ":").map { FilePath(String($0)) })
        return search
    }

    /// Adds files and folders, each to its own list.
    public mutating func add(_ places: [FilePath]) {
        for place in places {
            if (try? Stat(place))?.type == .directory { folders.append(place) } else { paths.append(place) }
        }
    }

    /// The search for the base of a base.
    ///
    /// - Throws: `invalid` where the file is open already, or the chain is too long.
    package func entering(_ file: InputFile) throws(CheckpointError) -> BaseSearch {
        var search = self
        if let earlier = chain.first(where: { $0.identity == file.identity }) {
            throw CheckpointError(
                .invalid, path: file.path, place: CheckpointPlace(section: "base"),
                problem: "a cycle of deltas leads from \(earlier.path) back to it")
        }
        guard chain.count < Format.maximumBaseDepth else {
            throw CheckpointError.tooManyDeltas(chain.count + 1, path: file.path)
        }
        search.chain.append((file.path, file.identity))
        return search
    }

    /// Opens the base of a delta.
    ///
    /// - Parameter tensors: The delta's tensors.
    /// - Throws: `missing` where there is no candidate, else what is wrong with the likeliest one.
    package func base(
        for reference: BaseReference, of tensors: [StoredTensor], in delta: InputFile
    ) throws(CheckpointError) -> any DeltaBase {
        let inner = try entering(delta)
        var failures: [CheckpointError] = []
        var tried: [FilePath] = []
        for (candidate, isNamed) in candidates(for: reference, of: delta) where !tried.contains(candidate) {
            tried.append(candidate)
            guard let status = try? Stat(candidate) else { continue }
            // A checkpoint of several files may be a folder.
            guard status.type == .regular || (status.type == .directory && isNamed) else { continue }
            do throws(CheckpointError) {
                return try open(candidate, inner) { base throws(CheckpointError) in
                    try base.check(isBaseOf: tensors, of: reference)
                }
            } catch {
                // In a folder lie many files that nobody said were the base.
                if isNamed || error.kind == .wrongBase { failures.append(error) }
            }
        }
        let place = CheckpointPlace(section: "base")
        if let failure = failures.first(where: { $0.kind != .wrongBase }) ?? failures.first {
            throw CheckpointError(failure.kind, path: delta.path, place: place, problem: "\(failure)")
        }
        let places = (tried + folders.map { $0.appending("*") }).map(\.string).joined(separator: ", ")
        throw CheckpointError(
            .missing, path: delta.path, place: place,
            problem: "the checkpoint that this delta is stored against was not found: "
                + "weights \(reference.weightsDigest.hex); looked at \(places.isEmpty ? "no place" : places)")
    }

    private func candidates(
        for reference: BaseReference, of delta: InputFile
    ) -> [(path: FilePath, isNamed: Bool)] {
        let own = delta.path.removingLastComponent()
        let hint = FilePath(reference.pathHint)
        var candidates = paths.map { (path: $0, isNamed: true) }
        if let name = hint.lastComponent {
            candidates.append((own.pushing(hint), true))
            candidates.append((own.appending(name), false))
            candidates += folders.map { ($0.appending(name), false) }
        }
        for folder in folders {
            let names = Platform.entries(of: folder.isEmpty ? "." : folder)
            candidates += names.sorted().filter { !$0.hasPrefix(".") }.map { (folder.appending($0), false) }
        }
        return candidates
    }
}

extension CheckpointError {
    /// More deltas behind one another than a reader follows.
    static func tooManyDeltas(_ count: Int, path: FilePath) -> CheckpointError {
        CheckpointError(
            .invalid, path: path, place: CheckpointPlace(section: "base"),
            problem: "too many deltas lie behind one another",
            comparison: .values(
                found: "\(count)", expected: "at most \(Format.maximumBaseDepth); 'crux flatten' makes one whole"))
    }
}
