internal import TensorCore

extension Inspection: LimitedReport {
    /// The figures of a tensor's values. A scope is a pattern for tensor names, `layer=`, `kind=` or `role=`; each tensor is
    /// measured by itself, and without a scope every weight is.
    public static var limitFigures: [LimitFigure] {
        [
            LimitFigure(name: "norm", meaning: "‖values‖₂"),
            LimitFigure(name: "rms", meaning: "root of the mean square"),
            LimitFigure(name: "magnitude", meaning: "the largest |value|"),
            LimitFigure(name: "minimum", meaning: "the least value"),
            LimitFigure(name: "maximum", meaning: "the greatest value"),
            LimitFigure(name: "mean", meaning: "the mean"),
            LimitFigure(name: "deviation", meaning: "the standard deviation"),
            LimitFigure(name: "zeros", meaning: "share of values that are zero"),
            LimitFigure(name: "nan", meaning: "number of NaNs"),
            LimitFigure(name: "infinity", meaning: "number of infinities"),
        ]
    }

    /// Layers, kinds and roles.
    public static var limitProperties: [String] { ["layer", "kind", "role"] }

    /// The values that a limit is about, one a tensor.
    ///
    /// - Throws: ``LimitError`` where the report was made without figures about the values.
    public func measurements(for limit: Limit) throws(LimitError) -> [LimitMeasurement] {
        let scope = limit.scope ?? .property(name: "role", value: TensorRole.weight.name)
        return tensors.filter { scope.covers($0.name, role: $0.role) }.map { tensor in
            guard let statistics = tensor.statistics else {
                return LimitMeasurement(tensor.name, gap: "\(tensor.dtype.rawValue) has no figures about its values")
            }
            return statistics.value(of: limit.figure).map { LimitMeasurement(tensor.name, $0) }
                ?? LimitMeasurement(tensor.name, gap: "no value is finite")
        }
    }
}

extension TensorStatistics {
    /// A figure by the name that limits call it; nil where no value is finite.
    fileprivate func value(of figure: String) -> Double? {
        switch figure {
        case "nan": return Double(nanCount)
        case "infinity": return Double(infinityCount)
        default: break
        }
        // An empty tensor has nothing that a limit could be about, and keeps all.
        guard elementCount > 0 else { return 0 }
        guard let minimum, let maximum, let mean, let standardDeviation else { return nil }
        return switch figure {
        case "norm": norm
        case "rms": norm / Double(finiteCount).squareRoot()
        case "magnitude": max(minimum.magnitude, maximum.magnitude)
        case "minimum": minimum
        case "maximum": maximum
        case "mean": mean
        case "deviation": standardDeviation
        case "zeros": Double(zeroCount) / Double(finiteCount)
        default: nil
        }
    }
}
