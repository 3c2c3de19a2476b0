internal import CKernels

/// The panels that packed matrices are made of: some columns side by side, row after row.
enum Panels {
    /// The columns of one panel.
    static let width = Int(CRUX_PANEL)

    /// The floats of a panel of so many rows, and so the distance to the next.
    static func stride(_ depth: Int) -> Int { width * depth }

    /// The columns of all panels, the last one filled up.
    static func wholeColumns(_ columns: Int) -> Int { (columns + width - 1) / width * width }
}
