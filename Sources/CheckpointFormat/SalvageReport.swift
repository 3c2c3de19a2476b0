public import Codecs
internal import TensorCore

/// What a salvage has found in a file: what comes back, what is lost, and why.
public struct SalvageReport: Sendable, Codable, Hashable {
    /// What says which tensors there are.
    public enum Evidence: String, Sendable, Codable, Hashable, CaseIterable {
        /// An index that is whole.
        case index
        /// The tensors' own records, because no index is whole.
        case records
    }

    /// A tensor that comes back, bit for bit.
    public struct Tensor: Sendable, Codable, Hashable {
        /// The tensor's name.
        public let name: String
        /// The type of the elements.
        public let dtype: String
        /// The dimensions, outermost first.
        public let shape: [Int]
        /// The size of the content.
        public let byteCount: Int
        /// The digest of the content, as it was saved and as it is.
        public let digest: Digest128
    }

    /// Something that does not come back.
    public struct Loss: Sendable, Codable, Hashable {
        /// What is lost.
        public enum Part: String, Sendable, Codable, Hashable, CaseIterable {
            /// A tensor, or some of its content.
            case tensor
            /// All metadata.
            case metadata
            /// An optional section of a kind that is not known here.
            case section
            /// Bytes that hold nothing that can be read; what was there is not known.
            case bytes
            /// What followed at the end, if anything did.
            case end
        }

        /// What is lost.
        public let part: Part
        /// The tensor's name, or the section's kind, where it is known.
        public internal(set) var name: String?
        /// The type of the tensor's elements, where it is known.
        public internal(set) var dtype: String?
        /// The tensor's dimensions, where they are known.
        public internal(set) var shape: [Int]?
        /// The size of the tensor's content, where it is known.
        public internal(set) var byteCount: Int?
        /// The bytes of the file concerned, as far as they are known.
        public internal(set) var byteRange: Range<Int>?
        /// Why it is lost, in lower case.
        public let problem: String
        /// The number of the tensor's chunks, where its chunk table is whole.
        public internal(set) var chunkCount: Int?
        /// The number of its chunks that are whole.
        public internal(set) var intactChunkCount: Int?
        /// The ranges of the tensor's content, in bytes, that are lost; the rest of it is whole.
        public internal(set) var lostContentRanges: [Range<Int>] = []
        /// What is wrong with its chunks, at most the first hundred.
        public internal(set) var findings: [Finding] = []
    }

    /// The file.
    public let path: String
    /// The file's size.
    public let byteCount: Int
    /// What says which tensors there are.
    public internal(set) var evidence = Evidence.index
    /// What is wrong with header, trailer and index.
    public internal(set) var findings: [Finding] = []
    /// The tensors that come back, in the order of the file.
    public internal(set) var tensors: [Tensor] = []
    /// The number of metadata keys that come back; nil where the metadata is lost.
    public internal(set) var metadataCount: Int?
    /// What does not come back.
    public internal(set) var lost: [Loss] = []

    /// Whether everything that the file ever held comes back.
    public var isComplete: Bool { lost.isEmpty }
    /// Whether nothing comes back.
    public var isEmpty: Bool { tensors.isEmpty && metadataCount == nil }

    static let maximumFindingCount = 100

    init(path: String, byteCount: Int) {
        self.path = path
        self.byteCount = byteCount
    }
}

extension SalvageReport.Loss {
    init(_ part: Part, name: String? = nil, byteRange: Range<Int>? = nil, problem: String) {
        self.part = part
        self.name = name
        self.byteRange = byteRange
        self.problem = problem
    }

    init(tensor: TensorDescription, byteRange: Range<Int>?, problem: String) {
        self.init(.tensor, name: tensor.name, byteRange: byteRange, problem: problem)
        dtype = tensor.dtype.rawValue
        shape = tensor.shape.dimensions
        byteCount = tensor.byteCount
    }
}
