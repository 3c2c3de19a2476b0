public import Tasks

/// What two models are compared on.
public enum KLInput: Sendable {
    /// Additions with a scratchpad.
    case additions(Additions)
    /// Prompts, each with or without a completion.
    case prompts(PromptFile, continuation: Continuation)
    /// A text that both models read; `name` is what reports and errors call it.
    case text(String, name: String)

    /// Additions of a set-up.
    public struct Additions: Sendable {
        /// How many digits the operands have.
        public var setup: AdditionSetup
        /// The number of problems.
        public var count: Int
        /// The number of digits that pre-training showed: tokens beyond it are critical.
        public var trainedDigits: Int

        /// Additions of a set-up.
        public init(setup: AdditionSetup, count: Int, trainedDigits: Int) {
            self.setup = setup
            self.count = count
            self.trainedDigits = trainedDigits
        }
    }

    /// Where the continuation of a prompt ends.
    public struct Continuation: Sendable {
        /// After so many tokens at the latest.
        public var maximumTokenCount: Int
        /// After this text, which is part of the continuation; nil for none.
        public var stopText: String?

        /// Ends at a length or a text.
        public init(maximumTokenCount: Int, stopText: String? = nil) {
            self.maximumTokenCount = maximumTokenCount
            self.stopText = stopText
        }
    }
}
