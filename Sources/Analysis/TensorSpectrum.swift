/// The singular values of one matrix's change, beside those of its base.
///
/// Defined for tensors of rank 2 (an m × n matrix W, its change Δ, the policy P = W + Δ). Singular values are the square
/// roots of the eigenvalues of the smaller Gram matrix in double precision: those below about 1e-8 of the largest are
/// not resolved.
public struct TensorSpectrum: Codable, Hashable, Sendable {
    /// The tensor.
    public let name: String
    /// Its dimensions.
    public let shape: [Int]
    /// The singular values of Δ, the largest first.
    public let changeValues: [Double]
    /// The singular values of the base, the largest first.
    public let baseValues: [Double]
    /// exp(−Σ p ln p) with p = σ / Σσ of Δ (Roy and Vetterli 2007): from 1 to min(m, n).
    public let effectiveRank: Double
    /// ‖Δ‖²_F / σ₁(Δ)².
    public let stableRank: Double
    /// How many singular values hold 99 % of ‖Δ‖²_F.
    public let rankOf99Percent: Int
    /// The base's leading singular directions that ``subspaceShare`` is about.
    public let subspaceRank: Int
    /// ‖U_kᵀ Δ V_k‖²_F / ‖Δ‖²_F with the base's first k left and right singular vectors: what of the change lies inside
    /// the base's principal subspace.
    public let subspaceShare: Double
    /// k² / (m n): the share that a change without any direction would have.
    public let subspaceShareOfChance: Double
    /// ‖σ(P) − σ(W)‖₂ / ‖σ(W)‖₂ (arXiv 2511.08567); nil for a base of zeros.
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
