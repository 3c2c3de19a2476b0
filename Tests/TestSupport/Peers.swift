import Foundation
public import SystemPackage

/// The Python packages that tests compare with.
public enum Peers {
    /// The Python that has them, `CRUX_PYTHON`; nil where `make peers` has not run.
    public static var python: FilePath? {
        ProcessInfo.processInfo.environment["CRUX_PYTHON"].map { FilePath($0) }
    }

    /// Whether that Python has all of the packages.
    public static func have(_ packages: String...) -> Bool {
        guard let python else { return false }
        let libraries = python.removingLastComponent().removingLastComponent().appending("lib")
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries.string)) ?? []
        return versions.contains { version in
            packages.allSatisfy { package in
                let path = libraries.appending("\(version)/site-packages/\(package)")
                return FileManager.default.fileExists(atPath: path.string)
            }
        }
    }
}
