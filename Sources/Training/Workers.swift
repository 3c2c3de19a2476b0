import Kernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The number of threads that a `workers` setting means.
enum Workers {
    /// nil and 0 mean one for each core that is online.
    static func count(_ setting: Int?) -> Int {
        if let setting, setting > 0 { return setting }
        return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    /// A pool of that many.
    static func pool(_ setting: Int?) -> WorkerPool { WorkerPool(workerCount: count(setting)) }
}
