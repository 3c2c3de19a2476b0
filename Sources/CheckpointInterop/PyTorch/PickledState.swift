internal import CheckpointFormat
internal import OrderedCollections
internal import SystemPackage
internal import TensorCore

/// The tensors and plain values in what PyTorch saved, whatever dictionaries and lists they stand in.
///
/// A tensor's name is its path, joined by dots: `{"model": {"wte.weight": …}}` has `model.wte.weight`.
struct PickledState {
    /// A tensor as a view of a storage.
    struct View {
        let name: String
        let storage: Storage
        let type: PyTorchType
        /// In elements.
        let offset: Int
        let shape: [Int]
        let strides: [Int]
    }

    /// A run of memory that was saved.
    struct Storage: Hashable {
        let key: String
        /// The size of an element; 1 where the storage does not know its type.
        let elementByteCount: Int
        let elementCount: Int
        let type: PyTorchType?
    }

    /// The tensors in the pickle's order.
    private(set) var views: [View] = []
    /// Numbers, texts and lists of them, by their paths.
    private(set) var metadata: Metadata = [:]
    /// What is kept neither as tensor nor as metadata.
    private(set) var omissions: [Omission] = []

    private let pickle: Pickle
    private let path: FilePath
    private var names: Set<String> = []
    /// The values on the way to the current one, so that circles are found.
    private var open: Set<Pickle.Reference> = []
    /// The steps that are left: values that many others hold could be met without end.
    private var budget: Int
    private var noneCount = 0

    private static let depthLimit = 64

    init(_ pickle: Pickle, path: FilePath) throws(CheckpointError) {
        self.pickle = pickle
        self.path = path
        budget = 4 * pickle.nodes.count + 1000
        try walk(pickle.root, "", depth: 0)
        if noneCount > 0 { omissions.append(Omission("\(noneCount) values that are None")) }
        if pickle.attributeCount > 0 {
            omissions.append(Omission("attributes of \(pickle.attributeCount) objects, as the versions of modules"))
        }
        let storages = views.map(\.storage.key)
        let sharedCount = storages.count - Set(storages).count
        if sharedCount > 0 {
            omissions.append(Omission("that \(sharedCount) tensors share memory with others; each is written whole"))
        }
    }

    private mutating func walk(_ reference: Pickle.Reference, _ name: String, depth: Int) throws(CheckpointError) {
        budget -= 1
        guard budget > 0, depth <= Self.depthLimit, open.insert(reference).inserted else {
            throw failure(name, "values hold each other too often", found: "a circle, or too many", expected: "a tree")
        }
        defer { open.remove(reference) }
        switch pickle.nodes[reference] {
        case .none: noneCount += 1
        case .bool(let value): try add(name, .bool(value))
        case .integer(let value): try add(name, .int64(Int64(value)))
        case .float(let value): try add(name, .float64(value))
        case .string(let text): try add(name, .string(text))
        case .global(let module, let type): try add(name, .string("\(module).\(type)"))
        case .longInteger: omissions.append(Omission("the integer '\(name)' of more than 64 bits", isContent: true))
        case .bytes(let bytes):
            omissions.append(Omission("the \(bytes.count) bytes of '\(name)', which are no text", isContent: true))
        case .persistent: throw failure(name, "a storage without a tensor")
        case .list(let elements), .tuple(let elements): try walk(elements, name, depth: depth)
        case .dictionary(let entries):
            for entry in entries { try walk(entry.value, try join(name, key(entry.key, in: name)), depth: depth + 1) }
        case .call(let function, let arguments): try walk(call: function, arguments, name, depth: depth)
        }
    }

    /// A list of plain values of one type is metadata; anything else is walked with numbers as names.
    private mutating func walk(_ elements: [Pickle.Reference], _ name: String, depth: Int) throws(CheckpointError) {
        let values = elements.compactMap { element -> MetadataValue? in
            switch pickle.nodes[element] {
            case .bool(let value): .bool(value)
            case .integer(let value): .int64(Int64(value))
            case .float(let value): .float64(value)
            case .string(let text): .string(text)
            default: nil
            }
        }
        if let first = values.first, values.count == elements.count,
            let array = MetadataArray(elementType: first.type, elements: values)
        {
            budget -= values.count
            return try add(name, .array(array))
        }
        for (index, element) in elements.enumerated() { try walk(element, join(name, "\(index)"), depth: depth + 1) }
    }

    private mutating func walk(
        call function: Pickle.Reference, _ arguments: Pickle.Reference, _ name: String, depth: Int
    ) throws(CheckpointError) {
        guard let (module, called) = pickle.global(function), let values = pickle.elements(arguments) else {
            throw failure(name, "calls something without a name")
        }
        switch (module, called) {
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            guard let data = values.first else { throw failure(name, "a parameter without its tensor") }
            try walk(data, name, depth: depth + 1)
        case ("torch._tensor", "_rebuild_from_type_v2"):
            guard values.count >= 3, let (module, called) = pickle.global(values[0]) else {
                throw failure(name, "a tensor of a class without its values")
            }
            guard let inner = pickle.elements(values[2]) else { throw failure(name, "a tensor without its values") }
            try add(view(module, called, inner, name))
        case ("torch", "device"):
            let parts = values.map { pickle.string($0) ?? pickle.integer($0).map { "\($0)" } ?? "?" }
            try add(name, .string(parts.joined(separator: ":")))
        default: try add(view(module, called, values, name))
        }
    }

    /// A tensor from the arguments of the function that would rebuild it.
    private func view(
        _ module: String, _ function: String, _ values: [Pickle.Reference], _ name: String
    ) throws(CheckpointError) -> View {
        let least = ["_rebuild_tensor": 4, "_rebuild_tensor_v2": 6, "_rebuild_tensor_v3": 7][function]
        guard module == "torch._utils", let least, values.count >= least else {
            throw failure(
                name, "a tensor that is rebuilt in a way that is not known", found: "\(module).\(function)",
                expected: "torch._utils._rebuild_tensor, _v2 or _v3 with its arguments")
        }
        guard let offset = pickle.integer(values[1]), let shape = pickle.integers(values[2]),
            let strides = pickle.integers(values[3])
        else { throw failure(name, "offset, size or strides that are no integers") }
        let storage = try self.storage(values[0], name)
        let type: PyTorchType
        if function == "_rebuild_tensor_v3" {
            guard let (module, torchName) = pickle.global(values[6]), module == "torch",
                let known = PyTorchType(torchName: torchName)
            else { throw failure(name, "a tensor without its type") }
            type = known
        } else {
            guard let known = storage.type else {
                throw failure(name, "a tensor in a storage that says nothing of its type")
            }
            type = known
        }
        return View(name: name, storage: storage, type: type, offset: offset, shape: shape, strides: strides)
    }

    private func storage(_ reference: Pickle.Reference, _ name: String) throws(CheckpointError) -> Storage {
        guard case .persistent(let id) = pickle.nodes[reference], let parts = pickle.elements(id), parts.count >= 5,
            pickle.string(parts[0]) == "storage", let (_, storageClass) = pickle.global(parts[1]),
            let key = pickle.string(parts[2]) ?? pickle.integer(parts[2]).map({ "\($0)" }),
            let count = pickle.integer(parts[4]), count >= 0
        else {
            throw failure(
                name, "a storage that is not as PyTorch names them", found: "other values",
                expected: "'storage', class, key, location, number of elements")
        }
        if parts.count > 5, case .none = pickle.nodes[parts[5]] {
        } else if parts.count > 5 {
            throw failure(name, "a storage that is a view of another one, as before PyTorch 0.4, which is not read")
        }
        let type = PyTorchType(storageClass: storageClass)
        guard type != nil || storageClass == "UntypedStorage" else {
            throw failure(
                name, "a storage of an unknown type", found: storageClass, expected: "one of PyTorch's numbers")
        }
        return Storage(key: key, elementByteCount: type?.byteCount ?? 1, elementCount: count, type: type)
    }

    private mutating func add(_ name: String, _ value: MetadataValue) throws(CheckpointError) {
        let name = name.isEmpty ? "value" : name
        guard metadata.updateValue(value, forKey: name) == nil else { throw failure(name, "the name occurs twice") }
    }

    private mutating func add(_ view: View) throws(CheckpointError) {
        // A tensor that was saved on its own has no name.
        let name = view.name.isEmpty && open.count == 1 ? "tensor" : view.name
        guard names.insert(name).inserted else { throw failure(name, "the name occurs twice") }
        views.append(
            View(
                name: name, storage: view.storage, type: view.type, offset: view.offset, shape: view.shape,
                strides: view.strides))
    }

    private func key(_ reference: Pickle.Reference, in name: String) throws(CheckpointError) -> String {
        switch pickle.nodes[reference] {
        case .string(let text): return text
        case .integer(let value): return "\(value)"
        case .bool(let value): return value ? "True" : "False"
        case .float(let value): return "\(value)"
        case .tuple(let elements):
            var parts: [String] = []
            for element in elements {
                guard let part = pickle.string(element) ?? pickle.integer(element).map({ "\($0)" }) else {
                    throw failure(name, "a key that is no text and no number")
                }
                parts.append(part)
            }
            return parts.joined(separator: ",")
        default: throw failure(name, "a key that is no text and no number")
        }
    }

    private func join(_ name: String, _ key: String) throws(CheckpointError) -> String {
        guard name.utf8.count + key.utf8.count < 4096 else { throw failure(name, "a name of more than 4096 bytes") }
        return open.count <= 1 ? key : "\(name).\(key)"
    }

    private func failure(
        _ name: String, _ problem: String, found: String? = nil, expected: String? = nil
    ) -> CheckpointError {
        var comparison: CheckpointError.Comparison?
        if let found, let expected { comparison = .values(found: found, expected: expected) }
        return CheckpointError(
            .invalid, path: path, place: CheckpointPlace(section: "pickle", tensor: name.isEmpty ? nil : name),
            problem: problem, comparison: comparison)
    }
}
