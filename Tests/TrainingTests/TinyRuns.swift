import CheckpointFormat
import Codecs
import Foundation
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

/// Configurations that train in a second or two.
enum TinyRuns {
    /// One-digit additions on a model of two narrow layers.
    static func pretraining(_ overrides: [String] = []) throws -> PretrainingConfiguration {
        try ConfigurationLoader.load(
            yaml: """
                steps: 6
                workers: 2
                model: {context_length: 256, layer_count: 2, head_count: 2, embedding_size: 32}
                task: {digits: 1}
                data: {examples_per_step: 6}
                optimizer: {learning_rate: 3e-3, warmup_steps: 2}
                execution: {gradient_lanes: 3, tokens_per_shard: 150}
                evaluation: {examples: 0}
                """, overrides: overrides)
    }

    /// Fine-tuning of such a model on two-digit additions.
    static func fineTuning(_ overrides: [String] = []) throws -> FineTuningConfiguration {
        try ConfigurationLoader.load(
            yaml: """
                steps: 4
                workers: 2
                rollout: {episodes_per_collect: 4, maximum_length: 40}
                task: {reward: reference-code}
                penalty: {coefficient: 1, kind: prioritised, beta: 2}
                critic: {hidden_sizes: [8]}
                optimizer: {learning_rate: 1e-3, gradient_clip: 1}
                execution: {gradient_lanes: 3, tokens_per_shard: 100}
                evaluation: {examples: 0}
                """, overrides: overrides)
    }

    /// Everything that a checkpoint holds but two parts: figures, which hold times, and what tells how the run was
    /// started and saved.
    static func contents(_ folder: TemporaryFolder, _ name: String) throws -> [String: String] {
        let reader = try CheckpointReader(path: folder.file(name))
        var contents: [String: String] = [:]
        for tensor in reader.tensors where tensor.name != "training.metrics" {
            contents[tensor.name] = tensor.digest.hex
        }
        for (key, value) in reader.metadata
        where key != "crux.configuration" && !key.hasPrefix("training.previous") {
            contents[key] = "\(value)"
        }
        return contents
    }

    /// The metrics of a file, each line as its members.
    static func metrics(_ path: FilePath) throws -> [[String: Double]] {
        try String(contentsOfFile: path.string, encoding: .utf8).split(separator: "\n").map { line in
            try JSONDecoder().decode([String: Double].self, from: Data(line.utf8))
        }
    }
}
