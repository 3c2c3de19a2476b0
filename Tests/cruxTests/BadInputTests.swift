import TestSupport
import Testing

/// A command that cannot run, and the line that says why.
struct BadInput: CustomTestStringConvertible, Sendable {
    let command: String
    let message: String

    var testDescription: String { command }

    init(_ command: String, _ message: String) {
        self.command = command
        self.message = message
    }

    /// Runs in a folder with the samples, the tiny configurations, and `run.crux`, a pre-training of 6 steps.
    static let all = [
        // Settings.
        BadInput(
            "pretrain --config pre.yml --set stepz=3 -o x.crux",
            "--set stepz=3: unknown key 'stepz'; the nearest known key is 'steps'"),
        BadInput(
            "pretrain --config pre.yml --set steps=many -o x.crux",
            #"--set steps=many: steps: found the text "many", expected a whole number from 0 to 1000000000"#),
        BadInput(
            "pretrain --config pre.yml --set steps -o x.crux",
            "--set steps: steps: found no '=', expected key=value"),
        BadInput(
            "pretrain --config fine.yml -o x.crux",
            "fine.yml:3: unknown key 'rollout'; the nearest known key is 'workers'"),
        BadInput("pretrain --config none.yml -o x.crux", "none.yml: cannot open: No such file or directory"),
        BadInput(
            "pretrain --config pre.yml --set model.head_count=3 -o x.crux",
            "pre.yml with --set: model.embedding_size: found 16, expected a multiple of head_count (3)"),
        // Output.
        BadInput(
            "pretrain --config pre.yml -o run.crux",
            "run.crux: exists; --resume goes on from it, --force replaces it"),
        BadInput(
            "pretrain --config pre.yml -o x.crux --metrics run.jsonl", "run.jsonl: exists; --force replaces it"),
        BadInput("pretrain --config pre.yml -o none/x.crux", "none/x.crux: there is no folder none"),
        BadInput("pretrain --config pre.yml -o x.crux --metrics none/m", "none/m: there is no folder none"),
        BadInput(
            "pretrain --config pre.yml -o /proc/x.crux --metrics m",
            "/proc/x.crux: cannot create a temporary file beside it: No such file or directory"),
        BadInput("pretrain --config pre.yml --force -o .. --metrics m", "..: cannot write: the path names no file"),
        BadInput("pretrain --config pre.yml --force -o / --metrics m", "/: cannot write: the path names no file"),
        BadInput(
            "pretrain --config pre.yml -o x.crux --metrics /dev/full",
            "/dev/full: cannot write: No space left on device"),
        BadInput(
            "pretrain --config pre.yml -o /dev/full --metrics m", "/dev/full: cannot write: is not a regular file"),
        BadInput(
            "pretrain --config pre.yml -o x.jsonl",
            "x.jsonl: is the checkpoint and cannot hold the metrics too; --metrics must name another file"),
        BadInput(
            "pretrain --config pre.yml -o x.crux --metrics pre.yml --force",
            "pre.yml: is the configuration and cannot hold the metrics too; --metrics must name another file"),
        BadInput(
            "finetune run.crux --config fine.yml -o ./run.crux --force",
            "./run.crux: is the reference; --out must name another file"),
        // Resuming.
        BadInput("pretrain --resume -o x.crux", "x.crux: cannot open: No such file or directory"),
        BadInput(
            "pretrain --resume -o policy.crux",
            "policy.crux: cannot resume: crux.kind: policy in the checkpoint, pretrained in this run"),
        BadInput(
            "pretrain --resume --set model.layer_count=2 -o run.crux",
            "run.crux: cannot resume: model.layer_count: 1 in the checkpoint, 2 in this run"),
        BadInput(
            "pretrain --resume --set task.vocabulary=printable -o run.crux",
            "run.crux: cannot resume: task.vocabulary: task in the checkpoint, printable in this run"),
        BadInput(
            "finetune run.crux --resume -o run.safetensors",
            "run.safetensors: cannot open: No such file or directory"),
        // Checkpoints.
        BadInput("finetune none.crux --config fine.yml -o x.crux", "none.crux: cannot open: No such file or directory"),
        BadInput(
            "finetune cut.crux --config fine.yml -o x.crux",
            "cut.crux: trailer (bytes 19936–19999): the file does not end in a trailer: its end is missing, or other "
                + "bytes follow it"),
        BadInput(
            "finetune base.crux --config fine.yml -o x.crux",
            "base.crux: crux.configuration: found no task.digits, expected the configuration of a pre-training run, or a "
                + "number as task.trained_digits"),
        BadInput(
            "finetune run.crux --config fine.yml --set task.additional_digits=3 -o x.crux",
            "run.crux: model.context_length: found 256, expected at least 312, the length of an addition of 4 digits"),
        BadInput("evaluate none.crux", "none.crux: cannot open: No such file or directory"),
        BadInput(
            "evaluate base.crux",
            "base.crux: crux.configuration: found no task.digits of a pre-training, expected them, or --digits"),
        BadInput(
            "evaluate run.crux --digits 2,5",
            "run.crux: model.context_length: found 256, expected at least 389, the length of an addition of 5 digits"),
        BadInput("generate none.crux --prompt I", "none.crux: cannot open: No such file or directory"),
        BadInput("generate run.crux --prompt-file none.txt", "none.txt: cannot open: No such file or directory"),
        BadInput(
            "generate run.crux --prompt-file strange.txt",
            #"strange.txt: line 2, column 2: found "€", expected one of the 40 characters of the vocabulary"#),
        BadInput(
            "generate run.crux --prompt-file long.txt",
            "long.txt: found 256 tokens, expected fewer than 256, the context length of run.crux"),
        BadInput("generate run.crux --prompt-file empty.txt", "empty.txt: found no character, expected at least one"),
        // Models that do not belong together.
        BadInput(
            "kl printable.crux run.crux --digits 1",
            #"run.crux: tokenizer.vocabulary: found 40 tokens shared; none only in the policy, "#
                + ##"56 ("!" "\"" "#" "$" "%" …) only in printable.crux, expected the same tokens in both, "##
                + "or --shared-vocabulary to compare what both know"),
    ]
}

@Suite("What cannot be done is said in one line")
struct BadInputTests {
    @Test("Each bad input: exit code 2, nothing on standard output, nothing written")
    func messages() async throws {
        let tiny = try TinyTraining()
        try SampleCheckpoints.write(into: tiny.folder.path)
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "run.crux")
        try await tiny.output(
            "pretrain", "--config", "pre.yml", "--set", "task.vocabulary=printable", "--set", "steps=0", "-o",
            "printable.crux")
        try tiny.folder.file("long.txt").writeBytes(Array(repeating: UInt8(ascii: "1"), count: 256))
        try tiny.folder.file("empty.txt").writeBytes([])
        let before = try tiny.folder.entries()
        for bad in BadInput.all {
            let result = try await CommandResult.crux(
                bad.command.split(separator: " ").map(String.init), in: tiny.folder.path)
            #expect(result.exitCode == 2, "\(bad.command)")
            #expect(result.standardOutput == "", "\(bad.command)")
            #expect(result.standardError == "error: \(bad.message)\n", "\(bad.command)")
        }
        #expect(try tiny.folder.entries() == before)
    }

    @Test("A damaged reference is named with its place")
    func damage() async throws {
        let tiny = try TinyTraining()
        try SampleCheckpoints.write(into: tiny.folder.path)
        for command in ["finetune damaged.crux --config fine.yml -o x.crux", "generate damaged.crux --prompt I"] {
            let result = try await CommandResult.crux(
                command.split(separator: " ").map(String.init), in: tiny.folder.path)
            #expect(result.exitCode == 2)
            #expect(result.standardError.hasPrefix("error: damaged.crux: tensor '"), "\(result.standardError)")
            #expect(result.standardError.contains(": checksum mismatch: stored "), "\(result.standardError)")
        }
    }

    @Test("A model larger than the machine's memory is refused before memory is taken")
    func tooLarge() async throws {
        let result = try await TinyTraining().crux(
            "pretrain", "--config", "pre.yml", "--set", "model.embedding_size=65536", "--set", "model.layer_count=1024",
            "-o", "x.crux")
        #expect(result.exitCode == 2)
        #expect(result.standardError.hasPrefix("error: model: found 52776711815168 parameters, which take "))
    }

    @Test(
        "Usage errors keep the parser's exit code",
        arguments: [
            "evaluate", "evaluate base.crux --digits 5,x", "evaluate base.crux --digits 0",
            "evaluate base.crux --setup odd",
            "evaluate base.crux --examples 0", "evaluate base.crux --temperature=-1", "evaluate base.crux --top-k 0",
            "generate base.crux", "generate base.crux --prompt I --addition 1+1", "generate base.crux --addition 01+2",
            "generate base.crux --prompt I --greedy --temperature 1", "generate base.crux --prompt I --max-tokens 0",
            "generate base.crux --prompt I --samples 0", "generate base.crux --prompt I --temperature=nan",
            "pretrain", "finetune -o x.crux",
        ])
    func usage(command: String) async throws {
        let result = try await CommandResult.crux(command.split(separator: " ").map(String.init))
        #expect(result.exitCode == 64)
        #expect(result.standardOutput == "")
    }
}
