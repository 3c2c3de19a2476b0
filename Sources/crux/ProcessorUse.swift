internal import Foundation

/// What this process has used so far.
struct ProcessorUse {
    /// User and system time of all threads.
    let seconds: Double
    /// The largest resident size.
    let peakMemoryBytes: Int

    static var now: ProcessorUse {
        var usage = rusage()
        #if canImport(Darwin)
            unsafe getrusage(RUSAGE_SELF, &usage)
            let unit = 1
        #else
            unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            let unit = 1024
        #endif
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        return ProcessorUse(
            seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), peakMemoryBytes: Int(usage.ru_maxrss) * unit)
    }

    /// How long something took, in seconds.
    struct Durations {
        /// By the clock.
        let clock: Double
        /// Of the processors: user and system time of all threads.
        let processor: Double
    }

    /// Runs something and says how long it took.
    static func measure(_ body: () throws -> Void) rethrows -> Durations {
        let start = now.seconds
        let clock = try ContinuousClock().measure(body) / .seconds(1)
        return Durations(clock: clock, processor: now.seconds - start)
    }
}

extension ProcessorUse.Durations {
    /// The medians of several measurements, at least one.
    init(mediansOf rounds: [ProcessorUse.Durations]) {
        self.init(
            clock: rounds.map(\.clock).sorted()[rounds.count / 2],
            processor: rounds.map(\.processor).sorted()[rounds.count / 2])
    }
}
