internal import CheckpointFormat
internal import Foundation
internal import Rendering
internal import Synchronization
internal import SystemPackage
internal import Training

/// What Ctrl-C (SIGINT), SIGTERM, SIGHUP and a pipe without a reader do to a command.
///
/// A command ends by the signal that it was sent, so that a shell reports 128 + its number and stops a loop; what was
/// not finished is removed before. A training saves first, once its step is done; the second signal ends it at once.
/// A signal that the parent has made this process ignore, as `nohup` does, stays ignored.
enum Interruption {
    /// Set by the first signal from the moment that somebody asks for it; until then the first signal ends the process.
    static let stopFlag: StopFlag = {
        let flag = StopFlag()
        saving.withLock { $0 = flag }
        return flag
    }()

    private static let saving = Mutex<StopFlag?>(nil)
    private static let firstSignal = Atomic<Int32>(0)
    /// Where the handler writes; a handler may do hardly anything else.
    nonisolated(unsafe) private static var handlerPipe: Int32 = -1

    /// Takes over the signals; to be called before there are other threads.
    static func prepare() throws {
        // Writing to a pipe without a reader is then an error like any other.
        signal(SIGPIPE, SIG_IGN)
        // A file that grows beyond a limit is then an error of the write, after which nothing half-done is left behind.
        signal(SIGXFSZ, SIG_IGN)
        let pipe = try FileDescriptor.pipe()
        for end in [pipe.readEnd, pipe.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        unsafe handlerPipe = pipe.writeEnd.rawValue
        Thread.detachNewThread {
            var number: UInt8 = 0
            while true {
                let count = unsafe withUnsafeMutableBytes(of: &number) { try? unsafe pipe.readEnd.read(into: $0) }
                if count == 1 { receive(Int32(number)) }
            }
        }
        for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) {
            _ = signal(number) { number in
                let code = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = unsafe write(Interruption.handlerPipe, &byte, 1)
                errno = code
            }
        }
    }

    /// Ends the process by the signal that made a training stop, after it has saved.
    static func endAfterSaving() -> Never {
        let number = firstSignal.load(ordering: .sequentiallyConsistent)
        end(by: number == 0 ? SIGINT : number)
    }

    /// The same for an experiment, whose runs lie in a folder.
    static func endExperiment(savedIn folder: String) -> Never {
        StandardError.write("interrupted: saved in \(folder); the same command goes on from there\n")
        endAfterSaving()
    }

    /// Removes what is not finished, and ends the process by a signal.
    static func end(by number: Int32) -> Never {
        UnfinishedPaths.removeAll {
            signal(number, SIG_DFL)
            var set = sigset_t()
            unsafe sigemptyset(&set)
            unsafe sigaddset(&set, number)
            unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
            kill(getpid(), number)
            // The signal may reach another thread first; a process that cannot be ended by it ends all the same.
            sleep(1)
            _exit(128 + number)
        }
    }

    private static func receive(_ number: Int32) {
        guard let flag = saving.withLock({ $0 }), !flag.isSet else {
            if Terminal.error.allowsAnimation { StandardError.write("\n") }
            end(by: number)
        }
        firstSignal.store(number, ordering: .sequentiallyConsistent)
        flag.set()
        StandardError.write("\nsaving; once more to stop at once\n")
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        #if canImport(Darwin)
            let handler = unsafe action.__sigaction_u.__sa_handler
        #else
            let handler = unsafe action.__sigaction_handler.sa_handler
        #endif
        return unsafe (unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self))
    }
}
