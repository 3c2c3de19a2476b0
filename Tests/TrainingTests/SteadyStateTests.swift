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

    /// The bytes of all arenas at a run's last step.
    private static func heldBytes(_ run: ((ProgressEvent) -> Void) throws -> Void) rethrows -> Int {
        var bytes = 0
        try run { if $0.kind == .step { bytes = FloatArena.heldByteCount } }
        return bytes
    }

    @Test("Pre-training holds as much memory as its plan says, generation and the copy for saves included")
    func plannedPretraining() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let run = try Pretraining(
                TinyRuns.pretraining([
                    "evaluation.examples=4", "evaluation.every_steps=2", "checkpoint.every_steps=2",
                ]))
            let held = try Self.heldBytes { progress in
                _ = try run.run(checkpoint: folder.file("run.crux"), progress: progress)
            }
            let planned = try run.plan().memory.byteCount
            #expect(abs(held - planned) < planned / 20, "\(held) held, \(planned) planned")
        }
    }

    @Test("Fine-tuning holds no more memory than its plan says, and little less")
    func plannedFineTuning() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let reference = folder.file("reference.crux")
            _ = try Pretraining(TinyRuns.pretraining(["steps=2"])).run(checkpoint: reference)
            let run = try FineTuning(TinyRuns.fineTuning(["checkpoint.every_steps=2"]))
            let held = try Self.heldBytes { progress in
                _ = try run.run(reference: reference, checkpoint: folder.file("policy.crux"), progress: progress)
            }
            let planned = try run.plan(reference: reference).memory.byteCount
            // Episodes can end before their limit, and then need less.
            #expect(held <= planned + planned / 50 && held > planned * 4 / 5, "\(held) held, \(planned) planned")
        }
    }
}
