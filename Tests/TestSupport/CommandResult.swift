import Foundation
import Subprocess
public import SystemPackage

/// What one run of a command line left behind.
public struct CommandResult: Sendable {
    /// The exit code; 128 + n after signal n, as a shell reports it.
    public let exitCode: Int
    /// Standard output as text.
    public let standardOutput: String
    /// Standard error as text.
    public let standardError: String

    /// Runs the `crux` that was built together with the tests.
    ///
    /// - Parameters:
    ///   - arguments: The arguments after the command's name.
    ///   - folder: The working folder; the tests' own where nil.
    ///   - environment: Variables to set on top of the tests' own.
    public static func crux(
        _ arguments: [String],
        in folder: FilePath? = nil,
        environment: [String: String] = [:]
    ) async throws -> CommandResult {
        try await run(builtExecutable("crux"), arguments, in: folder, environment: environment)
    }

    /// Runs any executable.
    public static func run(
        _ executable: FilePath,
        _ arguments: [String],
        in folder: FilePath? = nil,
        environment: [String: String] = [:]
    ) async throws -> CommandResult {
        var variables: [Environment.Key: String?] = [:]
        for (name, value) in environment {
            variables[Environment.Key(stringLiteral: name)] = value
        }
        let result = try await Subprocess.run(
            .path(executable),
            arguments: Arguments(arguments),
            environment: .inherit.updating(variables),
            workingDirectory: folder,
            output: .string(limit: 1 << 26),
            error: .string(limit: 1 << 26))
        let exitCode =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            case .signaled(let signal): 128 + Int(signal)
            }
        return CommandResult(
            exitCode: exitCode,
            standardOutput: result.standardOutput,
            standardError: result.standardError)
    }

    /// An executable of the package, which lies beside the test bundle's own.
    public static func builtExecutable(_ name: String) -> FilePath {
        let tests = FilePath(Bundle.main.executablePath ?? CommandLine.arguments[0])
        return tests.removingLastComponent().appending(name)
    }
}
