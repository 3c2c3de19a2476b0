public import ArgumentParser
public import CheckpointFormat
public import CheckpointInterop

extension WriterOptions.CodecChoice: ExpressibleByArgument {}

extension Conversion.Target: ExpressibleByArgument {}
