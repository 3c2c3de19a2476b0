internal import Foundation
internal import Rendering

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What standard output and standard error can show: decided once, here.
enum Terminal {
    /// Standard output's style.
    static let output = style(of: STDOUT_FILENO)
    /// Standard error's style.
    static let error = style(of: STDERR_FILENO)

    private static func style(of descriptor: Int32) -> TerminalStyle {
        TerminalStyle(
            isTerminal: isatty(descriptor) == 1, environment: ProcessInfo.processInfo.environment,
            width: width(of: descriptor))
    }

    private static func width(of descriptor: Int32) -> Int {
        if let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap({ Int($0) }), columns > 0 {
            return columns
        }
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
