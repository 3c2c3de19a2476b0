internal import SystemPackage
internal import Codecs
public import CheckpointFormat
public import CheckpointInterop
public import Kernels
internal import OrderedCollections
internal import TensorCore

extension Inspection {
    /// What to compute beyond what opening has read.
    public struct Options: Sendable {
        /// Figures about the values of each tensor: reads all content.
        public var computesStatistics: Bool
        /// Digests that the file does not store: reads the content that they are about.
        public var computesDigests: Bool
        /// The bins of each histogram.
        public var histogramBinCount: Int
        /// Checkpoints among which the links of the lineage are looked for, by their weights' stored digests.
        public var relatives: [any CheckpointSource]

        /// Digests but no figures about the values.
        public init(
            computesStatistics: Bool = false, computesDigests: Bool = true, histogramBinCount: Int = 16,
            relatives: [any CheckpointSource] = []
        ) {
            self.relatives = relatives
            self.computesStatistics = computesStatistics
            self.computesDigests = computesDigests
            self.histogramBinCount = histogramBinCount
        }
    }

    /// Describes a checkpoint; tensors are read side by side on the pool's workers, in bounded memory.
    ///
    /// - Parameter progress: Called from any worker after each tensor with the bytes read so far and in all.
    /// - Throws: ``CheckpointError`` where the file is damaged or cannot be read.
    public static func inspect(
        _ source: any CheckpointSource, options: Options = Options(), pool: WorkerPool,
        progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
    ) throws(CheckpointError) -> Inspection {
        let descriptions = source.tensors
        let order = descriptions.indices.sorted { descriptions[$0].byteCount > descriptions[$1].byteCount }
        let total = descriptions.reduce(0) { $0 + $1.byteCount }
        let counter = ProgressCounter()
        let unordered = try pool.results(taskCount: order.count) { task throws(CheckpointError) in
            let inspection = try inspect(descriptions[order[task]], of: source, options: options)
            progress?(counter.add(descriptions[order[task]].byteCount), total)
            return inspection
        }
        let tensors = zip(order, unordered).sorted { $0.0 < $1.0 }.map(\.1)
        let weights = zip(descriptions, tensors).filter { $0.0.role == .weight }
        let digests = weights.compactMap { pair in pair.1.digest.map { (name: pair.1.name, digest: $0) } }
        let vocabulary = source.metadata[MetadataKey.tokenizerVocabulary]?.stringArrayValue
        func text(_ key: String) -> String? { source.metadata[key]?.stringValue }
        return Inspection(
            schemaVersion: currentSchemaVersion,
            checkpoint: CheckpointIdentity(source),
            formatVersion: source.formatVersion,
            weightsDigest: digests.isEmpty || digests.count < weights.count ? nil : ContentDigest.weights(of: digests),
            contentByteCount: total,
            storedByteCount: tensors.reduce(0) { $0 + $1.storedByteCount },
            parameterCount: weights.reduce(0) { $0 + $1.1.elementCount },
            roles: groups(tensors, by: \.role),
            rolesAndDTypes: groups(tensors) { "\($0.role) \($0.dtype.rawValue)" },
            dtypes: groups(tensors, by: \.dtype.rawValue),
            codecs: groups(tensors) { $0.codecs.joined(separator: " + ") },
            tensors: tensors,
            metadata: source.metadata.filter { $0.key != MetadataKey.tokenizerVocabulary || vocabulary == nil }
                .map { key, value in
                    MetadataEntry(
                        key: key, type: MetadataText.typeName(of: value), value: MetadataText.text(of: value))
                },
            tokenizer: vocabulary.map { vocabulary in
                TokenizerInspection(
                    model: text(MetadataKey.tokenizerModel) ?? "", vocabularySize: vocabulary.count,
                    vocabulary: vocabulary)
            },
            base: base(of: source),
            lineage: Lineage(
                parent: text(MetadataKey.parent), reference: text(MetadataKey.reference),
                pretrained: text(MetadataKey.pretrained)),
            lineageChain: LineageLink.chain(of: source, among: options.relatives))
    }

    private static func base(of source: any CheckpointSource) -> InspectedBase? {
        guard let reader = (source as? CruxSource)?.reader, let reference = reader.baseReference else { return nil }
        return InspectedBase(
            weightsDigest: reference.weightsDigest, pathHint: reference.pathHint,
            chain: (reader.base?.chain ?? []).map(\.string))
    }

    private static func inspect(
        _ tensor: TensorDescription, of source: any CheckpointSource, options: Options
    ) throws(CheckpointError) -> TensorInspection {
        let storage = source.storage(of: tensor)
        var digest = storage.digest
        if digest == nil, options.computesDigests { digest = try source.digest(of: tensor) }
        return TensorInspection(
            name: tensor.name,
            dtype: tensor.dtype,
            shape: tensor.shape.dimensions,
            role: tensor.role.name,
            elementCount: tensor.elementCount,
            contentByteCount: tensor.byteCount,
            storedByteCount: storage.storedByteCount,
            chunkCount: storage.chunkCount,
            codecs: storage.codecNames,
            digest: digest,
            statistics: options.computesStatistics
                ? try statistics(of: tensor, in: source, binCount: options.histogramBinCount) : nil)
    }

    /// Reads the tensor twice: the histogram's edges are known only after the first time.
    private static func statistics(
        of tensor: TensorDescription, in source: any CheckpointSource, binCount: Int
    ) throws(CheckpointError) -> TensorStatistics? {
        guard ElementValues.isNumeric(tensor.dtype) else { return nil }
        var sums = StatisticsSums()
        try forEachRun(of: tensor, in: source) { sums.add($0) }
        let hasValues = sums.finiteCount > 0
        var histogram = Histogram(
            lowerBound: hasValues ? sums.minimum : 0, upperBound: hasValues ? sums.maximum : 0, binCount: binCount)
        if hasValues { try forEachRun(of: tensor, in: source) { histogram.add($0) } }
        return sums.statistics(histogram: histogram)
    }

    private static func forEachRun(
        of tensor: TensorDescription, in source: any CheckpointSource, _ body: (borrowing Span<Double>) -> Void
    ) throws(CheckpointError) {
        var values = [Double](repeating: 0, count: 8192)
        var bytes: [UInt8] = []
        var cursor = TensorCursor(tensor, in: source)
        while true {
            try cursor.read(values.count * tensor.dtype.block.byteCount, into: &bytes)
            guard !bytes.isEmpty else { return }
            let count = unsafe ElementValues.read(bytes.span.bytes, as: tensor.dtype, into: &values)
            body(values.span.extracting(0..<count))
        }
    }

    /// Groups in the order of their first tensor.
    private static func groups(
        _ tensors: [TensorInspection], by name: (TensorInspection) -> String
    ) -> [TensorGroup] {
        OrderedDictionary(grouping: tensors, by: name).map { name, members in
            TensorGroup(
                name: name, tensorCount: members.count, elementCount: members.reduce(0) { $0 + $1.elementCount },
                contentByteCount: members.reduce(0) { $0 + $1.contentByteCount },
                storedByteCount: members.reduce(0) { $0 + $1.storedByteCount })
        }
    }
}
