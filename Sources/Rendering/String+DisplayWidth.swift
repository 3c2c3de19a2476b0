extension Character {
    /// How many terminal columns the character takes: 2 for East Asian wide ones and emoji, 0 for lone combining
    /// marks and other invisible ones, else 1.
    package var displayWidth: Int {
        guard let first = unicodeScalars.first else { return 0 }
        if unicodeScalars.count > 1 {
            // An emoji sequence (joined, with a selector or a skin tone) is drawn as one wide glyph.
            for scalar in unicodeScalars where scalar.value == 0xFE0F || scalar.value == 0x200D { return 2 }
        }
        return first.displayWidth
    }
}

extension Unicode.Scalar {
    fileprivate var displayWidth: Int {
        if value < 0x300 { return value < 0x20 || (0x7F..<0xA0).contains(value) ? 0 : 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        if properties.isEmojiPresentation { return 2 }
        for range in Self.wideRanges where range.contains(value) { return 2 }
        return 1
    }

    /// East Asian Wide and Fullwidth blocks.
    private static let wideRanges: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x17000...0x18AFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD,
    ]
}

extension String {
    /// How many terminal columns the text takes.
    package var displayWidth: Int { reduce(0) { $0 + $1.displayWidth } }

    /// The text in at most `width` columns; where something was left out stands `…`.
    package func truncated(toWidth width: Int, keeping end: TruncationEnd = .start) -> String {
        guard displayWidth > width else { return self }
        guard width > 1 else { return width == 1 ? "…" : "" }
        switch end {
        case .start:
            return prefix(columns: width - 1) + "…"
        case .end:
            return "…" + String(String(reversed()).prefix(columns: width - 1).reversed())
        case .both:
            let head = width / 2
            return prefix(columns: head) + "…"
                + String(String(reversed()).prefix(columns: width - 1 - head).reversed())
        }
    }

    /// The text followed, or preceded, by spaces up to `width` columns.
    package func padded(toWidth width: Int, alignment: ColumnAlignment = .left) -> String {
        let missing = width - displayWidth
        guard missing > 0 else { return self }
        let spaces = String(repeating: " ", count: missing)
        return alignment == .left ? self + spaces : spaces + self
    }

    private func prefix(columns: Int) -> String {
        var kept = ""
        var width = 0
        for character in self {
            width += character.displayWidth
            if width > columns { break }
            kept.append(character)
        }
        return kept
    }
}

/// Which part of a text survives when it is cut to fit.
public enum TruncationEnd: Hashable, Sendable {
    /// The beginning.
    case start
    /// The end: for paths.
    case end
    /// Beginning and end: for tensor names.
    case both
}
