#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import LanguageModel

/// The machine's memory, asked before a run takes it.
enum PhysicalMemory {
    /// Checks that parameters, AdamW's two moments and the lanes' gradients can be held at all.
    ///
    /// - Parameter savesBesideSteps: Whether a second copy of parameters and moments is saved meanwhile.
    /// - Throws: ``TrainingError`` where they are larger than the machine's memory.
    static func check(holds layout: ParameterLayout, laneCount: Int, savesBesideSteps: Bool = false)
        throws(TrainingError)
    {
        let (needed, overflow) = layout.count.multipliedReportingOverflow(
            by: ((savesBesideSteps ? 6 : 3) + laneCount) * MemoryLayout<Float>.stride)
        guard !overflow, needed <= byteCount else {
            throw TrainingError(
                .tooLarge(parameterCount: layout.count, byteCount: overflow ? Int.max : needed, available: byteCount))
        }
    }

    /// The memory of the machine in bytes.
    private static var byteCount: Int {
        let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(
            by: sysconf(Int32(_SC_PAGESIZE)))
        return overflow || bytes <= 0 ? Int.max : bytes
    }
}
