internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Codecs
internal import Rendering
internal import SystemPackage
internal import TensorCore

/// `crux convert`.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Rewrite a checkpoint in another format, tensors bit for bit.",
        discussion:
            """
            Examples:
              crux convert model.safetensors model.crux        compress, add checksums
              crux convert model.gguf model.safetensors --dtype F32    dequantise
              crux convert model.crux model.gguf --dtype Q8_0          quantise
              crux convert policy.crux small.crux --base reference.crux      a delta
              crux convert model.crux folder --to safetensors --shard-size 5GB
              crux convert run.crux folder --for transformers
              crux convert run.crux model.gguf --for llama.cpp --dtype Q8_0
              crux convert pytorch_model.bin model.safetensors     nothing is run

            What is at OUT is replaced only by the complete file. Conversion is never needed for the other tools. With \
            --base, a crux file becomes a delta: small, and readable only together with the base, which may be of any \
            format; 'crux flatten' makes it whole again.
            """)

    @Argument(
        help: "The checkpoint to read, of any format that can be opened; - for standard input.", completion: .file())
    var input: String

    @Argument(help: "The file to write; - for standard output, with --to.", completion: .file())
    var target: String

    @Option(name: .customLong("to"), help: "The format to write; by default what OUT's name ends in.")
    var format: Conversion.Target?

    @Option(
        name: .customLong("for"),
        help: """
            Write a GPT-2 model for that tool, with its names, orientation, configuration and tokenizer: transformers \
            (OUT is a folder), llama.cpp (GGUF) or crux.
            """)
    var tool: ModelTool?

    @Option(
        help: """
            Convert the weights to this type: dequantise, round or quantise. Vectors, and rows that do not fill blocks, \
            are not quantised.
            """)
    var dtype: DTypeConversion.Target?

    @Option(
        help: ArgumentHelp(
            """
            Files of at most so many bytes, for example 5GB: for crux beside OUT, which lists them; for safetensors in \
            the folder OUT, with their index.
            """, valueName: "size"))
    var shardSize: ByteSize?

    @Option(help: "Name GPT-2's tensors as that tool does, and transpose what it transposes.")
    var names: GPT2Naming?

    @Option(help: "For crux: the smallest codec of each chunk, or none.")
    var codec = WriterOptions.CodecChoice.best

    @Flag(help: "Leave out what the format cannot hold, saying what; otherwise nothing is written then.")
    var lossy = false

    @Flag(inversion: .prefixedNo, help: "Read the finished file back and compare every tensor and the metadata.")
    var verify = true

    @Flag(help: "List every tensor with its digest, as read and as written.")
    var digests = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if tool != nil, names != nil { throw ValidationError("expected either --for or --names, not both") }
        if tool == .transformers {
            if format != nil { throw ValidationError("expected either --to or --for transformers, not both") }
            if lossy { throw ValidationError("expected either --lossy or --for transformers, not both") }
        } else if try chosenFormat() == .crux, codec == .raw, !output.bases.isEmpty {
            throw ValidationError("--codec raw: found --base as well, expected one of them: a delta is never raw")
        }
        if target == PipedCheckpoint.argument, tool == .transformers || shardSize != nil || !output.bases.isEmpty {
            throw ValidationError("OUT: found -, expected the path of a file or folder")
        }
        guard shardSize != nil else { return }
        if tool == .transformers { return }
        let chosen = try chosenFormat()
        if chosen != .crux, chosen != .safetensors {
            throw ValidationError("--shard-size: found \(chosen.rawValue), expected crux or safetensors")
        }
        if !output.bases.isEmpty {
            throw ValidationError("expected either --shard-size or --base, not both: a delta is one file")
        }
    }

    mutating func run() throws {
        let bases = try output.baseSearch()
        let stored = try CheckpointOpener.open(PipedCheckpoint.input(input), bases: bases)
        if tool == .transformers { return try writeFolder(stored) }
        let source = try self.source(stored)
        let base = try output.bases.first.map { try CheckpointOpener.openBase(FilePath($0), bases: bases) }
        let conversion = Conversion(source, to: try chosenFormat(), isLossy: lossy)
        // The first loss is the error's own where losses are refused.
        let refused = lossy ? nil : conversion.issues.first { $0.severity == .loss }
        for issue in conversion.issues where issue != refused {
            StandardError.write("warning: \(input): \(TerminalText.visible(issue.description))\n")
        }
        let progress = output.progress("convert")
        let outcome = try PipedCheckpoint.output(target) { path in
            try conversion.run(
                to: path, options: WriterOptions(codec: codec, workerCount: output.workers),
                shardByteCount: shardSize?.byteCount, base: conversion.target == .crux ? base : nil, verifies: verify
            ) { done, total in progress.update(.init(done, of: total)) }
        }
        progress.finish()
        try report(outcome, format: conversion.target, of: source)
    }

    private func report(
        _ outcome: Conversion.Outcome, format: Conversion.Target, of source: any CheckpointSource
    ) throws {
        let result = ConversionResult(
            source: input, target: target, format: format, changes: (source as? DTypeSource)?.changes ?? [],
            outcome: outcome)
        let text = try output.json ? ReportJSON.encode(result) : result.text(listsDigests: digests)
        // Standard output may be the checkpoint itself.
        if target == PipedCheckpoint.argument { StandardError.write(text) } else { try StandardOutput.write(text) }
    }

    /// What is converted: the file as it is, or a view of it under other names or with other types.
    private func source(_ stored: any CheckpointSource) throws -> any CheckpointSource {
        if tool == .llamaCpp { return try LlamaCppModel.view(of: stored, dtype: dtype, allowsInfinities: lossy) }
        guard let dtype else { return try view(of: stored) }
        let conversion = DTypeConversion(
            to: dtype, keepsSmallTensors: names == .llamaCpp, allowsInfinities: lossy)
        // What is quantised cannot be transposed.
        return dtype.dtype.isBlockQuantised
            ? DTypeSource(try view(of: stored), conversion: conversion)
            : try view(of: DTypeSource(stored, conversion: conversion))
    }

    private func view(of source: any CheckpointSource) throws -> any CheckpointSource {
        if let names { return try GPT2Source(source, naming: names) }
        guard tool == .crux else { return source }
        guard try GPT2Description(of: source) != nil else {
            throw CommandFailure.couldNotRun(
                "\(input): found nothing that describes a GPT-2 model, expected config.json beside it, or metadata")
        }
        return try GPT2Source.model(source)
    }

    private func writeFolder(_ source: any CheckpointSource) throws {
        let converted = dtype.map { DTypeSource(source, conversion: DTypeConversion(to: $0, allowsInfinities: lossy)) }
        let progress = output.progress("convert")
        let outcome = try HuggingFaceFolder.write(
            converted ?? source, to: FilePath(target), shardByteCount: shardSize?.byteCount, verifies: verify
        ) { done, total in progress.update(.init(done, of: total)) }
        progress.finish()
        try report(outcome, format: .safetensors, of: converted ?? source)
    }

    private func chosenFormat() throws -> Conversion.Target {
        if tool == .llamaCpp {
            if let format, format != .gguf {
                throw ValidationError("--to: found \(format.rawValue), expected gguf, which llama.cpp reads")
            }
            return .gguf
        }
        if let format { return format }
        let ending = FilePath(target).extension ?? ""
        guard let format = Conversion.Target(rawValue: ending) else {
            throw ValidationError(
                "OUT's name: found '\(target)', expected one that ends in "
                    + Conversion.Target.allCases.map { ".\($0.rawValue)" }.joined(separator: " or ") + ", or --to")
        }
        return format
    }
}

/// A tool that a model can be written for.
enum ModelTool: String, CaseIterable {
    /// A folder of Hugging Face.
    case transformers
    /// A GGUF file of architecture gpt2.
    case llamaCpp = "llama.cpp"
    /// This program: nanoGPT's names, metadata `model.*` and `tokenizer.*`.
    case crux
}

/// What a conversion did, as it is written to standard output.
struct ConversionResult: Encodable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    let schemaVersion = 1
    /// What was read.
    let source: String
    /// What was written.
    let target: String
    /// The format that was written.
    let format: Conversion.Target
    /// Tensors that got another type.
    let changes: [DTypeChange]
    /// Sizes, digests and what could not be held.
    let outcome: Conversion.Outcome

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, source, target, format, changes, outcome
    }

    /// The result for a terminal.
    func text(listsDigests: Bool) -> String {
        let ratio = Double(outcome.targetByteCount) / Double(max(1, outcome.sourceByteCount))
        var text = "\(TerminalText.visible(source)) → \(TerminalText.visible(target)): "
        text += "\(FigureFormat.count.text(outcome.tensorCount)) tensors, "
        text +=
            "\(FigureFormat.bytes.text(outcome.sourceByteCount)) → \(FigureFormat.bytes.text(outcome.targetByteCount))"
        text += " (\(FigureFormat.percent(1).text(ratio)))"
        text += outcome.writtenWeightsDigest == nil ? "\n" : ", read back and compared\n"
        if !changes.isEmpty { text += "types: " + changes.map(\.description).joined(separator: ", ") + "\n" }
        if listsDigests {
            for tensor in outcome.tensors {
                text += digests(tensor.digest, tensor.writtenDigest)
                text += "  \(TerminalText.visible(tensor.name)) \(tensor.dtype.rawValue) \(tensor.shape)\n"
            }
        }
        return text + digests(outcome.weightsDigest, outcome.writtenWeightsDigest) + "  weights\n"
    }

    /// The digest of what was read and, where it was read back, that of what was written.
    private func digests(_ read: Digest128, _ written: Digest128?) -> String {
        guard let written else { return read.hex }
        return "\(read.hex) \(read == written ? "=" : "≠") \(written.hex)"
    }
}
