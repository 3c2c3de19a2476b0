extension ModelConfiguration {
    /// The floating-point operations of one token's forward pass: two for each weight of the linear layers and the head,
    /// 12·L·C² + V·C of them, and 4·L·C for each token that it attends to. Look-ups and element-wise work are not
    /// counted, as in the field's usual measure.
    ///
    /// - Parameter attendedTokenCount: The tokens that it attends to, on average.
    public func forwardOperationsPerToken(attendedTokenCount: Double) -> Double {
        let (layers, width) = (Double(layerCount), Double(embeddingSize))
        let weights = 12 * layers * width * width + Double(vocabularySize) * width
        return 2 * weights + 4 * layers * width * attendedTokenCount
    }

    /// The same of forward and backward pass, which takes twice as many, in sequences of so many tokens: each attends to
    /// half of them on average.
    public func trainingOperationsPerToken(sequenceLength: Double) -> Double {
        3 * forwardOperationsPerToken(attendedTokenCount: sequenceLength / 2)
    }
}
