internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import Foundation
internal import Rendering
internal import SystemPackage

/// `crux edit`.
struct EditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit",
        abstract: "Change a crux checkpoint's metadata; its tensors stay as they are.",
        discussion: """
            The file is the old or the new checkpoint whatever happens. Keys that say what the tensors are \
            (crux.*, lineage.*, model.*, tokenizer.*, training.*) need --force.
            """)

    @Argument(help: "The checkpoint.", completion: .file())
    var path: String

    @Option(name: .customLong("set"), help: ArgumentHelp("Set a key.", valueName: "key=value"))
    var settings: [String] = []

    @Option(
        help: """
            The type of the values that are set: u8 … u64, i8 … i64, f32, f64, bool, string, or one of these with [] \
            for an array whose elements stand between commas. By default a key keeps its type, and a new one is a string.
            """)
    var type: String?

    @Option(
        name: .customLong("set-json"),
        help: ArgumentHelp(
            "Set a key to any value, as {\"type\": \"array\", \"elementType\": …, \"value\": …}.",
            valueName: "key=json"))
    var jsonSettings: [String] = []

    @Option(name: .customLong("remove"), help: ArgumentHelp("Remove a key.", valueName: "key"))
    var removals: [String] = []

    @Flag(help: "Also change keys that say what the tensors are.")
    var force = false

    @Flag(name: .customLong("dry-run"), help: "Show the changes and write nothing.")
    var isDryRun = false

    @Flag(help: "Write JSON instead of text; its first level has a schemaVersion.")
    var json = false

    func validate() throws {
        if settings.isEmpty, jsonSettings.isEmpty, removals.isEmpty {
            throw ValidationError("expected at least one of --set, --set-json and --remove")
        }
        for setting in settings + jsonSettings { _ = try Self.split(setting) }
        if let type, Self.type(named: type) == nil {
            throw ValidationError(
                "--type: found '\(type)', expected u8, i8, u16, i16, u32, i32, f32, bool, string, "
                    + "u64, i64 or f64, with [] for an array")
        }
    }

    mutating func run() throws {
        var edit = try CheckpointEdit(path: FilePath(path))
        for setting in settings {
            let (key, text) = try Self.split(setting)
            try checkIsFree(key)
            edit.set(key, to: try value(text, for: key, replacing: edit.value(of: key)))
        }
        for setting in jsonSettings {
            let (key, text) = try Self.split(setting)
            try checkIsFree(key)
            do {
                edit.set(key, to: try JSONDecoder().decode(MetadataValue.self, from: Data(text.utf8)))
            } catch {
                throw CommandFailure.couldNotRun(
                    "--set-json \(key): found '\(text)', expected {\"type\": …, \"value\": …} that fits its type")
            }
        }
        for key in removals {
            try checkIsFree(key)
            guard edit.remove(key) else {
                throw CommandFailure.couldNotRun("\(path): metadata '\(key)': there is no such key")
            }
        }
        if json {
            let result = EditResult(path: path, isWritten: !isDryRun && !edit.changes.isEmpty, changes: edit.changes)
            if result.isWritten { try edit.save() }
            try StandardOutput.write(ReportJSON.encode(result))
            return
        }
        let changes = edit.changes.map(Self.text)
        if changes.isEmpty {
            try StandardOutput.write("\(TerminalText.visible(path)): nothing to change\n")
            return
        }
        if !isDryRun { try edit.save() }
        let heading = TerminalText.visible(path) + (isDryRun ? ": would change\n" : ": changed\n")
        try StandardOutput.write(heading + changes.map { "  \(TerminalText.visible($0))\n" }.joined())
    }

    private func checkIsFree(_ key: String) throws {
        guard !force, let prefix = Self.reserved.first(where: key.hasPrefix) else { return }
        throw CommandFailure.couldNotRun(
            "\(path): metadata '\(key)': keys that begin with '\(prefix)' say what the tensors are, and another value "
                + "could make the checkpoint contradict itself; --force changes it all the same")
    }

    private func value(_ text: String, for key: String, replacing old: MetadataValue?) throws -> MetadataValue {
        let (wanted, element): (MetadataType, MetadataType?)
        if let type, let named = Self.type(named: type) {
            (wanted, element) = named
        } else if case .array(let array)? = old {
            (wanted, element) = (.array, array.elementType)
        } else {
            (wanted, element) = (old?.type ?? .string, nil)
        }
        guard let value = MetadataValue(text: text, type: wanted, elementType: element) else {
            let name = element.map { "\($0)[]" } ?? "\(wanted)"
            throw CommandFailure.couldNotRun("--set \(key): found '\(text)', expected a value of type \(name)")
        }
        return value
    }

    private static let reserved = ["crux.", "lineage.", "model.", "tokenizer.", "training."]

    private static func split(_ setting: String) throws -> (key: String, value: String) {
        guard let sign = setting.firstIndex(of: "="), sign > setting.startIndex else {
            throw ValidationError("found '\(setting)', expected key=value")
        }
        return (String(setting[..<sign]), String(setting[setting.index(after: sign)...]))
    }

    private static func type(named name: String) -> (MetadataType, element: MetadataType?)? {
        if name.hasSuffix("[]") {
            guard let element = type(named: String(name.dropLast(2))), element.0 != .array else { return nil }
            return (.array, element.0)
        }
        let short: [String: MetadataType] = [
            "u8": .uint8, "i8": .int8, "u16": .uint16, "i16": .int16, "u32": .uint32, "i32": .int32, "f32": .float32,
            "u64": .uint64, "i64": .int64, "f64": .float64,
        ]
        guard let type = short[name] ?? MetadataType(name: name), type != .array else { return nil }
        return (type, nil)
    }

    private static func text(_ change: CheckpointEdit.Change) -> String {
        func text(_ value: MetadataValue) -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "\(value.type)"
        }
        return switch (change.old, change.new) {
        case (let old?, let new?): "~ \(change.key): \(text(old)) → \(text(new))"
        case (let old?, nil): "- \(change.key): \(text(old))"
        case (nil, let new?): "+ \(change.key): \(text(new))"
        case (nil, nil): change.key
        }
    }
}

/// What an edit has changed, as it is written to standard output.
struct EditResult: Encodable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    let schemaVersion = 1
    /// The file.
    let path: String
    /// Whether the file was changed; not by a dry run, nor where nothing differs.
    let isWritten: Bool
    /// The keys whose values differ.
    let changes: [CheckpointEdit.Change]

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, path, isWritten, changes
    }
}
