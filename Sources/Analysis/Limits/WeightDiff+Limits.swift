internal import TensorCore

extension WeightDiff: LimitedReport {
    /// The figures of a diff. A scope is a pattern for tensor names (each tensor is measured by itself), `layer=`, `kind=`
    /// or `role=`; without one, the weights are taken together.
    public static var limitFigures: [LimitFigure] {
        [
            LimitFigure(name: "relativeL2", meaning: "‖Δ‖ / ‖base‖"),
            LimitFigure(name: "l2", meaning: "‖Δ‖"),
            LimitFigure(name: "l1", meaning: "‖Δ‖₁"),
            LimitFigure(name: "cosine", meaning: "of base and policy"),
            LimitFigure(name: "maxChange", meaning: "the largest |Δ|"),
            LimitFigure(name: "changed.bits", meaning: "share of elements whose bits differ"),
            LimitFigure(name: "changed.bf16", meaning: "share that differs as bf16"),
            LimitFigure(name: "changed.absolute", meaning: "share beyond the absolute tolerance"),
            LimitFigure(name: "changed.relative", meaning: "share beyond the relative tolerance"),
            LimitFigure(
                name: "changed.frozen",
                meaning: "number of elements whose bits differ; those of a tensor that "
                    + "is missing, added or of another shape all count"),
            LimitFigure(name: "nan", meaning: "NaNs in the policy"),
            LimitFigure(name: "null.relativeL2", meaning: "relativeL2 over that of the other run (--null)"),
            LimitFigure(name: "spectrum.effectiveRank", meaning: "effective rank of a matrix's change (--spectrum)"),
            LimitFigure(name: "spectrum.insideBase", meaning: "share of its change in the base's subspace"),
            LimitFigure(name: "spectrum.shift", meaning: "normalised spectral shift"),
            LimitFigure(name: "tensors.changed", meaning: "tensors with a bit that changed"),
            LimitFigure(name: "tensors.missing", meaning: "tensors in the base alone"),
            LimitFigure(name: "tensors.added", meaning: "tensors in the policy alone"),
            LimitFigure(name: "tensors.reshaped", meaning: "tensors of another shape"),
            LimitFigure(name: "tensors.retyped", meaning: "tensors of another type"),
            LimitFigure(name: "metadata.changed", meaning: "keys of the metadata that differ; the scope is for keys"),
            LimitFigure(name: "configuration.changed", meaning: "lines of the configuration that differ"),
        ]
    }

    /// Layers, kinds and roles.
    public static var limitProperties: [String] { ["layer", "kind", "role"] }

    /// The values that a limit is about.
    public func measurements(for limit: Limit) throws(LimitError) -> [LimitMeasurement] {
        if let names = countedNames(limit.figure) {
            let count = names.count { name in
                guard case .matching(let pattern) = limit.scope else { return true }
                return pattern.matches(name)
            }
            return [LimitMeasurement("the checkpoint", Double(count))]
        }
        if limit.figure.hasPrefix("spectrum.") { return try spectrumMeasurements(for: limit) }
        if limit.figure.hasPrefix("null."), null == nil {
            throw LimitError(limit: "\(limit)", found: "no other run to compare with", expected: "--null")
        }
        guard let scope = limit.scope else {
            return [
                measurement(limit.figure, of: "all weights", weights, null: null?.weights) ?? unmeasured(limit.figure)
            ]
                + incomparable(limit, scope: nil)
        }
        let measured = tensors.filter { scope.covers($0.name, role: $0.role) }
        return measured.map { tensor in
            if limit.figure == "changed.frozen" {
                return LimitMeasurement(tensor.name, Double(tensor.changedBitwise.count))
            }
            if limit.figure == "changed.bits" { return LimitMeasurement(tensor.name, tensor.changedBitwise.share) }
            let other = null?.tensors.first { $0.name == tensor.name }
            return measurement(limit.figure, of: tensor.name, tensor.figures, null: other?.figures)
                ?? unmeasured(limit.figure, tensor)
        } + incomparable(limit, scope: scope)
    }

    /// The things that a figure counts; nil for figures that are measured.
    private func countedNames(_ figure: String) -> [String]? {
        switch figure {
        case "tensors.changed": tensors.filter { !$0.isIdentical }.map(\.name)
        case "tensors.missing": structure.missing.map(\.name)
        case "tensors.added": structure.added.map(\.name)
        case "tensors.reshaped": structure.reshaped.map(\.policy.name)
        case "tensors.retyped": structure.retyped.map(\.policy.name)
        case "metadata.changed": metadata.map(\.key)
        case "configuration.changed": configuration.map(\.text)
        default: nil
        }
    }

    /// A figure of one tensor or of all; nil where there are no figures.
    private func measurement(
        _ figure: String, of subject: String, _ figures: DifferenceFigures?, null: DifferenceFigures?
    ) -> LimitMeasurement? {
        guard let figures else { return nil }
        switch figure {
        case "nan": return LimitMeasurement(subject, Double(figures.policyNaNCount))
        case "changed.bits": return LimitMeasurement(subject, figures.changedBitwise.share)
        case "changed.frozen": return LimitMeasurement(subject, Double(figures.changedBitwise.count))
        default: break
        }
        // Sums leave NaNs out: a figure of the rest would hide them.
        guard figures.policyNaNCount == 0, figures.baseNaNCount == 0 else {
            return LimitMeasurement(
                subject,
                gap: "there are \(figures.policyNaNCount) NaNs in the policy, \(figures.baseNaNCount) in the base")
        }
        let value: Double? =
            switch figure {
            case "relativeL2": figures.relativeChange
            case "l2": figures.changeNorm
            case "l1": figures.changeL1
            case "cosine": figures.cosine
            case "maxChange": figures.largestChange?.magnitude ?? 0
            case "changed.bf16": figures.changedAsBFloat16.share
            case "changed.absolute": figures.changedBeyondAbsolute.share
            case "changed.relative": figures.changedBeyondRelative.share
            default: figures.relativeChange.flatMap { own in null?.relativeChange.map { own / $0 } }
            }
        return value.map { LimitMeasurement(subject, $0) }
            ?? LimitMeasurement(subject, gap: "the base is all zeros or has an infinity")
    }

    /// What stands for all weights where none could be compared as numbers.
    private func unmeasured(_ figure: String) -> LimitMeasurement {
        let weights = tensors.filter { $0.role == TensorRole.weight.name }
        if figure == "changed.frozen" {
            return LimitMeasurement("all weights", Double(weights.reduce(0) { $0 + $1.changedBitwise.count }))
        }
        guard !weights.isEmpty, weights.allSatisfy(\.isIdentical) else {
            return LimitMeasurement("all weights", gap: "no weight could be compared as numbers")
        }
        return LimitMeasurement("all weights", figure == "cosine" ? 1 : 0)
    }

    /// What stands for a tensor without figures: nothing has changed in one that is the same.
    private func unmeasured(_ figure: String, _ tensor: TensorDifference) -> LimitMeasurement {
        guard tensor.isIdentical else {
            return LimitMeasurement(tensor.name, gap: "\(tensor.policyDType.rawValue) is compared bit by bit only")
        }
        return LimitMeasurement(tensor.name, figure == "cosine" ? 1 : 0)
    }

    /// The tensors in a limit's scope that could not be compared: no limit on their change can be kept.
    private func incomparable(_ limit: Limit, scope: Limit.Scope?) -> [LimitMeasurement] {
        let all =
            structure.missing.map { ($0, "it is only in the base") }
            + structure.added.map { ($0, "it is only in the policy") }
            + structure.reshaped.map { ($0.policy, "it has another shape") }
        return all.filter { tensor, _ in
            scope.map { $0.covers(tensor.name, role: tensor.role) } ?? (tensor.role == TensorRole.weight.name)
        }.map { tensor, reason in LimitMeasurement(tensor.name, gap: reason) }
    }

    private func spectrumMeasurements(for limit: Limit) throws(LimitError) -> [LimitMeasurement] {
        guard let spectra else {
            throw LimitError(limit: "\(limit)", found: "no spectra", expected: "--spectrum")
        }
        let role = TensorRole.weight.name
        let measured = spectra.tensors.filter { limit.scope?.covers($0.name, role: role) ?? true }.map { spectrum in
            let value: Double? =
                switch limit.figure {
                case "spectrum.effectiveRank": spectrum.effectiveRank
                case "spectrum.insideBase": spectrum.subspaceShare
                default: spectrum.spectralShift
                }
            return value.map { LimitMeasurement(spectrum.name, $0) }
                ?? LimitMeasurement(spectrum.name, gap: "it has no such figure")
        }
        let skipped = spectra.skipped.filter { limit.scope?.covers($0.name, role: role) ?? true }
        return measured + skipped.map { LimitMeasurement($0.name, gap: $0.reason) }
    }
}

extension Limit.Scope {
    /// Whether a tensor is meant.
    func covers(_ name: String, role: String) -> Bool {
        switch self {
        case .matching(let pattern): return pattern.matches(name)
        case .property(let property, let value):
            let place = ParameterPlace(tensorName: name)
            switch property {
            case "role": return role == value
            // Optimiser moments have names of their own roles.
            case "layer": return role == TensorRole.weight.name && place.layer.map { "\($0)" } == value
            default: return role == TensorRole.weight.name && place.kind.rawValue == value
            }
        }
    }
}
