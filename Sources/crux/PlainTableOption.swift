internal import ArgumentParser

/// Tables for programs.
struct PlainTableOption: ParsableArguments {
    @Flag(help: "Write one table of values separated by tabs, with stable columns, for programs.")
    var plain = false

    /// Checks that only one form of output is asked for.
    func validate(besides output: OutputOptions) throws {
        if plain, output.json { throw ValidationError("--plain: found --json beside it, expected one of the two") }
    }
}
