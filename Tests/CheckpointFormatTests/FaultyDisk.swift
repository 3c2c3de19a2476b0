import CheckpointFormat
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A disk that fails at one call of a save, or loses power there.
///
/// After a loss of power nothing works any more, and the disk is left as it may be found afterwards: bytes that were
/// not yet made durable are anything, and a renaming may be undone while its folder was not made durable.
final class FaultyDisk: Sendable {
    /// What goes wrong.
    enum Fault: Hashable, CaseIterable, CustomTestStringConvertible {
        case noSpace, ioError, interruption, shortWrite, partialWriteThenNoSpace, nothingWritten, kill, powerLoss

        /// Whether the save must succeed all the same.
        var isHarmless: Bool { self == .interruption || self == .shortWrite }
        /// Whether the process is gone afterwards, and cannot clean up.
        var endsProcess: Bool { self == .kill || self == .powerLoss }

        var testDescription: String { "\(self)" }
    }

    /// A call of a save.
    enum Call: Hashable {
        case create, write, synchroniseFile, close, rename, synchroniseFolder
    }

    private struct State {
        var calls: [Call] = []
        var isDead = false
        var temporary: FilePath?
        var isFileDurable = false
        /// What was at the target, while a loss of power can still bring it back.
        var renamed: (target: FilePath, old: [UInt8]?)?
        var generator: SeededGenerator
    }

    private let state: Mutex<State>
    private let fault: Fault?
    private let failing: Int

    /// A disk whose `failing`-th call, from 0, goes wrong; sound without a fault.
    init(_ fault: Fault?, atCall failing: Int, seed: UInt64 = 1) {
        self.fault = fault
        self.failing = failing
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    /// The calls so far.
    var calls: [Call] { state.withLock { $0.calls } }
    /// Whether the fault has come.
    var hasFailed: Bool { fault != nil && calls.count > failing }

    /// The system calls for a save.
    var operations: FileOperations {
        let system = FileOperations.system
        return FileOperations(
            create: { [self] path, permissions in
                try step(.create)
                let descriptor = try system.create(path, permissions)
                state.withLock { $0.temporary = path }
                return descriptor
            },
            write: { [self] descriptor, bytes in
                switch try step(.write) {
                case .shortWrite? where bytes.byteCount > 1:
                    return try system.write(descriptor, bytes.extracting(first: bytes.byteCount / 2))
                case .partialWriteThenNoSpace?:
                    _ = try system.write(descriptor, bytes.extracting(first: bytes.byteCount / 3))
                    throw Errno.noSpace
                case .nothingWritten?: return 0
                default: return try system.write(descriptor, bytes)
                }
            },
            synchronise: { [self] descriptor in
                let isFolder = try descriptor.stat().type == .directory
                try step(isFolder ? .synchroniseFolder : .synchroniseFile)
                try system.synchronise(descriptor)
                state.withLock { state in
                    if isFolder { state.renamed = nil } else { state.isFileDurable = true }
                }
            },
            close: { [self] descriptor in
                do {
                    try step(.close)
                } catch {
                    // Closed it is in any case.
                    try? system.close(descriptor)
                    throw error
                }
                try system.close(descriptor)
            },
            rename: { [self] source, target in
                try step(.rename)
                let old = try? target.readBytes()
                try system.rename(source, target)
                state.withLock { $0.renamed = (target, old) }
            },
            remove: { [self] path in
                if state.withLock({ !$0.isDead }) { try system.remove(path) }
            })
    }

    @discardableResult
    private func step(_ call: Call) throws -> Fault? {
        let (isDead, isNow) = state.withLock { state in
            if state.isDead { return (true, false) }
            state.calls.append(call)
            return (false, fault != nil && state.calls.count - 1 == failing)
        }
        // What a dead process would do next, it does not do.
        if isDead { throw Errno.ioError }
        guard isNow, let fault else { return nil }
        switch fault {
        case .noSpace: throw Errno.noSpace
        case .ioError: throw Errno.ioError
        case .interruption: throw Errno.interrupted
        case .shortWrite, .nothingWritten: return fault
        case .partialWriteThenNoSpace:
            if call != .write { throw Errno.noSpace }
            return fault
        case .kill, .powerLoss:
            try state.withLock { state in
                state.isDead = true
                if fault == .powerLoss { try Self.losePower(&state) }
            }
            throw Errno.ioError
        }
    }

    private static func losePower(_ state: inout State) throws {
        if let (target, old) = state.renamed, Bool.random(using: &state.generator) {
            if let old { try target.writeBytes(old) } else { try FileOperations.system.remove(target) }
            state.renamed = nil
        }
        guard !state.isFileDurable else { return }
        // Whatever name the bytes have by now.
        guard let path = state.renamed?.target ?? state.temporary, var bytes = try? path.readBytes() else { return }
        let start = Int.random(in: 0...bytes.count, using: &state.generator)
        if Bool.random(using: &state.generator) {
            bytes.removeLast(bytes.count - start)
        } else {
            for index in start..<bytes.count { bytes[index] = 0 }
        }
        try path.writeBytes(bytes)
    }
}
