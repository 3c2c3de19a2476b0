internal import ArgumentParser

/// A number of bytes given as an option's value: `5GB`, `512MiB`, `1000`.
struct ByteSize: ExpressibleByArgument {
    /// The number; at least 1.
    let byteCount: Int

    private static let units: [(String, Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("B", 1), ("", 1),
    ]

    init?(argument: String) {
        guard let (suffix, unit) = Self.units.first(where: { argument.uppercased().hasSuffix($0.0.uppercased()) }),
            let number = Double(argument.dropLast(suffix.count)), number.isFinite, number * Double(unit) >= 1,
            let byteCount = Int(exactly: (number * Double(unit)).rounded())
        else { return nil }
        self.byteCount = byteCount
    }
}
