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
}
