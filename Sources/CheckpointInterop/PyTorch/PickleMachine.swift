internal import CheckpointFormat
internal import SystemPackage

/// The stack machine of Python's pickles (protocols 2 to 5), less everything that runs code.
struct PickleMachine {
    private(set) var nodes: [Pickle.Node] = []
    private(set) var result: Pickle.Reference = 0
    private(set) var attributeCount = 0
    /// The next byte.
    private(set) var position: Int
    private let bytes: [UInt8]
    private let path: FilePath
    private var stack: [Pickle.Reference] = []
    /// The heights of the stack at the marks.
    private var marks: [Int] = []
    private var memo: [Int: Pickle.Reference] = [:]
    /// None, True, False, the empty tuple and small integers, made once.
    private var shared: [Int: Pickle.Reference] = [:]
    /// Where the current instruction stands.
    private var start = 0
    /// The elements of collections that were made from others.
    private var copiedCount = 0

    /// More values than the state of any model has.
    private static let nodeLimit = 1 << 23

    init(_ bytes: [UInt8], from start: Int, path: FilePath) {
        self.bytes = bytes
        position = start
        self.path = path
    }

    /// Reads up to the instruction that ends the pickle.
    mutating func run() throws(CheckpointError) {
        while true {
            start = position
            let code = try byte()
            if code == UInt8(ascii: ".") {
                result = try pop()
                return
            }
            guard let instruction = Instruction(rawValue: code) else {
                throw failure(
                    "an instruction that is not read", kind: .unsupportedVersion,
                    found: "0x\(String(code, radix: 16)) (\(Unicode.Scalar(code).escaped(asASCII: true)))",
                    expected: "one that describes values")
            }
            try run(instruction)
        }
    }

    private enum Instruction: UInt8 {
        case proto = 0x80
        case frame = 0x95
        case memoize = 0x94
        case binPut = 0x71, longBinPut = 0x72, binGet = 0x68, longBinGet = 0x6A
        case mark = 0x28, pop = 0x30, popMark = 0x31, duplicate = 0x32
        case none = 0x4E, newTrue = 0x88, newFalse = 0x89
        case binInt = 0x4A, binInt1 = 0x4B, binInt2 = 0x4D, long1 = 0x8A, long4 = 0x8B, binFloat = 0x47
        case binUnicode = 0x58, shortBinUnicode = 0x8C, binUnicode8 = 0x8D
        case binString = 0x54, shortBinString = 0x55, binBytes = 0x42, shortBinBytes = 0x43, binBytes8 = 0x8E
        case emptyTuple = 0x29, tuple = 0x74, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87
        case emptyList = 0x5D, list = 0x6C, append = 0x61, appends = 0x65
        case emptyDictionary = 0x7D, dictionary = 0x64, setItem = 0x73, setItems = 0x75
        case emptySet = 0x8F, addItems = 0x90, frozenSet = 0x91
        case global = 0x63, stackGlobal = 0x93
        case binPersistentID = 0x51
        case reduce = 0x52, newObject = 0x81, build = 0x62
    }

    private mutating func run(_ instruction: Instruction) throws(CheckpointError) {
        switch instruction {
        case .proto:
            let version = try byte()
            guard (2...5).contains(version) else {
                throw failure(
                    "a version that is not read", kind: .unsupportedVersion, found: "\(version)", expected: "2 to 5")
            }
        case .frame: _ = try integer(8)
        case .memoize: memo[memo.count] = try top()
        case .binPut: memo[try integer(1)] = try top()
        case .longBinPut: memo[try integer(4)] = try top()
        case .binGet: try remember(integer(1))
        case .longBinGet: try remember(integer(4))
        case .mark: marks.append(stack.count)
        case .pop: _ = try pop()
        case .popMark: _ = try popToMark()
        case .duplicate: stack.append(try top())
        case .none: try push(shared: -1, .none)
        case .newTrue: try push(shared: -2, .bool(true))
        case .newFalse: try push(shared: -3, .bool(false))
        case .binInt: try push(.integer(Int(Int32(truncatingIfNeeded: integer(4)))))
        case .binInt1: try pushSmall(integer(1))
        case .binInt2: try push(.integer(integer(2)))
        case .long1: try pushLong(integer(1))
        case .long4: try pushLong(integer(4))
        case .binFloat:
            let bits = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            try push(.float(Double(bitPattern: bits)))
        case .binUnicode: try pushText(integer(4))
        case .shortBinUnicode: try pushText(integer(1))
        case .binUnicode8: try pushText(integer(8))
        case .binString: try pushText(integer(4))
        case .shortBinString: try pushText(integer(1))
        case .binBytes: try push(.bytes(Array(take(integer(4)))))
        case .shortBinBytes: try push(.bytes(Array(take(integer(1)))))
        case .binBytes8: try push(.bytes(Array(take(integer(8)))))
        case .emptyTuple: try push(shared: -4, .tuple([]))
        case .tuple: try push(.tuple(popToMark()))
        case .tuple1: try push(.tuple(pop(1)))
        case .tuple2: try push(.tuple(pop(2)))
        case .tuple3: try push(.tuple(pop(3)))
        case .emptyList, .emptySet: try push(.list([]))
        case .list, .frozenSet: try push(.list(popToMark()))
        case .append: try append(pop(1))
        case .appends, .addItems: try append(popToMark())
        case .emptyDictionary: try push(.dictionary([]))
        case .dictionary: try push(.dictionary(entries(popToMark())))
        case .setItem: try insert(pop(2))
        case .setItems: try insert(popToMark())
        case .global: try pushGlobal(module: line(), name: line())
        case .stackGlobal:
            let names = try pop(2)
            guard case .string(let module) = nodes[names[0]], case .string(let name) = nodes[names[1]] else {
                throw failure("names something that is no name")
            }
            try pushGlobal(module: module, name: name)
        case .binPersistentID: try push(.persistent(pop()))
        case .reduce, .newObject: try call(pop(2))
        case .build:
            _ = try pop()
            _ = try top()
            attributeCount += 1
        }
    }

    // MARK: Values

    private mutating func push(_ node: Pickle.Node) throws(CheckpointError) {
        guard nodes.count < Self.nodeLimit else {
            throw failure("the pickle has too many values", found: "more", expected: "at most \(Self.nodeLimit)")
        }
        stack.append(nodes.count)
        nodes.append(node)
    }

    private mutating func push(shared key: Int, _ node: Pickle.Node) throws(CheckpointError) {
        if let reference = shared[key] {
            stack.append(reference)
        } else {
            shared[key] = nodes.count
            try push(node)
        }
    }

    private mutating func pushSmall(_ value: Int) throws(CheckpointError) { try push(shared: value, .integer(value)) }

    private mutating func pushLong(_ count: Int) throws(CheckpointError) {
        let content = try Array(take(count))
        guard count <= 8 else { return try push(.longInteger(content)) }
        let isNegative = (content.last ?? 0) & 0x80 != 0
        let bits = content.reversed().reduce(isNegative ? UInt64.max : 0) { $0 << 8 | UInt64($1) }
        try push(.integer(Int(Int64(bitPattern: bits))))
    }

    private mutating func pushText(_ count: Int) throws(CheckpointError) {
        let content = try take(count)
        guard let text = String(validating: content, as: UTF8.self) else { return try push(.bytes(Array(content))) }
        try push(.string(text))
    }

    private mutating func pushGlobal(module: String, name: String) throws(CheckpointError) {
        guard PickleMachine.isAllowed(module: module, name: name) else {
            throw failure(
                "the pickle names Python code, which is never run", found: "\(module).\(name)",
                expected: "what rebuilds tensors and collections alone")
        }
        try push(.global(module: module, name: name))
    }

    private mutating func remember(_ key: Int) throws(CheckpointError) {
        guard let reference = memo[key] else { throw failure("refers to the value \(key), which is not there") }
        stack.append(reference)
    }

    private mutating func append(_ values: [Pickle.Reference]) throws(CheckpointError) {
        let list = try top()
        guard case .list(var elements) = nodes[list] else { throw failure("adds to what is no list") }
        // So that the elements are not copied for each that is added.
        nodes[list] = .none
        elements += values
        nodes[list] = .list(elements)
    }

    private mutating func insert(_ values: [Pickle.Reference]) throws(CheckpointError) {
        let new = try entries(values)
        let dictionary = try top()
        guard case .dictionary(var entries) = nodes[dictionary] else { throw failure("adds to what is no dictionary") }
        nodes[dictionary] = .none
        entries += new
        nodes[dictionary] = .dictionary(entries)
    }

    private func entries(_ values: [Pickle.Reference]) throws(CheckpointError) -> [Pickle.Entry] {
        guard values.count % 2 == 0 else { throw failure("a key without its value") }
        return stride(from: 0, to: values.count, by: 2).map { Pickle.Entry(key: values[$0], value: values[$0 + 1]) }
    }

    /// Writes a call down; collections are made.
    private mutating func call(_ values: [Pickle.Reference]) throws(CheckpointError) {
        let (function, arguments) = (values[0], values[1])
        guard case .global(let module, let name) = nodes[function], case .tuple(let tuple) = nodes[arguments] else {
            throw failure("calls something else than a function that it names")
        }
        switch (module, name) {
        case ("collections", "OrderedDict"), ("collections", "defaultdict"), ("__builtin__", "dict"),
            ("builtins", "dict"):
            var pairs: [Pickle.Entry] = []
            if let items = tuple.first, case .list(let list) = nodes[items] {
                try charge(list.count)
                for item in list {
                    switch nodes[item] {
                    case .tuple(let pair), .list(let pair):
                        guard pair.count == 2 else { throw failure("a dictionary of other things than pairs") }
                        pairs.append(Pickle.Entry(key: pair[0], value: pair[1]))
                    default: throw failure("a dictionary of other things than pairs")
                    }
                }
            }
            try push(.dictionary(pairs))
        case ("torch", "Size"), ("__builtin__", "set"), ("builtins", "set"), ("__builtin__", "frozenset"),
            ("builtins", "frozenset"):
            guard let items = tuple.first else { return try push(.list([])) }
            switch nodes[items] {
            case .tuple(let elements), .list(let elements):
                try charge(elements.count)
                try push(.list(elements))
            default: throw failure("a collection of what is no list")
            }
        default: try push(.call(function, arguments: arguments))
        }
    }

    /// Counts what is copied, so that a few bytes cannot copy a long list again and again.
    private mutating func charge(_ count: Int) throws(CheckpointError) {
        copiedCount += count
        guard copiedCount <= Self.nodeLimit else {
            throw failure("the pickle has too many values", found: "more", expected: "at most \(Self.nodeLimit)")
        }
    }

    /// Whether something that a pickle names is one of what is written down and never run.
    private static func isAllowed(module: String, name: String) -> Bool {
        switch module {
        case "collections": ["OrderedDict", "defaultdict"].contains(name)
        case "__builtin__", "builtins": ["set", "frozenset", "dict"].contains(name)
        case "torch._utils":
            [
                "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter",
                "_rebuild_parameter_with_state",
            ].contains(name)
        case "torch._tensor": name == "_rebuild_from_type_v2"
        case "torch.nn.parameter": name == "Parameter"
        case "torch.storage": name == "UntypedStorage"
        case "torch":
            ["Size", "device", "Tensor"].contains(name) || name.hasSuffix("Storage")
                || PyTorchType(torchName: name) != nil
        default: false
        }
    }

    // MARK: The stack

    private func top() throws(CheckpointError) -> Pickle.Reference {
        guard let last = stack.last, stack.count > marks.last ?? 0 else { throw failure("takes from an empty stack") }
        return last
    }

    private mutating func pop() throws(CheckpointError) -> Pickle.Reference {
        let last = try top()
        stack.removeLast()
        return last
    }

    private mutating func pop(_ count: Int) throws(CheckpointError) -> [Pickle.Reference] {
        guard stack.count - count >= marks.last ?? 0 else { throw failure("takes from an empty stack") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(CheckpointError) -> [Pickle.Reference] {
        guard let mark = marks.popLast(), mark <= stack.count else {
            throw failure("goes back to a mark that is not there")
        }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    // MARK: Bytes

    private mutating func byte() throws(CheckpointError) -> UInt8 {
        guard position < bytes.count else { throw truncated() }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func take(_ count: Int) throws(CheckpointError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else { throw truncated() }
        defer { position += count }
        return bytes[position..<position + count]
    }

    private mutating func integer(_ byteCount: Int) throws(CheckpointError) -> Int {
        let value = try take(byteCount).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // A size beyond what can be addressed is beyond what is there.
        return Int(exactly: value) ?? .max
    }

    private mutating func line() throws(CheckpointError) -> String {
        guard let end = bytes[position...].prefix(1024).firstIndex(of: UInt8(ascii: "\n")) else {
            throw failure("a name without its end")
        }
        defer { position = end + 1 }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    private func truncated() -> CheckpointError { failure("the pickle ends early", kind: .truncated) }

    private func failure(
        _ problem: String, kind: CheckpointError.Kind = .invalid, found: String? = nil, expected: String? = nil
    ) -> CheckpointError {
        var comparison: CheckpointError.Comparison?
        if let found, let expected { comparison = .values(found: found, expected: expected) }
        return CheckpointError(
            kind, path: path, place: CheckpointPlace(section: "pickle", byteRange: start..<max(position, start + 1)),
            problem: problem, comparison: comparison)
    }
}
