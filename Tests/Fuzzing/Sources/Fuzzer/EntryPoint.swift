import Foundation

/// The parser that the environment variable `CRUX_FUZZ` names.
private let target: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["CRUX_FUZZ"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let known = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
        FileHandle.standardError.write(Data("CRUX_FUZZ is '\(name)', not one of \(known)\n".utf8))
        exit(2)
    }
    return target
}()

private let file = ScratchFile()
private let folder = ScratchFolder()

/// Called by libFuzzer with one input after the other.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.run([UInt8](UnsafeBufferPointer(start: start, count: count)), in: file, folder)
    return 0
}
