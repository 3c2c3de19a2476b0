public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// A file of `torch.save`: a zip archive, or the older row of pickles (before PyTorch 1.6).
///
/// Nothing in the file is run; see ``Pickle``. Tensors are found in any dictionaries and lists and named by their
/// paths; numbers and texts become metadata.
public struct PyTorchSource: CheckpointSource {
    /// The file.
    public let path: FilePath
    /// Always this kind.
    public let format = CheckpointFileFormat.pytorch
    /// The archive's version; 1001 for the older format.
    public let formatVersion: String?
    /// Numbers, texts and lists of them, by their paths.
    public let metadata: Metadata
    /// The size of the file in bytes.
    public let fileByteCount: Int
    /// What is neither tensor, number nor text; types that are none of ours.
    public let omissions: [Omission]
    /// The names of tensors whose types are none of ours.
    let unheldTensors: [String]
    private let content: StridedTensors

    /// Opens a file.
    ///
    /// - Throws: ``CheckpointError`` naming the rule that is broken and where; the name in the pickle that could run
    ///   code; the tensor that does not lie in its storage.
    public init(path: FilePath) throws(CheckpointError) {
        let file = try InputFile(path: path)
        if try file.read(0..<min(4, file.byteCount)).starts(with: Array("PK".utf8)) {
            try self.init(archive: ZipDirectory(of: file), in: file)
        } else {
            try self.init(pickles: file)
        }
    }

    /// The longest pickle that is read; those of models with a hundred thousand tensors have a third.
    static let pickleByteCountLimit = 1 << 26

    /// Whether an archive holds what PyTorch saves.
    static func isPyTorch(_ archive: ZipDirectory) -> Bool { pickle(in: archive) != nil }

    private static func pickle(in archive: ZipDirectory) -> ZipDirectory.Member? {
        archive.members.first { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
    }

    init(archive: ZipDirectory, in file: InputFile) throws(CheckpointError) {
        guard let pickled = Self.pickle(in: archive) else {
            throw CheckpointError(
                .notACheckpoint, path: file.path, problem: "the archive is not of PyTorch",
                comparison: .values(found: "no data.pkl", expected: "data.pkl in the archive's folder"))
        }
        let root = String(pickled.name.dropLast("data.pkl".count))
        let members = Dictionary(archive.members.map { ($0.name, $0) }) { first, _ in first }
        func text(_ name: String) throws(CheckpointError) -> String? {
            guard let member = members[root + name], member.byteCount <= 1024 else { return nil }
            return String(decoding: try Self.bytes(member, of: file), as: UTF8.self).trimmed
        }
        let order = try text("byteorder") ?? "little"
        guard order == "little" || order == "big" else {
            throw CheckpointError(
                .invalid, path: file.path, place: CheckpointPlace(section: "zip member '\(root)byteorder'"),
                problem: "not an order of bytes", comparison: .values(found: order, expected: "little or big"))
        }
        let pickle = try Pickle(parsing: try Self.bytes(pickled, of: file), path: file.path)
        var version = try text("version")
        if version == nil { version = try text(".data/version") }
        try self.init(PickledState(pickle, path: file.path), in: file, version: version, isBigEndian: order == "big") {
            storage in
            guard let member = members["\(root)data/\(storage.key)"] else { return nil }
            // PyTorch may leave the checksum out, or write a wrong one; it is checked only where unpacking needs care.
            return member.isDeflated ? .member(ZipContent(member, of: file)) : .stretch(file, member.range)
        }
    }

    private static func bytes(_ member: ZipDirectory.Member, of file: InputFile) throws(CheckpointError) -> [UInt8] {
        guard member.byteCount <= pickleByteCountLimit else {
            throw CheckpointError(
                .invalid, path: file.path, place: CheckpointPlace(section: "zip member '\(member.name)'"),
                problem: "the pickle is too long",
                comparison: .values(found: "\(member.byteCount) bytes", expected: "at most \(pickleByteCountLimit)"))
        }
        guard member.isDeflated else { return try file.read(member.range) }
        var bytes: [UInt8] = []
        try ZipContent(member, of: file).read(0..<member.byteCount, into: &bytes)
        return bytes
    }

    private init(
        _ state: PickledState, in file: InputFile, version: String?, isBigEndian: Bool,
        content: (PickledState.Storage) -> ContentBytes?
    ) throws(CheckpointError) {
        var (tensors, omissions): ([StridedTensor], [Omission]) = ([], state.omissions)
        var unheldTensors: [String] = []
        for view in state.views {
            func failure(
                _ kind: CheckpointError.Kind, _ problem: String, found: String, expected: String
            ) -> CheckpointError {
                CheckpointError(
                    kind, path: file.path, place: CheckpointPlace(tensor: view.name), problem: problem,
                    comparison: .values(found: found, expected: expected))
            }
            guard let dtype = view.type.dtype else {
                unheldTensors.append(view.name)
                omissions.append(
                    Omission("the tensor '\(view.name)' of type \(view.type.name), which is not held", isContent: true))
                continue
            }
            guard let bytes = content(view.storage) else {
                throw failure(
                    .missing, "its storage is not there", found: "no '\(view.storage.key)'", expected: "it in the file")
            }
            let (size, overflow) = view.storage.elementCount.multipliedReportingOverflow(
                by: view.storage.elementByteCount)
            guard !overflow, size == bytes.count else {
                throw failure(
                    !overflow && size < bytes.count ? .invalid : .truncated, "its storage is of another size",
                    found: "\(bytes.count) bytes",
                    expected: "\(view.storage.elementCount) elements of \(view.storage.elementByteCount)")
            }
            var (shape, strides, offset) = (view.shape, view.strides, view.offset)
            if dtype == .f4 {
                // PyTorch counts pairs of elements.
                guard let last = shape.last, (0...Int.max / 2).contains(last), (0...Int.max / 2).contains(offset) else {
                    throw failure(.invalid, "a pair of elements alone", found: "\(Shape(shape))", expected: "a vector")
                }
                shape[shape.count - 1] = last * 2
                offset *= 2
                let isRowMajor =
                    strides.count == shape.count
                    && zip(strides.indices, strides).allSatisfy { index, stride in
                        view.shape[index] == 1 || stride == view.shape[(index + 1)...].reduce(1) { $0 &* $1 }
                    }
                guard isRowMajor else {
                    throw failure(
                        .invalid, "elements that share bytes and are not row-major", found: "\(Shape(strides))",
                        expected: "contiguous ones")
                }
                strides = []
            }
            do {
                let description = try TensorDescription(name: view.name, dtype: dtype, shape: Shape(shape))
                tensors.append(
                    try StridedTensor(
                        description, in: bytes, offset: offset, strides: strides.isEmpty ? nil : strides,
                        isBigEndian: isBigEndian))
            } catch let error as StridedTensor.Problem {
                throw failure(
                    .invalid, "it does not lie in its storage", found: error.found, expected: error.expected)
            } catch {
                throw failure(.invalid, "\(error)", found: "\(Shape(shape))", expected: "a size that can be addressed")
            }
        }
        path = file.path
        formatVersion = version
        metadata = state.metadata
        fileByteCount = file.byteCount
        self.omissions = omissions
        self.unheldTensors = unheldTensors
        self.content = StridedTensors(tensors, path: file.path)
    }

    // MARK: The older format

    /// The integer that the older format starts with, as a pickle.
    static let legacyMagic: [UInt8] = [
        0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    /// Reads magic number, version, machine, state and keys, each a pickle; then the storages follow in the keys' order.
    private init(pickles file: InputFile) throws(CheckpointError) {
        let limit = min(file.byteCount, Self.pickleByteCountLimit)
        var count = min(limit, 1 << 20)
        while true {
            let bytes = try file.read(0..<count)
            do throws(CheckpointError) {
                try self.init(pickles: bytes, of: file)
                return
            } catch {
                guard error.kind == .truncated, count < limit else { throw error }
            }
            count = min(limit, count * 4)
        }
    }

    private init(pickles bytes: [UInt8], of file: InputFile) throws(CheckpointError) {
        let path = file.path
        guard bytes.starts(with: Self.legacyMagic) else {
            throw CheckpointError(
                .notACheckpoint, path: path, problem: "is not a file of torch.save",
                comparison: .values(found: "another start", expected: "a zip archive, or PyTorch's magic number"))
        }
        let version = try Pickle(parsing: bytes, from: Self.legacyMagic.count, path: path)
        guard let number = version.integer(version.root), number == 1001 else {
            throw CheckpointError(
                .unsupportedVersion, path: path, place: CheckpointPlace(section: "pickle"),
                problem: "a version that cannot be read",
                comparison: .values(
                    found: version.integer(version.root).map { "\($0)" } ?? "no number", expected: "1001"))
        }
        let machine = try Pickle(parsing: bytes, from: version.end, path: path)
        var isBigEndian = false
        if case .dictionary(let entries) = machine.nodes[machine.root] {
            for entry in entries where machine.string(entry.key) == "little_endian" {
                if case .bool(false) = machine.nodes[entry.value] { isBigEndian = true }
            }
        }
        let pickle = try Pickle(parsing: bytes, from: machine.end, path: path)
        let keys = try Pickle(parsing: bytes, from: pickle.end, path: path)
        let state = try PickledState(pickle, path: path)
        let storages = Dictionary(state.views.map { ($0.storage.key, $0.storage) }) { first, _ in first }
        var ranges: [String: Range<Int>] = [:]
        var position = keys.end
        for reference in keys.elements(keys.root) ?? [] {
            guard let key = keys.string(reference) ?? keys.integer(reference).map({ "\($0)" }),
                let storage = storages[key]
            else {
                throw CheckpointError(
                    .invalid, path: path, place: CheckpointPlace(section: "pickle"),
                    problem: "a storage that belongs to no tensor, so that its size is not known")
            }
            let count = try file.read(position..<position + 8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let start = position + 8
            let (size, first) = count.multipliedReportingOverflow(by: UInt64(storage.elementByteCount))
            guard !first, let size = Int(exactly: size), size <= file.byteCount - start else {
                throw CheckpointError(
                    .truncated, path: path,
                    place: CheckpointPlace(section: "storage '\(key)'", byteRange: position..<start),
                    problem: "the file ends before the storage does",
                    comparison: .values(
                        found: "\(file.byteCount - start) bytes",
                        expected: "\(count) elements of \(storage.elementByteCount)"))
            }
            ranges[key] = start..<start + size
            position = start + size
        }
        try self.init(state, in: file, version: "1001", isBigEndian: isBigEndian) { storage in
            ranges[storage.key].map { .stretch(file, $0) }
        }
    }

    /// The tensors in the pickle's order.
    public var tensors: [TensorDescription] { content.descriptions }

    /// The tensor of that name.
    public func tensor(named name: String) -> TensorDescription? { content.tensor(named: name) }

    /// How a tensor is stored.
    public func storage(of tensor: TensorDescription) -> TensorStorage { content.storage(of: tensor) }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    public func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        try content.readChunk(chunk, of: tensor, into: &buffer)
    }
}

extension String {
    /// The text without white space at its ends.
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
