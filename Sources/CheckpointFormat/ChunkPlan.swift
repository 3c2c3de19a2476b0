/// How a chunk is to be encoded.
struct ChunkPlan: Hashable {
    /// What is compressed.
    enum Form: Hashable {
        /// The content itself.
        case content
        /// Its byte planes.
        case planes(width: Int, isRotated: Bool)
        /// Byte planes of its differences from the base.
        case difference(width: Int)
        /// A mask of what differs, and byte planes of these differences.
        case sparseDifference(width: Int)

        /// How many parts of one size it has, the lowest first.
        var planeCount: Int {
            switch self {
            case .planes(let width, _), .difference(let width): width
            case .content, .sparseDifference: 1
            }
        }
    }

    let form: Form
    /// Whether repetitions are looked for, or bytes are coded one by one.
    let findsMatches: Bool
    /// How many of the lowest planes are not worth compressing.
    let rawPlaneCount: Int

    init(_ form: Form, findsMatches: Bool, rawPlaneCount: Int = 0) {
        self.form = form
        self.findsMatches = findsMatches
        self.rawPlaneCount = rawPlaneCount
    }
}
