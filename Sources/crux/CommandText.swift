internal import Foundation

/// The command line as it can be typed again.
enum CommandText {
    /// The program and its arguments, quoted where a shell would take them apart.
    static var current: String { text(CommandLine.arguments) }

    /// Arguments quoted for a shell; the program is named without its folder.
    static func text(_ arguments: [String]) -> String {
        let program = arguments.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? "crux"
        return ([program] + arguments.dropFirst()).map(quoted).joined(separator: " ")
    }

    private static func quoted(_ word: String) -> String {
        let safe = CharacterSet(charactersIn: "%+,-./0123456789:=@_").union(.alphanumerics)
        if !word.isEmpty, word.unicodeScalars.allSatisfy({ $0.isASCII && safe.contains($0) }) { return word }
        return "'" + word.replacing("'", with: #"'\''"#) + "'"
    }
}
