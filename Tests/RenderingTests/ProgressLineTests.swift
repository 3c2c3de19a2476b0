import Rendering
import Synchronization
import Testing

@Suite("Progress")
struct ProgressLineTests {
    /// A clock that is set by hand, and what was written.
    final class Scene: Sendable {
        let time = Mutex(0.0)
        let text = Mutex("")
        func line(_ mode: ProgressLine.Mode) -> ProgressLine {
            ProgressLine(
                label: "pretrain", mode: mode, now: { self.time.withLock { $0 } },
                write: { piece in self.text.withLock { $0 += piece } })
        }
        func pass(_ seconds: Double) { time.withLock { $0 += seconds } }
        func taken() -> String {
            text.withLock { text in
                defer { text = "" }
                return text
            }
        }
    }

    @Test("Plain lines come slowly, and at the end")
    func plain() {
        let scene = Scene()
        let line = scene.line(.plain(interval: 10))
        line.update(.init(0, of: 2000))
        #expect(scene.taken() == "")
        scene.pass(9)
        line.update(.init(10, of: 2000))
        #expect(scene.taken() == "")
        scene.pass(11)
        line.update(.init(500, of: 2000, figures: [.init("loss", 0.1234)]))
        #expect(scene.taken() == "pretrain  500/2,000  loss 0.123  1 min 00 s left\n")
        line.update(.init(2000, of: 2000))
        #expect(scene.taken() == "pretrain  2,000/2,000\n")
        line.finish()
        #expect(scene.taken() == "")
    }

    @Test("A task that is over at once is not worth a line")
    func short() {
        let scene = Scene()
        let line = scene.line(.plain(interval: 10))
        line.update(.init(0, of: 2))
        scene.pass(9)
        line.update(.init(2, of: 2))
        line.finish()
        #expect(scene.taken() == "")
    }

    @Test("One line redrawn in place, and gone at the end")
    func animated() {
        let scene = Scene()
        let line = scene.line(.animated(width: 60, style: .plain))
        line.update(.init(0, of: 100))
        scene.pass(10)
        line.update(.init(50, of: 100, figures: [.init("reward", 0.5)]))
        #expect(
            scene.taken()
                == "\r\u{1B}[Kpretrain ──────────────────────────────  0/100"
                + "\r\u{1B}[Kpretrain ━━━━━━━────────  50/100  reward 0.500  10.0 s left")
        line.note("saved")
        #expect(scene.taken().hasPrefix("\r\u{1B}[Ksaved\npretrain "))
        line.finish()
        #expect(scene.taken() == "\r\u{1B}[K")
    }

    @Test("A line let go by an error is wiped")
    func abandoned() {
        let scene = Scene()
        do {
            let line = scene.line(.animated(width: 40, style: .plain))
            line.update(.init(1, of: nil))
            _ = scene.taken()
        }
        #expect(scene.taken() == "\r\u{1B}[K")
    }

    @Test("Silence is silent")
    func silent() {
        let scene = Scene()
        let line = scene.line(.silent)
        line.update(.init(1, of: 2))
        line.note("x")
        line.finish()
        #expect(scene.taken() == "")
        #expect(ProgressLine.mode(for: .plain, isWanted: false) == .silent)
        #expect(ProgressLine.mode(for: .plain) == .plain(interval: 10))
    }
}
