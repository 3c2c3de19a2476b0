import Foundation
import SystemPackage
import TestSupport
import Testing

/// Chromium without a window, to see that report pages work.
enum Browser {
    /// Its executable: `CRUX_CHROMIUM`, else the first that is installed; nil where none is.
    static let executable: FilePath? = {
        let named = ProcessInfo.processInfo.environment["CRUX_CHROMIUM"].map { [$0] }
        let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        return (named ?? usual).first { FileManager.default.isExecutableFile(atPath: $0) }.map { FilePath($0) }
    }()

    /// Whether tests of pages run: where there is a browser, and on CI, where there has to be one.
    static var isWanted: Bool { executable != nil || ProcessInfo.processInfo.environment["CI"] == "true" }

    /// What a page came to.
    struct Visit {
        /// The document after its script has run, as HTML.
        let document: String
        /// What the page wrote to the console, errors of its content policy and of missing files included.
        let console: [String]
        /// Addresses beside files that the page asked for, answered or not.
        let requests: [String]
    }

    /// Loads a page.
    static func visit(_ page: FilePath, width: Int = 1200) async throws -> Visit {
        let executable = try #require(executable, "there is no chromium; make browser installs it")
        let profile = try TemporaryFolder()
        let log = profile.path.appending("net.json")
        let arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--user-data-dir=\(profile.path.appending("profile"))", "--log-net-log=\(log)",
            "--window-size=\(width),900", "--virtual-time-budget=4000", "--enable-logging=stderr", "--dump-dom",
        ]
        let result = try await CommandResult.run(executable, arguments + ["file://\(page)"])
        #expect(result.exitCode == 0, "\(result.standardError)")
        let lines = result.standardError.split(separator: "\n").map(String.init)
        return Visit(
            document: result.standardOutput, console: lines.filter { $0.contains(":CONSOLE") },
            requests: try addresses(in: log))
    }

    /// What a page asked the network for; the browser's own requests, for updates say, come from no page.
    private static func addresses(in log: FilePath) throws -> [String] {
        struct Log: Decodable {
            struct Event: Decodable {
                struct Parameters: Decodable {
                    let url: String?
                    let initiator: String?
                }
                let params: Parameters?
            }
            let events: [Event]
        }
        return try JSONDecoder().decode(Log.self, from: Data(log.readBytes())).events.compactMap { event in
            guard let url = event.params?.url, let initiator = event.params?.initiator, initiator != "not an origin",
                !url.hasPrefix("file:")
            else { return nil }
            return url
        }
    }
}
