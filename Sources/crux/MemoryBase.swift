internal import CheckpointFormat
internal import Codecs
internal import SystemPackage
internal import TensorCore

/// Tensors in memory as the base of deltas, so that a measurement is not one of reading the base.
struct MemoryBase: DeltaBase {
    let path: FilePath
    private let tensors: [String: BenchmarkTensors.Tensor]
    private let digests: [String: Digest128]

    init(_ tensors: [BenchmarkTensors.Tensor], path: FilePath) {
        self.path = path
        self.tensors = Dictionary(tensors.map { ($0.description.name, $0) }, uniquingKeysWith: { first, _ in first })
        digests = self.tensors.mapValues { tensor in
            unsafe ContentDigest.tensor(
                dtype: tensor.description.dtype, shape: tensor.description.shape, bytes: tensor.bytes.span.bytes)
        }
    }

    /// The bytes of a tensor of that name, type and shape; nil where there is none.
    func bytes(of tensor: TensorDescription) -> [UInt8]? {
        guard let found = tensors[tensor.name], found.description.dtype == tensor.dtype,
            found.description.shape == tensor.shape
        else { return nil }
        return found.bytes
    }

    func description(ofTensor name: String) -> TensorDescription? { tensors[name]?.description }

    func contentDigest(ofTensor name: String) throws(CheckpointError) -> Digest128 { digests[name] ?? .zero }

    func baseWeightsDigest() throws(CheckpointError) -> Digest128 {
        ContentDigest.weights(
            of: tensors.values.filter { $0.description.role == .weight }.map {
                ($0.description.name, digests[$0.description.name] ?? .zero)
            })
    }

    func readContent(
        _ range: Range<Int>, ofTensor name: String, into content: inout MutableRawSpan, scratch: BaseScratch
    ) throws(CheckpointError) {
        guard let bytes = tensors[name]?.bytes else { return }
        content.place(bytes, of: 0..<bytes.count, in: range)
    }
}
