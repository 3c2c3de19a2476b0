import Analysis
import CheckpointFormat
import CheckpointInterop
import Codecs
import Crypto
import Integrity
import LanguageModel
import SystemPackage
import Training

/// What an input is given to. Whatever is wrong must come out as an error: the sanitizers, Swift's own checks
/// and libFuzzer's limits of time and memory report anything else.
enum FuzzTarget: String, CaseIterable {
    /// The bytes as a .crux file: opened, every tensor read, verified.
    case checkpoint
    /// The same after every checksum has been made right, so that the parsers behind them are reached.
    case sealed
    /// The bytes as the body of an index, in a file that is right otherwise.
    case index
    /// The bytes as a delta whose checksums are right, against a base that is whole.
    case delta
    /// The bytes as a broken .crux file: what comes back must be a valid file.
    case salvage
    /// The bytes as a tensor's content and its base's: written, and read back the same.
    case roundTrip = "round-trip"
    /// The bytes as a checkpoint of whatever format they look like: opened, every tensor read.
    case interop
    /// Files (``InputArchive``) as the members of a zip archive with right checksums: PyTorch's, or NumPy's.
    case archive
    /// Files as a folder of shards with their index, or with their list after its checksums were made right.
    case folder
    /// Files as the configuration and tokenizer of a GPT-2 folder: read, and texts encoded.
    case tokenizer
    /// The bytes as the text of a configuration file.
    case configuration
    /// The bytes as prompts in JSON lines.
    case prompts
    /// The bytes as a manifest.
    case manifest
    /// The bytes as a signature, and as keys in PEM.
    case signature

    func run(_ bytes: [UInt8], in file: ScratchFile, _ folder: ScratchFolder) {
        switch self {
        case .checkpoint:
            file.replaceContent(bytes)
            Self.readAsCrux(file.path)
        case .sealed:
            file.replaceContent(CheckpointSealer.sealed(bytes))
            Self.readAsCrux(file.path)
        case .index:
            file.replaceContent(CheckpointSealer.file(indexBody: bytes))
            Self.readAsCrux(file.path)
        case .delta:
            file.replaceContent(CheckpointSealer.sealed(bytes))
            Self.readAsCrux(file.path, bases: BaseSearch(paths: [Fixture.deltaBase]))
        case .salvage:
            file.replaceContent(bytes)
            Self.repair(file)
            file.replaceContent(CheckpointSealer.sealed(bytes))
            Self.repair(file)
        case .roundTrip:
            RoundTrip(bytes)?.run(in: file)
        case .interop:
            file.replaceContent(bytes)
            Self.readAsAnyFormat(file.path)
        case .archive:
            file.replaceContent(ZipSealer.archive(InputArchive.files(bytes)))
            Self.readAsAnyFormat(file.path)
        case .folder:
            let files = ShardSealer.sealed(InputArchive.files(bytes))
            folder.replaceContent(files)
            Self.readAsAnyFormat(folder.path)
            for file in files where file.content.starts(with: CheckpointSealer.headerMagic) {
                guard let name = FilePath(file.name).lastComponent else { continue }
                _ = Verifier.verify(path: folder.path.appending(name), workerCount: 1)
            }
        case .tokenizer:
            folder.replaceContent(InputArchive.files(bytes) + [("model.safetensors", Self.tokenTable)])
            Self.readAsTokenizer(folder.path)
        case .configuration:
            let text = String(decoding: bytes, as: UTF8.self)
            _ = try? ConfigurationLoader.load(FineTuningConfiguration.self, yaml: text)
            _ = try? ConfigurationLoader.load(PretrainingConfiguration.self, yaml: text)
        case .prompts:
            let text = String(decoding: bytes, as: UTF8.self)
            for name in ["prompts.jsonl", "prompts.txt"] { _ = try? PromptFile(text, name: name) }
        case .manifest:
            Self.readAsManifest(bytes)
        case .signature:
            Self.readAsSignature(bytes)
        }
    }

    private static func readAsCrux(_ path: FilePath, bases: BaseSearch = BaseSearch()) {
        if let reader = try? CheckpointReader(path: path, bases: bases) {
            for tensor in reader.tensors {
                _ = tensor.codecNames
                try? reader.forEachChunk(of: tensor) { _, _ in }
            }
        }
        _ = Verifier.verify(path: path, bases: bases, workerCount: 1)
    }

    private static func repair(_ file: ScratchFile) {
        guard let salvage = try? Salvage(path: file.path, workerCount: 1), !salvage.report.isEmpty else { return }
        // What declares much content is repaired in time, but not in the time of one input.
        guard salvage.report.tensors.reduce(0, { $0 + $1.byteCount }) < contentLimit else { return }
        do {
            try salvage.write(to: file.otherPath)
        } catch {
            fatalError("what was found whole cannot be written: \(error)")
        }
        let report = Verifier.verify(path: file.otherPath, workerCount: 1)
        precondition(report.isValid, "a repaired file is not valid: \(report.findings)")
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

    /// A file whose one tensor says by its name that the model is a GPT-2: the tokenizer is read before its shape is looked at.
    private static let tokenTable: [UInt8] =
        [72, 0, 0, 0, 0, 0, 0, 0]
        + Array(#"{"wte.weight":{"dtype":"F32","shape":[0,0],"data_offsets":[0,0]}}       "#.utf8)

    private static func readAsTokenizer(_ folder: FilePath) {
        guard let source = try? CheckpointOpener.open(folder), let description = try? GPT2Description(of: source),
            let tokenizer = try? Tokenizer(metadata: description.tokenizer)
        else { return }
        for text in ["Hello, world!  123\n", "naïve façade 😀", ""] {
            guard let tokens = try? tokenizer.encode(text) else { continue }
            _ = tokenizer.decode(tokens)
        }
    }

    private static func readAsManifest(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let manifest = try? CheckpointManifest(json: text, path: "checkpoints.lock") else { return }
        _ = try? manifest.json
        _ = try? manifest.compare(in: "/dev/shm/crux-fuzz-nothing", found: [])
    }

    private static let content = SignedContent(text: "crux-signed-content 1\n")

    private static func readAsSignature(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let key = (try? Curve25519.Signing.PublicKey(pem: text)) ?? Curve25519.Signing.PrivateKey().publicKey
        _ = try? Curve25519.Signing.PrivateKey(pem: text)
        let found = SignedContent(text: text) ?? content
        guard let found, let signature = try? ContentSignature(json: text, path: "x.sig") else { return }
        precondition(!signature.problems(for: found, trusting: [key]).isEmpty, "a forged signature is believed")
    }
}
