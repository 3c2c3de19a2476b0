extension TokenHeat {
    /// The passages for a terminal, coloured by the measure at `measure`. Without colours a line of bars stands under
    /// each line of text, blank at the lowest level; critical tokens are marked with `^` below.
    public func terminalText(measure: Int? = nil, style: TerminalStyle) -> String {
        var result = ""
        for passage in passages {
            if !result.isEmpty { result += "\n" }
            result += style.paint(TerminalText.visible(passage.title), .strong)
            if !passage.detail.isEmpty { result += "  " + style.paint(TerminalText.visible(passage.detail), .faint) }
            result += "\n"
            for line in lines(of: Self.pieces(of: passage).map(\.token), width: style.width) {
                result += terminalLine(line, measure: measure ?? firstColoured ?? 0, style: style)
            }
        }
        return result
    }

    /// The colours of a measure with the values at both ends and in the middle; without colours, the bars.
    public func terminalLegend(measure: Int, style: TerminalStyle) -> String {
        guard measures.indices.contains(measure), let scale = measures[measure].scale else { return "" }
        let ramp: String
        if style.colours == .none {
            ramp = " " + String(Sparkline.bars.dropFirst(1))
        } else {
            ramp = (0..<HeatScale.levelCount).map { level in
                painted(" ", level: level, isMarked: false, style: style)
            }.joined()
        }
        let ends = measures[measure].ends(of: scale)
        let marks = passages.contains { $0.tokens.contains { $0.mark != nil } }
        return "\(ends[0]) \(ramp) \(ends[2])"
            + (scale.transform == .logarithmic ? ", logarithmic" : "")
            + (marks ? style.colours == .none ? "; ^ marks critical tokens" : "; critical tokens are underlined" : "")
            + "\n"
    }

    /// Tokens cut into lines, at their own line ends and where the width is used up.
    private func lines(of tokens: [Token], width: Int?) -> [[Token]] {
        var lines: [[Token]] = []
        var line: [Token] = []
        var used = 0
        for token in tokens {
            let (shown, endsLine) = Self.shown(token.text)
            let columns = shown.displayWidth
            if let width, used + columns > width, !line.isEmpty {
                lines.append(line)
                line = []
                used = 0
            }
            line.append(token)
            used += columns
            if endsLine {
                lines.append(line)
                line = []
                used = 0
            }
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }

    private func terminalLine(_ tokens: [Token], measure: Int, style: TerminalStyle) -> String {
        var text = ""
        var bars = ""
        var marks = ""
        for token in tokens {
            var (shown, endsLine) = Self.shown(token.text)
            if endsLine, token.values.isEmpty { shown.removeLast() }
            let level = level(of: token, in: measure)
            text += painted(shown, level: level, isMarked: token.mark != nil, style: style)
            let bar = level.map {
                $0 == 0 ? " " : String(Sparkline.bars[$0 * Sparkline.bars.count / HeatScale.levelCount])
            }
            bars += String(repeating: bar ?? " ", count: shown.displayWidth)
            marks += String(repeating: token.mark == nil ? " " : "^", count: shown.displayWidth)
        }
        var lines = [text]
        if style.colours == .none { lines.append(bars) }
        if style.colours == .none { lines.append(marks) }
        return lines.enumerated().map { index, line in
            var line = line
            while line.last == " " { line.removeLast() }
            return index > 0 && line.isEmpty ? "" : line + "\n"
        }.joined()
    }

    private func painted(_ text: String, level: Int?, isMarked: Bool, style: TerminalStyle) -> String {
        guard style.colours != .none else { return text }
        guard let level, level > 0 || isMarked else { return text }
        var codes: [String] = []
        if level > 0 {
            let colour = HeatColours.light[level]
            let ink = colour.ink
            switch style.colours {
            case .full:
                codes.append("48;2;\(colour.red);\(colour.green);\(colour.blue)")
                codes.append("38;2;\(ink.red);\(ink.green);\(ink.blue)")
            case .palette256:
                codes.append("48;5;\(colour.paletteIndex)")
                codes.append("38;5;\(ink.paletteIndex)")
            case .none: break
            }
        }
        if isMarked { codes.append("1;4") }
        return "\u{1B}[\(codes.joined(separator: ";"))m\(text)\u{1B}[0m"
    }
}

extension HeatColours.Colour {
    /// The nearest colour of xterm's 6×6×6 cube.
    fileprivate var paletteIndex: Int {
        func step(_ component: UInt8) -> Int { component < 48 ? 0 : component < 115 ? 1 : (Int(component) - 35) / 40 }
        return 16 + 36 * step(red) + 6 * step(green) + step(blue)
    }
}
