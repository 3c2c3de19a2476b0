public import SystemPackage

extension FilePath {
    /// Where the metrics of a checkpoint's run go unless told otherwise: beside it, with the ending `.jsonl`.
    public var metricsFile: FilePath {
        var path = self
        path.extension = "jsonl"
        return path
    }
}
