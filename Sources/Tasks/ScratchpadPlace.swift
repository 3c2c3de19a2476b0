/// Where in a scratchpad answer a token stands.
public struct ScratchpadPlace: Codable, Hashable, Sendable {
    /// The parts of an answer.
    public enum Part: String, CaseIterable, Codable, Hashable, Sendable {
        /// The first list of a step line: what is left of the first operand.
        case firstOperand = "operand 1"
        /// The second list: what is left of the second operand.
        case secondOperand = "operand 2"
        /// The third list: the result so far.
        case partialResult = "result so far"
        /// The rest of a step line: signs, carries, the sum of one place.
        case computation
        /// The line after the scratchpad.
        case result = "result line"
        /// The scratchpad's tags, and whatever else does not belong to a step.
        case frame
    }

    /// The step line, from 1; nil outside of steps.
    public let step: Int?
    /// The part.
    public let part: Part

    /// A place.
    public init(step: Int?, part: Part) {
        self.step = step
        self.part = part
    }
}

extension AdditionTask {
    /// The place of each token of a completion, however wrong what it writes is. A line that starts with `[` counts as
    /// a step; the newline at its end belongs to it.
    public func scratchpadPlaces(in completion: [Int32]) -> [ScratchpadPlace] {
        var places: [ScratchpadPlace] = []
        places.reserveCapacity(completion.count)
        var step = 0
        var line: [UInt8] = []
        var listCount = 0
        var isInList = false
        var isAfterScratchpad = false
        for token in completion {
            let character = ascii(token)
            if line.isEmpty, character == UInt8(ascii: "["), !isAfterScratchpad { step += 1 }
            line.append(character)
            let isStep = line.first == UInt8(ascii: "[") && !isAfterScratchpad
            if character == UInt8(ascii: "[") {
                listCount += 1
                isInList = true
            }
            let part: ScratchpadPlace.Part =
                switch (isStep, isInList, listCount) {
                case (false, _, _): isAfterScratchpad ? .result : .frame
                case (true, true, 1): .firstOperand
                case (true, true, 2): .secondOperand
                case (true, true, 3): .partialResult
                case (true, _, _): .computation
                }
            places.append(ScratchpadPlace(step: isStep ? step : nil, part: part))
            if character == UInt8(ascii: "]") { isInList = false }
            if token == newline {
                if line.elementsEqual(AdditionProblem.resultMarker.utf8) { isAfterScratchpad = true }
                line = []
                listCount = 0
                isInList = false
            }
        }
        return places
    }
}
