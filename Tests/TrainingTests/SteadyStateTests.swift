import Kernels
import TestSupport
import Testing
import Training

/// Activations, gradients and caches are planned before the second step. Each case runs in a process of its own, for
/// other tests allocate at the same time.
@Suite("Steady state")
struct SteadyStateTests {
    /// The arenas allocated at the end of each step but the first.
    private static func allocations(_ run: ((ProgressEvent) -> Void) throws -> Void) rethrows -> [Int] {
        var counts: [Int] = []
        try run { if $0.kind == .step { counts.append(FloatArena.allocationCount) } }
        return Array(counts.dropFirst())
    }

    @Test("Pre-training allocates no buffer after its second step")
    func pretraining() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let counts = try Self.allocations { progress in
                _ = try Pretraining(TinyRuns.pretraining()).run(
                    checkpoint: folder.file("run.crux"), progress: progress)
            }
            #expect(counts.count == 5 && Set(counts).count == 1, "\(counts)")
        }
    }

    @Test("Fine-tuning allocates no buffer after its second step, rollouts included")
    func fineTuning() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            _ = try Pretraining(TinyRuns.pretraining(["steps=2"])).run(checkpoint: folder.file("reference.crux"))
            let counts = try Self.allocations { progress in
                _ = try FineTuning(TinyRuns.fineTuning(["steps=6"])).run(
                    reference: folder.file("reference.crux"), checkpoint: folder.file("policy.crux"),
                    progress: progress)
            }
            #expect(counts.count == 5 && Set(counts).count == 1, "\(counts)")
        }
    }
}
