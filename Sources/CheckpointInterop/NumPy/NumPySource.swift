public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// Arrays of NumPy: one in a .npy file, or several in a .npz archive.
///
/// The format has no metadata. Checksums of archives are checked where an array is read from its start to its end.
public struct NumPySource: CheckpointSource {
    /// The file.
    public let path: FilePath
    /// Whether it is an archive.
    public let format: CheckpointFileFormat
    /// The size of the file in bytes.
    public let fileByteCount: Int
    /// Arrays of types that are no numbers, and other members.
    public let omissions: [Omission]
    private let content: StridedTensors

    /// Nil: arrays of one file may be of several versions.
    public var formatVersion: String? { nil }
    /// Empty.
    public var metadata: Metadata { [:] }

    /// Opens a file of one array. It is named as the file, less what the name ends in.
    ///
    /// - Throws: ``CheckpointError`` naming the rule that is broken and where.
    public init(array path: FilePath) throws(CheckpointError) {
        let file = try InputFile(path: path)
        let bytes = ContentBytes.stretch(file, 0..<file.byteCount)
        let array = try Self.array(named: path.stem ?? "array", in: bytes, path: path, place: CheckpointPlace())
        guard case .tensor(let tensor) = array else {
            throw CheckpointError(
                .unsupportedVersion, path: path, problem: "an array of a type that is no number",
                comparison: .values(found: array.descr, expected: "bool, int, uint, float or complex64"))
        }
        self.path = path
        format = .npy
        fileByteCount = file.byteCount
        omissions = []
        content = StridedTensors([tensor], path: path)
    }

    /// Opens an archive of arrays. Each is named as its member, less `.npy`.
    ///
    /// - Throws: ``CheckpointError`` naming the rule that is broken and where.
    public init(archive path: FilePath) throws(CheckpointError) {
        let file = try InputFile(path: path)
        try self.init(archive: ZipDirectory(of: file), in: file)
    }

    init(archive: ZipDirectory, in file: InputFile) throws(CheckpointError) {
        var (tensors, omissions): ([StridedTensor], [Omission]) = ([], [])
        var names: Set<String> = []
        for member in archive.members {
            guard member.name.hasSuffix(".npy") else {
                omissions.append(Omission("the member '\(member.name)', which is no array", isContent: true))
                continue
            }
            let name = String(member.name.dropLast(4))
            let array = try Self.array(
                named: name, in: .member(ZipContent(member, of: file)), path: file.path,
                place: CheckpointPlace(tensor: name))
            switch array {
            case .tensor(let tensor):
                // Names that differ only in how they compose letters are one name here.
                guard names.insert(name).inserted else {
                    throw CheckpointError(
                        .invalid, path: file.path, place: CheckpointPlace(tensor: name),
                        problem: "the name occurs twice")
                }
                tensors.append(tensor)
            case .other(let descr):
                omissions.append(Omission("the array '\(name)' of type \(descr), which is no number", isContent: true))
            }
        }
        path = file.path
        format = .npz
        fileByteCount = file.byteCount
        self.omissions = omissions
        content = StridedTensors(tensors, path: file.path)
    }

    private enum Content {
        case tensor(StridedTensor)
        case other(descr: String)

        var descr: String {
            switch self {
            case .tensor(let tensor): tensor.description.dtype.rawValue
            case .other(let descr): descr
            }
        }
    }

    private static func array(
        named name: String, in content: ContentBytes, path: FilePath, place: CheckpointPlace
    ) throws(CheckpointError) -> Content {
        var bytes: [UInt8] = []
        try content.read(0..<min(content.count, NPYHeader.startByteCount), into: &bytes)
        let headerByteCount = try NPYHeader.byteCount(bytes, path: path, place: place)
        try content.read(0..<min(content.count, headerByteCount), into: &bytes)
        let header = try NPYHeader(parsing: bytes, path: path, place: place)
        guard let (dtype, isBigEndian) = header.dtype else { return .other(descr: header.descr) }
        let tensor: TensorDescription
        do throws(TensorError) {
            tensor = try TensorDescription(name: name, dtype: dtype, shape: header.shape)
        } catch {
            throw CheckpointError(.invalid, path: path, place: place, problem: "\(error)")
        }
        let (end, overflow) = header.dataOffset.addingReportingOverflow(tensor.byteCount)
        guard !overflow, end == content.count else {
            throw CheckpointError(
                !overflow && end < content.count ? .invalid : .truncated, path: path, place: place,
                problem: "the array's size is not that of its shape",
                comparison: .values(
                    found: "\(content.count - header.dataOffset) bytes",
                    expected: "\(tensor.byteCount) for \(tensor.dtype.rawValue) \(tensor.shape)"))
        }
        do throws(StridedTensor.Problem) {
            return .tensor(
                try StridedTensor(
                    tensor, in: content, byteOffset: header.dataOffset,
                    strides: header.isFortranOrder ? StridedTensor.columnMajorStrides(tensor.shape) : nil,
                    isBigEndian: isBigEndian))
        } catch {
            throw CheckpointError(
                .invalid, path: path, place: place, problem: "the array does not lie in its bytes",
                comparison: .values(found: error.found, expected: error.expected))
        }
    }

    /// The arrays in the order of the file.
    public var tensors: [TensorDescription] { content.descriptions }

    /// The array of that name.
    public func tensor(named name: String) -> TensorDescription? { content.tensor(named: name) }

    /// How an array is stored.
    public func storage(of tensor: TensorDescription) -> TensorStorage { content.storage(of: tensor) }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    public func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        try content.readChunk(chunk, of: tensor, into: &buffer)
    }
}
