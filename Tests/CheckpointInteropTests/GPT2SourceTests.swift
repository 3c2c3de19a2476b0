import CheckpointFormat
import CheckpointInterop
import Codecs
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct GPT2SourceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A model of one block, C = 4, V = 7, as nanoGPT orients it; elements are numbered through.
    private func nanoGPT(_ dtype: DType = .f32, biases: Bool = true) throws -> [TensorDescription] {
        var shapes: [(String, Shape)] = [("wte.weight", [7, 4]), ("wpe.weight", [8, 4])]
        func add(_ name: String, _ shape: Shape) {
            shapes.append((name + ".weight", shape))
            if biases { shapes.append((name + ".bias", [shape.dimensions[0]])) }
        }
        add("h.0.ln_1", [4])
        add("h.0.attn.c_attn", [12, 4])
        add("h.0.attn.c_proj", [4, 4])
        add("h.0.ln_2", [4])
        add("h.0.mlp.c_fc", [16, 4])
        add("h.0.mlp.c_proj", [4, 16])
        add("ln_f", [4])
        return try shapes.map { try TensorDescription(name: $0.0, dtype: dtype, shape: $0.1) }
    }

    private func content(_ tensor: TensorDescription) -> [UInt8] {
        let seed = tensor.name.utf8.reduce(7) { $0 &* 31 &+ Int($1) }
        return (0..<tensor.byteCount).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ seed &+ $0 >> 8) }
    }

    private func write(
        _ tensors: [TensorDescription], _ name: String = "model.safetensors",
        content: (TensorDescription) -> [UInt8]
    ) throws -> SafetensorsSource {
        let writer = try SafetensorsWriter.create(at: folder.file(name), metadata: ["note": "kept"], tensors: tensors)
        for tensor in writer.tensors { try writer.write(content(tensor)) }
        try writer.finish()
        return try SafetensorsSource(path: folder.file(name))
    }

    /// The transpose of a matrix, element by element.
    private func transpose(_ bytes: [UInt8], _ shape: Shape, width: Int) -> [UInt8] {
        let (rows, columns) = (shape.dimensions[0], shape.dimensions[1])
        var result: [UInt8] = []
        for column in 0..<columns {
            for row in 0..<rows {
                let start = (row * columns + column) * width
                result += bytes[start..<start + width]
            }
        }
        return result
    }

    @Test(arguments: [DType.u8, .bf16, .f32, .f64])
    func transposesWhatHuggingFaceTransposes(dtype: DType) throws {
        let tensors = try nanoGPT(dtype)
        let source = try write(tensors, content: content)
        let seen = try GPT2Source(source, naming: .huggingFace)
        #expect(seen.tensors.count == tensors.count)
        for tensor in source.tensors {
            let other = try #require(seen.tensor(named: "transformer." + tensor.name))
            let bytes = try seen.readBytes(of: other)
            if tensor.name.contains(/c_(attn|fc|proj)\.weight/) {
                #expect(other.shape == Shape(tensor.shape.dimensions.reversed()))
                #expect(bytes == transpose(content(tensor), tensor.shape, width: dtype.block.byteCount))
            } else {
                #expect(other.shape == tensor.shape)
                #expect(bytes == content(tensor))
            }
        }
    }

    /// From each naming to each, written to files between them, and back: the same file.
    @Test(arguments: GPT2Naming.allCases, GPT2Naming.allCases)
    func roundTripsBitForBit(first: GPT2Naming, second: GPT2Naming) throws {
        let start = try write(try nanoGPT(), content: content)
        let one = folder.file("one.safetensors")
        let two = folder.file("two.safetensors")
        let three = folder.file("three.safetensors")
        _ = try Conversion(GPT2Source(start, naming: first), to: .safetensors).run(to: one)
        _ = try Conversion(GPT2Source(SafetensorsSource(path: one), naming: second), to: .safetensors).run(to: two)
        #expect(try GPT2Names(SafetensorsSource(path: two).tensors)?.naming == second)
        _ = try Conversion(GPT2Source(SafetensorsSource(path: two), naming: first), to: .safetensors).run(to: three)
        #expect(try one.readBytes() == three.readBytes())
        #expect(try SafetensorsSource(path: three).metadata == ["note": .string("kept")])
    }

    /// A matrix of several bands of rows and several pieces of stored rows.
    @Test func transposesLargeMatrices() throws {
        let tensor = try TensorDescription(name: "matrix", dtype: .u16, shape: [2_500, 301])
        let bytes = (0..<tensor.byteCount).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 16) }
        let source = try write([tensor]) { _ in bytes }
        let transpose = try TensorTranspose(of: tensor, in: source, name: "transpose", bandByteCount: 400_000)
        #expect(transpose.description.shape == [301, 2_500])
        #expect(transpose.storage.chunkCount == 4)
        var (result, chunk): ([UInt8], [UInt8]) = ([], [])
        for index in 0..<4 {
            try transpose.readChunk(index, into: &chunk)
            result += chunk
        }
        #expect(result == self.transpose(bytes, tensor.shape, width: 2))
        #expect(throws: CheckpointError.self) { try transpose.readChunk(4, into: &chunk) }
    }

    @Test func leavesOutMasksAndTheTiedHead() throws {
        var tensors = try nanoGPT()
        tensors.append(try TensorDescription(name: "h.0.attn.bias", dtype: .u8, shape: [1, 1, 8, 8]))
        tensors.append(try TensorDescription(name: "h.0.attn.masked_bias", dtype: .f32, shape: []))
        let head = try TensorDescription(name: "lm_head.weight", dtype: .f32, shape: [7, 4])
        tensors.append(head)
        let tied = try GPT2Source(
            write(tensors) { $0 == head ? content(tensors[0]) : content($0) }, naming: .llamaCpp)
        #expect(Set(tied.leftOut) == ["h.0.attn.bias", "h.0.attn.masked_bias", "lm_head.weight"])
        #expect(tied.tensors.count == tensors.count - 3)
        #expect(tied.tensor(named: "output.weight") == nil)
        // A head of its own stays.
        let untied = try GPT2Source(write(tensors, "untied.safetensors", content: content), naming: .llamaCpp)
        #expect(Set(untied.leftOut) == ["h.0.attn.bias", "h.0.attn.masked_bias"])
        #expect(try untied.readBytes(of: #require(untied.tensor(named: "output.weight"))) == content(head))
    }

    @Test func addsBiasesOfZeros() throws {
        let source = try write(try nanoGPT(biases: false), content: content)
        for naming in GPT2Naming.allCases {
            let seen = try GPT2Source(source, naming: naming, addsBiases: true)
            #expect(seen.zeroBiasCount == 7)
            #expect(seen.tensors.count == source.tensors.count + 7)
            for (module, size) in [(GPT2Parameter.Module.attention, 12), (.contraction, 4), (.expansion, 16)] {
                let parameter = try #require(GPT2Parameter(module, block: 0, .bias))
                let bias = try #require(seen.tensor(named: naming.name(of: parameter)))
                #expect(bias.shape == [size])
                #expect(try seen.readBytes(of: bias) == [UInt8](repeating: 0, count: 4 * size))
            }
        }
        #expect(try GPT2Source(source, naming: .huggingFace).zeroBiasCount == 0)
        // Hugging Face's orientation gives the same sizes.
        let huggingFace = folder.file("hf.safetensors")
        _ = try Conversion(GPT2Source(source, naming: .huggingFace), to: .safetensors).run(to: huggingFace)
        let seen = try GPT2Source(SafetensorsSource(path: huggingFace), naming: .nanoGPT, addsBiases: true)
        #expect(seen.tensor(named: "h.0.attn.c_attn.bias")?.shape == [12])
        // Converted with all that, and read back.
        let outcome = try Conversion(GPT2Source(source, naming: .huggingFace, addsBiases: true), to: .crux)
            .run(to: folder.file("zeros.crux"))
        #expect(outcome.tensorCount == 16)
    }

    @Test func keepsWhatGPT2DoesNotHave() throws {
        var tensors = try nanoGPT()
        tensors.append(try TensorDescription(name: "v_head.summary.weight", dtype: .f32, shape: [1, 4]))
        let seen = try GPT2Source(write(tensors, content: content), naming: .huggingFace)
        #expect(try seen.readBytes(of: #require(seen.tensor(named: "v_head.summary.weight"))) == content(tensors[16]))
    }

    @Test func refusesWhatCannotBeDone() throws {
        func message(_ tensors: [(String, DType, Shape)], to naming: GPT2Naming) throws -> String {
            let source = try write(
                tensors.map { try TensorDescription(name: $0.0, dtype: $0.1, shape: $0.2) }, content: content)
            let error = #expect(throws: CheckpointError.self) { try GPT2Source(source, naming: naming) }
            return error?.detail ?? ""
        }
        #expect(
            try message([("x", .f32, [1])], to: .nanoGPT)
                == "the tensors are not those of a GPT-2 model: found for example 'x', "
                + "expected names as of transformers, nanoGPT or llama.cpp, one tensor a parameter")
        #expect(
            try message([], to: .nanoGPT)
                == "the tensors are not those of a GPT-2 model: found no tensor, "
                + "expected names as of transformers, nanoGPT or llama.cpp, one tensor a parameter")
        #expect(
            try message([("wte.weight", .f32, [7, 4]), ("h.0.attn.c_proj.weight", .f32, [4, 4])], to: .huggingFace)
                == "it cannot be told whether matrices have to be transposed: found square matrices alone, "
                + "expected a tensor of h.*.attn.c_attn, mlp.c_fc or mlp.c_proj")
        #expect(
            try message(
                [("wte.weight", .f32, [7, 4]), ("h.0.mlp.c_fc.weight", .f4, [16, 4])], to: .huggingFace)
                == "tensor 'h.0.mlp.c_fc.weight': cannot be transposed: found F4 [16, 4], "
                + "expected a matrix of a type whose elements are whole bytes, for example F32")
        #expect(
            try message(
                [
                    ("wte.weight", .f32, [7, 4]), ("transformer.h.0.mlp.c_fc.weight", .f32, [4, 16]),
                    ("h.0.attn.c_attn.weight", .f32, [4, 4, 4]),
                ], to: .nanoGPT)
                == "tensor 'h.0.attn.c_attn.weight': cannot be transposed: found F32 [4, 4, 4], "
                + "expected a matrix of a type whose elements are whole bytes, for example F32")
        #expect(
            try message(
                [("wte.weight", .f32, [7, 4]), ("token_embd.weight", .f32, [7, 4])], to: .nanoGPT)
                == "tensor 'wte.weight': two tensors would have the name 'wte.weight'")
    }
}
