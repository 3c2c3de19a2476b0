public import Analysis
public import ArgumentParser
public import CheckpointFormat
public import CheckpointInterop

extension WriterOptions.CodecChoice: ExpressibleByArgument {}

extension Conversion.Target: ExpressibleByArgument {}

extension TextSource: ExpressibleByArgument {}

extension GPT2Naming: ExpressibleByArgument {}

extension ModelTool: ExpressibleByArgument {}

extension DTypeConversion.Target: ExpressibleByArgument {}
