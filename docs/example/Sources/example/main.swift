// Reads a tensor of a checkpoint of any format, writes it to a .crux file with metadata, and verifies that file:
//     swift run example model.safetensors out.crux
import CheckpointFormat
import CheckpointInterop
import Foundation
import SystemPackage

guard CommandLine.arguments.count == 3 else {
    print("usage: example CHECKPOINT OUT.crux")
    exit(64)
}
let (input, output) = (FilePath(CommandLine.arguments[1]), FilePath(CommandLine.arguments[2]))

// Any format: the content says which it is.
let source = try CheckpointOpener.open(input)
guard let tensor = source.tensors.first else {
    print("\(input): there are no tensors")
    exit(1)
}
print("\(source.format), \(source.tensors.count) tensors; the first: \(tensor)")
let bytes = try source.readBytes(of: tensor)

// Nothing is at the path until finish() has made the whole file durable.
let writer = try CheckpointWriter.create(at: output)
writer.setMetadata("training.step", .uint64(1200))
writer.setMetadata("note", .string("one tensor of \(input)"))
try writer.append(tensor, bytes: bytes.span.bytes)
print("written: weights digest \(try writer.finish().weightsDigest)")

// Every byte: checksums, structure, and the decoded content.
let report = Verifier.verify(path: output)
for finding in report.findings { print(finding) }
guard report.isValid else { exit(1) }
print("verified: \(report.byteCount) bytes")
