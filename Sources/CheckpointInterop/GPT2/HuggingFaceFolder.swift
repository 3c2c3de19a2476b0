public import CheckpointFormat
internal import OrderedCollections
public import SystemPackage
internal import TensorCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A GPT-2 model as a folder that `transformers` loads: `model.safetensors`, `config.json` and the tokenizer.
public enum HuggingFaceFolder {
    /// Writes the folder; it appears under its name only when it is complete.
    ///
    /// The weights are the model's only; optimiser states and the like are left out. A model without biases gets
    /// biases of zeros, as GPT-2 has no other form at Hugging Face.
    ///
    /// - Parameters:
    ///   - source: A model of any format, with its tokenizer.
    ///   - folder: Must not exist, or be empty.
    ///   - progress: As ``Conversion/run(to:options:verifies:progress:)``.
    /// - Returns: What the conversion of the weights did.
    /// - Throws: ``CheckpointError`` where nothing describes the model, the folder is there, or writing fails.
    public static func write(
        _ source: any CheckpointSource, to folder: FilePath, verifies: Bool = true,
        progress: ((_ done: Int, _ total: Int) -> Void)? = nil
    ) throws(CheckpointError) -> Conversion.Outcome {
        let model = try GPT2Source.model(source)
        guard let description = try GPT2Description(of: model) else {
            throw CheckpointError(
                .invalid, path: source.path, problem: "nothing describes the model",
                comparison: .values(found: "no \(MetadataKey.architecture)", expected: "a GPT-2 model"))
        }
        var metadata: Metadata = ["format": .string("pt")]
        for (key, value) in model.metadata where key != "format" { metadata[key] = value }
        if description.tokenizer[MetadataKey.tokenizerModel]?.stringValue == "gpt2" {
            for key in metadata.keys where GPT2Description.isTokenizerKey(key) { metadata[key] = nil }
        }
        let seen = try GPT2Source(
            model, naming: .huggingFace, addsBiases: true, leavesOutOthers: true, metadata: metadata)
        let files = FileManager.default
        if (try? Stat(folder)) != nil {
            guard let content = try? files.contentsOfDirectory(atPath: folder.string), content.isEmpty else {
                throw CheckpointError(
                    .io, path: folder, problem: "cannot be written",
                    comparison: .values(found: "a file, or a folder with content", expected: "no or an empty folder"))
            }
        }
        let name = folder.lastComponent?.string ?? "model"
        let unfinished = folder.removingLastComponent().appending(
            ".\(name).\(ProcessInfo.processInfo.processIdentifier).unfinished")
        do {
            try UnfinishedPaths.creating(
                unfinished, remove: { try? FileManager.default.removeItem(atPath: unfinished.string) }
            ) { try files.createDirectory(atPath: unfinished.string, withIntermediateDirectories: false) }
        } catch {
            throw CheckpointError(
                .io, path: folder, problem: "the folder cannot be created: \(error)")
        }
        defer { UnfinishedPaths.forget(unfinished) }
        do throws(CheckpointError) {
            let outcome = try Conversion(seen, to: .safetensors).run(
                to: unfinished.appending("model.safetensors"), verifies: verifies, progress: progress)
            for (name, text) in HuggingFaceText.files(description, dtype: seen.tensors.first?.dtype ?? .f32) {
                let file = try OutputFile.create(at: unfinished.appending(name))
                try file.write(Array(text.utf8))
                try file.finish()
            }
            do {
                if (try? Stat(folder)) != nil { try files.removeItem(atPath: folder.string) }
                try files.moveItem(atPath: unfinished.string, toPath: folder.string)
            } catch {
                throw CheckpointError(
                    .io, path: folder, problem: "cannot be put in place: \(error)")
            }
            return outcome
        } catch {
            try? files.removeItem(atPath: unfinished.string)
            throw error
        }
    }
}
