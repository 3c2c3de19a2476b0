internal import ArgumentParser
internal import Foundation

/// Runs the command line and turns what was thrown into DESIGN's exit codes and one line on standard error.
@main
enum Main {
    static func main() {
        do {
            try Interruption.prepare()
            var command = try Crux.parseAsRoot()
            try command.run()
        } catch let failure as CommandFailure {
            StandardError.write("error: \(failure.message)\n")
            Foundation.exit(failure.exitCode)
        } catch {
            // Help, versions, usage errors and explicit exit codes are ArgumentParser's own to report.
            let code = Crux.exitCode(for: error)
            if error is ExitCode || code == .success || code == .validationFailure { Crux.exit(withError: error) }
            StandardError.write("error: \(error)\n")
            Foundation.exit(2)
        }
    }
}
