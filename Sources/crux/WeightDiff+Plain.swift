internal import Analysis
internal import Rendering
internal import TensorCore

extension WeightDiff {
    /// The tensors as a table for programs: those compared in the report's order, then those that were not.
    var plainTable: String {
        let compared = tensors.map { tensor -> [PlainTable.Cell] in
            let figures = tensor.figures
            let largest = figures?.largestChange
            return [
                .init(tensor.isIdentical ? "same" : "changed"), .init(tensor.name), .init(tensor.role),
                .init(tensor.place.kind.rawValue), .init(tensor.place.layer), .init(tensor.shape),
                .init(tensor.baseDType.rawValue), .init(tensor.policyDType.rawValue), .init(figures?.elementCount),
                .init(tensor.changedBitwise.count), .init(figures?.changedAsBFloat16.count),
                .init(figures?.changedBeyondAbsolute.count), .init(figures?.changedBeyondRelative.count),
                .init(figures?.changeL1), .init(figures?.changeNorm), .init(figures?.baseNorm),
                .init(figures?.policyNorm), .init(figures?.relativeChange), .init(figures?.cosine),
                .init(largest?.magnitude), .init(largest?.index ?? []), .init(figures?.baseNaNCount),
                .init(figures?.policyNaNCount),
            ]
        }
        func absent(_ status: String, _ base: TensorSummary?, _ policy: TensorSummary?) -> [PlainTable.Cell] {
            guard let tensor = policy ?? base else { return [] }
            let cells: [PlainTable.Cell] = [
                .init(status), .init(tensor.name), .init(tensor.role), .init(nil as String?), .init(nil as Int?),
                .init(tensor.shape), .init(base?.dtype.rawValue), .init(policy?.dtype.rawValue),
            ]
            return cells + Array(repeating: .init(nil as String?), count: Self.plainColumns.count - cells.count)
        }
        let others =
            structure.missing.map { absent("missing", $0, nil) } + structure.added.map { absent("added", nil, $0) }
            + structure.reshaped.map { absent("reshaped", $0.base, $0.policy) }
        return PlainTable(columns: Self.plainColumns, rows: compared + others).text
    }

    private static let plainColumns = [
        "status", "name", "role", "kind", "layer", "shape", "base_dtype", "policy_dtype", "elements", "changed_bits",
        "changed_bf16", "changed_absolute", "changed_relative", "l1", "l2", "base_norm", "policy_norm", "relative_l2",
        "cosine", "max_change", "max_change_index", "base_nan", "policy_nan",
    ]
}
