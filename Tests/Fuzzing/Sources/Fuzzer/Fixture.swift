import SystemPackage

/// Files of the project that targets need.
enum Fixture {
    /// The base of the deltas in fixtures/valid.
    static let deltaBase: FilePath = {
        var folder = FilePath(#filePath)
        for _ in 0..<5 { folder.removeLastComponent() }
        return folder.appending("fixtures/valid/v1/delta-base.crux")
    }()
}
