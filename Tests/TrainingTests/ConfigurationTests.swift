import Testing
import Training

@Suite("Configuration")
struct ConfigurationTests {
    private func load(_ yaml: String?, _ overrides: [String] = []) throws -> FineTuningConfiguration {
        try ConfigurationLoader.load(yaml: yaml, fileName: "run.yml", overrides: overrides)
    }

    @Test("Defaults, file and overrides, the last one wins")
    func precedence() throws {
        #expect(try load(nil).penalty.coefficient == 5)
        let yaml = "steps: 1_000\npenalty:\n  coefficient: 2.5\n  kind: prioritised\ncritic:\n  hidden_sizes: [8, 4]\n"
        let configuration = try load(
            yaml, ["penalty.coefficient=7", "penalty.coefficient=1e-3", "critic.hidden_sizes=[3]"])
        #expect(configuration.steps == 1000)
        #expect(configuration.penalty.kind == .prioritised)
        #expect(configuration.penalty.coefficient == 0.001)
        #expect(configuration.critic.hiddenSizes == [3])
        #expect(try load(yaml).critic.hiddenSizes == [8, 4])
        #expect(try load("workers: auto\nrollout:\n").workers == nil)
        #expect(try load("workers: 3").workers == 3)
        #expect(try load("") == FineTuningConfiguration())
    }

    @Test("The resolved YAML loads to the same configuration")
    func roundTrip() throws {
        let configuration = try load(
            nil, ["optimizer.learning_rate=3e-05", "penalty.intercept=-0.25", "seed=18446744073709551615"])
        #expect(try load(configuration.yaml) == configuration)
        #expect(
            configuration.yaml.hasPrefix(
                "steps: 100\nseed: 18446744073709551615\nworkers: auto\ntask:\n  trained_digits: auto\n"))
        #expect(configuration.yaml.contains("  learning_rate: 3e-05\n"))
        let pretraining = try ConfigurationLoader.load(PretrainingConfiguration.self, yaml: nil)
        #expect(try ConfigurationLoader.load(yaml: pretraining.yaml) == pretraining)
    }

    @Test(
        "Errors name place, key, found and expected",
        arguments: [
            ("steps: 1\nstep: 2\n", "run.yml:2: unknown key 'step'; the nearest known key is 'steps'"),
            (
                "penalty:\n  estimater: k1\n",
                "run.yml:2: unknown key 'penalty.estimater'; the nearest known key is 'penalty.estimator'"
            ),
            ("penalti:\n  beta: 1\n", "run.yml:1: unknown key 'penalti'; the nearest known key is 'penalty'"),
            (
                "penalty:\n  estimator: k4\n",
                "run.yml:2: penalty.estimator: found the text \"k4\", expected one of k1, k2, k3, exact"
            ),
            (
                "steps: many\n",
                "run.yml:1: steps: found the text \"many\", expected a whole number from 0 to 1000000000"
            ),
            ("steps: 1.5\n", "run.yml:1: steps: found the number 1.5, expected a whole number from 0 to 1000000000"),
            ("steps: -1\n", "run.yml:1: steps: found the number -1, expected a whole number from 0 to 1000000000"),
            ("steps:\n", "run.yml:1: steps: found nothing, expected a whole number from 0 to 1000000000"),
            ("steps: [1]\n", "run.yml:1: steps: found a list, expected a whole number from 0 to 1000000000"),
            (
                "loss:\n  discount: 1.5\n",
                "run.yml:2: loss.discount: found the number 1.5, expected a number from 0 to 1"
            ),
            (
                "rollout:\n  temperature: 0\n",
                "run.yml:2: rollout.temperature: found the number 0, expected a number above 0, at most 100"
            ),
            (
                "optimizer:\n  learning_rate: .nan\n",
                "run.yml:2: optimizer.learning_rate: found the text \".nan\", expected a number from 0 to 10"
            ),
            (
                "loss:\n  normalize_advantages: yes\n",
                "run.yml:2: loss.normalize_advantages: found the text \"yes\", expected true or false"
            ),
            (
                "workers: -2\n",
                "run.yml:1: workers: found the number -2, expected a whole number from 0 to 4096, or auto"
            ),
            ("penalty: 3\n", "run.yml:1: penalty: found the number 3, expected a section"),
            (
                "critic:\n  hidden_sizes: 3\n",
                "run.yml:2: critic.hidden_sizes: found the number 3, expected a list of whole numbers such as [128, 128]"
            ),
            ("[1, 2]\n", "run.yml: not valid YAML: expected 'key: value' lines"),
        ])
    func errors(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try load(yaml) }
        #expect(error?.description == message)
    }

    @Test("Errors of --set name the option")
    func overrideErrors() {
        let cases = [
            (
                "penalty.alpha=1",
                "--set penalty.alpha=1: unknown key 'penalty.alpha'; the nearest known key is 'penalty.beta'"
            ),
            ("steps", "--set steps: steps: found no '=', expected key=value"),
            ("steps=", "--set steps=: steps: found nothing, expected a whole number from 0 to 1000000000"),
        ]
        for (override, message) in cases {
            let error = #expect(throws: ConfigurationError.self) { try load(nil, [override]) }
            #expect(error?.description == message)
        }
    }

    @Test("What only several settings together show")
    func crossChecks() {
        let context = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(
                PretrainingConfiguration.self, yaml: nil,
                overrides: ["task.digits=7", "evaluation.additional_digits=[0,1]"])
        }
        #expect(
            context?.description
                == "configuration with --set: model.context_length: found 384, "
                + "expected at least 656, the length of an addition of 8 digits")
        let heads = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(
                PretrainingConfiguration.self, yaml: "model:\n  head_count: 3\n", fileName: "p.yml")
        }
        #expect(
            heads?.description == "p.yml: model.embedding_size: found 128, expected a multiple of head_count (3)")
        #expect(throws: ConfigurationError.self) {
            try load(nil, ["update.episodes_per_minibatch=2", "update.transitions_per_minibatch=2"])
        }
    }

    @Test("A key that stands there twice is refused")
    func repeatedKeys() {
        let error = #expect(throws: ConfigurationError.self) { try load("steps: 1\nsteps: 2\n") }
        #expect(error?.description.contains("steps") == true)
        let dotted = #expect(throws: ConfigurationError.self) { try load("loss.discount: 1\nloss:\n  discount: 1\n") }
        #expect(dotted?.description == "run.yml:3: key 'loss.discount' for the second time")
    }

    @Test("Resuming allows other steps, workers and cadences, nothing else")
    func differencesOnResume() throws {
        let stored = try load(nil)
        let same = try load(nil, ["steps=7", "workers=2", "checkpoint.every_steps=3", "evaluation.examples=5"])
        #expect(same.differencesOnResume(from: stored).isEmpty)
        let other = try load(nil, ["steps=7", "seed=2", "penalty.coefficient=1"])
        #expect(
            other.differencesOnResume(from: stored).map(\.description) == [
                "seed: 1 in the checkpoint, 2 in this run",
                "penalty.coefficient: 5.0 in the checkpoint, 1.0 in this run",
            ])
    }
}
