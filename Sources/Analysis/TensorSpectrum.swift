/// The singular values of one matrix's change, beside those of its base.
///
/// Defined for tensors of rank 2 (an m × n matrix W, its change Δ, the policy P = W + Δ).
public struct TensorSpectrum: Codable, Hashable, Sendable {
    /// How singular values are found.
    public enum Method: String, Codable, Hashable, Sendable {
        /// All of them: the square roots of the eigenvalues of the smaller Gram matrix in double precision. Those below
        /// about 1e-8 of the largest are not resolved.
        case exact
        /// The largest ones, by random projection with a fixed seed (Halko, Martinsson and Tropp 2011): none is too large,
        /// and each is too small by little where the spectrum falls off, by up to a few per cent where it is flat.
        case randomised
    }

    /// The tensor.
    public let name: String
    /// Its dimensions.
    public let shape: [Int]
    /// How the singular values were found.
    public let method: Method
    /// The singular values of Δ, the largest first; only the leading ones where the method is randomised.
    public let changeValues: [Double]
    /// The share of ‖Δ‖²_F that ``changeValues`` hold; 1 where they are exact.
    public let changeShareHeld: Double
    /// The singular values of the base, the largest first; only the leading ones where the method is randomised.
    public let baseValues: [Double]
    /// exp(−Σ p ln p) with p = σ / Σσ of Δ (Roy and Vetterli 2007): from 1 to min(m, n). Where the method is randomised,
    /// the most that it can be: the rest of ‖Δ‖²_F spread evenly over the values that were not computed.
    public let effectiveRank: Double
    /// The least that the effective rank can be: the rest of ‖Δ‖²_F in as few values as can hold it. Equal to
    /// ``effectiveRank`` where the method is exact.
    public let leastEffectiveRank: Double
    /// ‖Δ‖²_F / σ₁(Δ)².
    public let stableRank: Double
    /// How many singular values hold 99 % of ‖Δ‖²_F; nil where those that were computed hold less.
    public let rankOf99Percent: Int?
    /// The base's leading singular directions that ``subspaceShare`` is about.
    public let subspaceRank: Int
    /// ‖U_kᵀ Δ V_k‖²_F / ‖Δ‖²_F with the base's first k left and right singular vectors: what of the change lies inside
    /// the base's principal subspace.
    public let subspaceShare: Double
    /// k² / (m n): the share that a change without any direction would have.
    public let subspaceShareOfChance: Double
    /// ‖σ(P) − σ(W)‖₂ / ‖σ(W)‖₂ over the values that were computed (arXiv 2511.08567); nil for a base of zeros.
    public let spectralShift: Double?
}

/// A matrix whose spectrum was not computed.
public struct SkippedSpectrum: Codable, Hashable, Sendable {
    /// The tensor.
    public let name: String
    /// Why.
    public let reason: String
}

/// The spectra of a diff.
public struct SpectralDiff: Codable, Hashable, Sendable {
    /// The changed matrices, in the policy's order.
    public let tensors: [TensorSpectrum]
    /// The changed matrices that were left out.
    public let skipped: [SkippedSpectrum]
}
