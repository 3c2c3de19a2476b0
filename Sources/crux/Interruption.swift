internal import Dispatch
internal import Training

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Ctrl-C and SIGTERM ask a training to save and end; the second one ends the program at once.
enum Interruption {
    /// Set by the first signal. Touching it is what installs the handlers.
    static let stopFlag: StopFlag = {
        let flag = StopFlag()
        for number in [SIGINT, SIGTERM] { watch(number, flag) }
        return flag
    }()

    private static let queue = DispatchQueue(label: "crux.interruption")
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

    private static func watch(_ number: Int32, _ flag: StopFlag) {
        _ = signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler {
            if flag.isSet { _exit(128 + number) }
            flag.set()
            StandardError.write("\nsaving; once more to stop at once\n")
        }
        source.resume()
        unsafe sources.append(source)
    }
}
