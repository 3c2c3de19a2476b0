public import SystemPackage

/// The repository's `fixtures/` folder, found from this file's place in the source tree.
public enum Fixtures {
    /// The repository's root.
    public static let repository = FilePath(#filePath)
        .removingLastComponent()  // TestSupport
        .removingLastComponent()  // Tests
        .removingLastComponent()

    /// The folder `fixtures/`.
    public static let folder = repository.appending("fixtures")

    /// A path below `fixtures/`, for example `valid/v1/all-dtypes.crux`.
    public static func path(_ relativePath: String) -> FilePath {
        folder.pushing(FilePath(relativePath))
    }
}
