internal import TensorCore

/// The tensors of a checkpoint by the parts of their names, with blocks that are alike folded into one.
public struct TensorTree: Hashable, Sendable {
    /// One line of the tree.
    public struct Line: Hashable, Sendable {
        /// How deep the line stands, from 0.
        public let depth: Int
        /// The part of the name: `attn`, `0–11`, or a whole rest without branches: `c_attn.weight`.
        public let label: String
        /// How many parts that are alike the line stands for; 1 for most.
        public let count: Int
        /// The tensor; nil for a branch.
        public let tensor: TensorInspection?
        /// The elements of all tensors that the line stands for.
        public let elementCount: Int
        /// The size of their content in bytes.
        public let contentByteCount: Int
    }

    /// The lines from top to bottom.
    public let lines: [Line]

    /// Arranges tensors, in their order.
    public init(_ tensors: [TensorInspection]) {
        var lines: [Line] = []
        Branch(tensors.map { ($0.name.split(separator: ".", omittingEmptySubsequences: false)[...], $0) })
            .write(to: &lines, depth: 0, times: 1)
        self.lines = lines
    }

    /// What stands below one part of a name.
    private struct Branch {
        /// The parts below, in the order of their first tensor.
        private var children: [(label: Substring, branch: Branch)] = []
        private var tensor: TensorInspection?
        private var elementCount = 0
        private var byteCount = 0

        init(_ tensors: [(parts: ArraySlice<Substring>, tensor: TensorInspection)]) {
            var order: [Substring] = []
            var groups: [Substring: [(ArraySlice<Substring>, TensorInspection)]] = [:]
            for (parts, tensor) in tensors {
                elementCount += tensor.elementCount
                byteCount += tensor.contentByteCount
                guard let first = parts.first else {
                    self.tensor = tensor
                    continue
                }
                if groups[first] == nil { order.append(first) }
                groups[first, default: []].append((parts.dropFirst(), tensor))
            }
            children = order.map { ($0, Branch(groups[$0] ?? [])) }
        }

        /// Everything but names of tensors, so that blocks can be told to be alike.
        private var form: [String] {
            let own = tensor.map { ["\($0.dtype.rawValue) \($0.shape) \($0.role)"] } ?? []
            return own + children.flatMap { child in child.branch.form.map { "\(child.label).\($0)" } }
        }

        func write(to lines: inout [Line], depth: Int, times: Int) {
            var index = 0
            while index < children.count {
                let (first, branch) = children[index]
                var end = index + 1
                if Int(first) != nil, !branch.children.isEmpty {
                    let form = branch.form
                    while end < children.count, Int(children[end].label) != nil, children[end].branch.form == form {
                        end += 1
                    }
                }
                let count = end - index
                // Parts without branches stand on one line.
                var (label, leaf) = (String(first), branch)
                while count == 1, leaf.tensor == nil, leaf.children.count == 1 {
                    label += "." + leaf.children[0].label
                    leaf = leaf.children[0].branch
                }
                if count > 1 { label += "–\(children[end - 1].label)" }
                lines.append(
                    Line(
                        depth: depth, label: label, count: count,
                        tensor: leaf.children.isEmpty ? leaf.tensor : nil,
                        elementCount: branch.elementCount * count * times,
                        contentByteCount: branch.byteCount * count * times))
                // A name that goes on below a tensor's: the tensor gets a line of its own.
                if let tensor = leaf.tensor, !leaf.children.isEmpty {
                    lines.append(
                        Line(
                            depth: depth + 1, label: "", count: 1, tensor: tensor,
                            elementCount: tensor.elementCount * count * times,
                            contentByteCount: tensor.contentByteCount * count * times))
                }
                leaf.write(to: &lines, depth: depth + 1, times: count * times)
                index = end
            }
        }
    }
}
