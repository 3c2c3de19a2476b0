import CheckpointFormat
import CheckpointInterop
import Codecs
import SystemPackage
import Training

/// What an input is given to. Whatever is wrong must come out as an error: the sanitizers, Swift's own checks
/// and libFuzzer's limits of time and memory report anything else.
enum FuzzTarget: String, CaseIterable {
    /// The bytes as a .crux file: opened, every tensor read, verified.
    case checkpoint
    /// The same after every checksum has been made right, so that the parsers behind them are reached.
    case sealed
    /// The bytes as a checkpoint of whatever format they look like: opened, every tensor read.
    case interop
    /// The bytes as the text of a configuration file.
    case configuration

    func run(_ bytes: [UInt8], in file: ScratchFile) {
        switch self {
        case .checkpoint:
            file.replaceContent(bytes)
            Self.readAsCrux(file.path)
        case .sealed:
            file.replaceContent(CheckpointSealer.sealed(bytes))
            Self.readAsCrux(file.path)
        case .interop:
            file.replaceContent(bytes)
            Self.readAsAnyFormat(file.path)
        case .configuration:
            Self.readAsConfiguration(bytes)
        }
    }

    private static func readAsCrux(_ path: FilePath) {
        if let reader = try? CheckpointReader(path: path) {
            for tensor in reader.tensors {
                _ = tensor.codecNames
                try? reader.forEachChunk(of: tensor) { _, _ in }
            }
        }
        _ = Verifier.verify(path: path, workerCount: 1)
    }

    /// A small file may declare much content where a pattern repeats; the reading of it is bounded by time alone.
    private static let contentLimit = 1 << 24

    private static func readAsAnyFormat(_ path: FilePath) {
        guard let source = try? CheckpointOpener.open(path) else { return }
        var remaining = contentLimit
        for tensor in source.tensors {
            _ = source.storage(of: tensor)
            remaining -= tensor.byteCount
            guard remaining >= 0 else { return }
            _ = try? source.computedDigest(of: tensor)
        }
    }

    private static func readAsConfiguration(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        _ = try? ConfigurationLoader.load(FineTuningConfiguration.self, yaml: text)
    }
}
