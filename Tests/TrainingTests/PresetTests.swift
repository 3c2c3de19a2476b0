import Foundation
import LanguageModel
import SystemPackage
import TestSupport
import Testing
import Training

@Suite("Presets")
struct PresetTests {
    private func load<Configuration: RunConfiguration>(_ name: String) throws -> Configuration {
        let path = Fixtures.repository.appending("configs").appending(name)
        return try ConfigurationLoader.load(
            yaml: String(contentsOfFile: path.string, encoding: .utf8), fileName: name)
    }

    @Test("Every file in configs/ loads")
    func loads() throws {
        let folder = Fixtures.repository.appending("configs").string
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yml") }
        #expect(names.count >= 5)
        for name in names {
            if name.hasPrefix("pretrain") {
                let _: PretrainingConfiguration = try load(name)
            } else {
                let _: FineTuningConfiguration = try load(name)
            }
        }
    }

    @Test("The presets name every setting", arguments: ["paper.yml", "reference-code.yml", "small.yml"])
    func complete(name: String) throws {
        let path = Fixtures.repository.appending("configs").appending(name)
        let text = try String(contentsOfFile: path.string, encoding: .utf8)
        var (section, keys): (String, Set<String>) = ("", [])
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = String(line[..<colon])
            if key.hasPrefix("  ") {
                keys.insert("\(section).\(key.dropFirst(2))")
            } else {
                section = key
                keys.insert(key)
            }
        }
        #expect(FineTuningConfiguration.fields.map(\.key).filter { !keys.contains($0) } == [])
    }

    @Test("The demonstration's two fine-tunings differ in the penalty's kind alone")
    func demonstration() throws {
        var standard: FineTuningConfiguration = try load("finetune-standard.yml")
        let prioritised: FineTuningConfiguration = try load("finetune-prioritised.yml")
        #expect(standard.penalty.kind == .standard)
        #expect(prioritised.penalty.kind == .prioritised)
        standard.penalty.kind = .prioritised
        #expect(standard == prioritised)
    }

    @Test("Paper and reference code differ in exactly the settings of the table")
    func paperAndCode() throws {
        let paper: FineTuningConfiguration = try load("paper.yml")
        let code: FineTuningConfiguration = try load("reference-code.yml")
        #expect(
            code.differencesOnResume(from: paper).map(\.key) == [
                "task.setup", "task.reward", "rollout.temperature", "loss.entropy_coefficient",
                "update.transitions_per_minibatch", "penalty.certainty",
            ])
        #expect(paper.penalty.weight == .prioritised(certainty: .negentropy, beta: 150, intercept: 0))
        #expect(
            code.penalty.weight
                == .prioritised(certainty: .maximumProbability(temperature: 4), beta: 150, intercept: 0))
    }

    @Test("The documentation names every setting")
    func documentation() throws {
        let path = Fixtures.repository.appending("docs").appending("training.md")
        let text = try String(contentsOfFile: path.string, encoding: .utf8)
        let keys = PretrainingConfiguration.fields.map(\.key) + FineTuningConfiguration.fields.map(\.key)
        #expect(keys.filter { !text.contains("`\($0)`") } == [])
    }
}
