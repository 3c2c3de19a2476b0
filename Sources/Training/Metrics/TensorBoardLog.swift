package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The run's metrics as a TensorBoard event file: one scalar for each figure.
///
/// The file is a sequence of TFRecords: the length (u64, little-endian), its masked CRC-32C, the content, the content's
/// masked CRC-32C. The content is a protobuf `Event` (tensorflow/core/util/event.proto).
package final class TensorBoardLog {
    private let path: FilePath
    private let file: FileDescriptor

    /// Starts the file with the figures of a checkpoint's log, or none; what it held before is replaced, so that a resumed
    /// run does not write a step twice. Those figures get the time of now.
    ///
    /// - Parameters:
    ///   - text: The log as JSON lines.
    ///   - folder: TensorBoard's `--logdir`, made where it is missing.
    ///   - name: The run's name, the end of the file's name.
    /// - Throws: ``TrainingError`` where the file cannot be written.
    package init(startingWith text: String, folder: FilePath, name: String) throws(TrainingError) {
        path = Self.path(in: folder, name: name)
        do {
            if unsafe folder.withPlatformString({ unsafe mkdir($0, 0o777) }) != 0, errno != EEXIST {
                throw Errno(rawValue: errno)
            }
            file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw TrainingError(.cannotWrite(path: path.string, reason: "\(error)"))
        }
        var bytes = TensorBoardEvent.record(TensorBoardEvent.fileVersion(time: Self.now))
        for line in text.split(separator: "\n") {
            if let record = MetricsRecord(json: line) {
                bytes += TensorBoardEvent.record(TensorBoardEvent.scalars(record, time: Self.now))
            }
        }
        try write(bytes)
    }

    deinit { try? file.close() }

    /// The file of a run in a folder.
    package static func path(in folder: FilePath, name: String) -> FilePath {
        folder.appending("events.out.tfevents.crux.\(name)")
    }

    /// Appends a step's figures.
    ///
    /// - Throws: ``TrainingError`` where the file cannot be written.
    package func append(_ record: MetricsRecord) throws(TrainingError) {
        try write(TensorBoardEvent.record(TensorBoardEvent.scalars(record, time: Self.now)))
    }

    private func write(_ bytes: [UInt8]) throws(TrainingError) {
        do {
            try file.writeAll(bytes)
        } catch {
            throw TrainingError(.cannotWrite(path: path.string, reason: "\(error)"))
        }
    }

    /// Seconds since 1970.
    private static var now: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
