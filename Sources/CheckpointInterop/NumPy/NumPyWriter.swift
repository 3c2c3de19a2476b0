public import CheckpointFormat
public import SystemPackage
public import TensorCore

/// Writes NumPy's arrays tensor by tensor; the file appears under its name only when it is complete.
public final class NumPyWriter: TensorFileWriter {
    /// The tensors in the order in which their bytes have to come: the given one.
    public let tensors: [TensorDescription]
    private let file: OutputFile
    /// Nil for a file of one array.
    private let archive: ZipWriter?
    private var index = -1
    /// The bytes of the current tensor that are still to come.
    private var missing = 0

    /// Begins a .npz archive, with a member for each tensor, stored as it is.
    ///
    /// - Throws: ``CheckpointError`` for a tensor that NumPy cannot hold, and where the file cannot be created.
    public static func archive(
        at path: FilePath, tensors: some Sequence<TensorDescription>
    ) throws(CheckpointError) -> NumPyWriter {
        let tensors = Array(tensors)
        try check(tensors, path: path)
        let file = try OutputFile.create(at: path)
        return NumPyWriter(tensors, file, ZipWriter(file))
    }

    /// Begins a .npy file of one tensor, whose name is not written.
    ///
    /// - Throws: ``CheckpointError`` for a tensor that NumPy cannot hold, and where the file cannot be created.
    public static func array(at path: FilePath, tensor: TensorDescription) throws(CheckpointError) -> NumPyWriter {
        try check([tensor], path: path)
        return NumPyWriter([tensor], try OutputFile.create(at: path), nil)
    }

    private static func check(_ tensors: [TensorDescription], path: FilePath) throws(CheckpointError) {
        var names: Set<String> = []
        for tensor in tensors {
            if let problem = problem(of: tensor) ?? (names.insert(tensor.name).inserted ? nil : "the name occurs twice")
            {
                throw CheckpointError(
                    .invalid, path: path, place: CheckpointPlace(tensor: tensor.name), problem: problem)
            }
        }
    }

    /// Why NumPy cannot hold a tensor; nil where it can.
    static func problem(of tensor: TensorDescription) -> String? {
        if NPYHeader.descr(of: tensor.dtype) == nil { return "NumPy has no \(tensor.dtype.rawValue)" }
        if tensor.shape.rank > NPYHeader.maximumRank {
            return "NumPy has at most \(NPYHeader.maximumRank) dimensions, not \(tensor.shape.rank)"
        }
        if tensor.name.utf8.contains(0) || tensor.name.utf8.count > 65_000 {
            return "a zip archive has names of at most 65000 bytes, without U+0000"
        }
        return nil
    }

    private init(_ tensors: [TensorDescription], _ file: OutputFile, _ archive: ZipWriter?) {
        self.tensors = tensors
        self.file = file
        self.archive = archive
    }

    deinit { file.discard() }

    /// Adds the next bytes of the tensors, in pieces of any size.
    ///
    /// - Throws: ``CheckpointError`` where there are more than the tensors have, or the file cannot be written.
    public func write(_ bytes: RawSpan) throws(CheckpointError) {
        var offset = 0
        while offset < bytes.byteCount {
            while missing == 0 {
                guard try beginNext() else { throw miscount("more bytes") }
            }
            let count = min(missing, bytes.byteCount - offset)
            try put(bytes.extracting(offset..<offset + count))
            offset += count
            missing -= count
        }
    }

    /// Makes the file durable and gives it its name.
    ///
    /// - Throws: ``CheckpointError`` where bytes are missing, or the file cannot be written.
    public func finish() throws(CheckpointError) {
        while missing == 0 {
            guard try beginNext() else {
                if let archive { try archive.finish() } else { try file.finish() }
                return
            }
        }
        file.discard()
        throw miscount("fewer bytes")
    }

    private func put(_ bytes: RawSpan) throws(CheckpointError) {
        if let archive { try archive.write(bytes) } else { try file.write(bytes) }
    }

    /// Ends a tensor and begins the next; false after the last.
    private func beginNext() throws(CheckpointError) -> Bool {
        if index >= 0, index < tensors.count { try archive?.end() }
        index += 1
        guard index < tensors.count else { return false }
        let header = NPYHeader.encoded(tensors[index])
        try archive?.begin(tensors[index].name + ".npy", byteCount: header.count + tensors[index].byteCount)
        try put(unsafe header.span.bytes)
        missing = tensors[index].byteCount
        return true
    }

    private func miscount(_ found: String) -> CheckpointError {
        CheckpointError(
            .invalid, path: file.path, problem: "another number of bytes than the tensors have",
            comparison: .values(found: found, expected: "\(tensors.reduce(0) { $0 + $1.byteCount })"))
    }
}
