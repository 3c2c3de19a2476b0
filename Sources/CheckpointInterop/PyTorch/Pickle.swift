public import CheckpointFormat
public import SystemPackage

/// What a Python pickle describes, as data: nothing is imported, nothing is called.
///
/// A pickle is a program for a stack machine that can name any function of Python and call it. Here the functions that
/// rebuild tensors and collections are only written down as ``Node/call(_:arguments:)``, and a pickle that names any
/// other is refused as it is read.
public struct Pickle: Sendable {
    /// A value's number; several values can hold the same one, also in circles.
    public typealias Reference = Int

    /// One value.
    public enum Node: Sendable {
        /// Python's `None`.
        case none
        /// A bool.
        case bool(Bool)
        /// An integer of up to 64 bits.
        case integer(Int)
        /// A longer integer's bytes, two's complement, the lowest first.
        case longInteger([UInt8])
        /// A float.
        case float(Double)
        /// A text.
        case string(String)
        /// Bytes.
        case bytes([UInt8])
        /// A list, set or frozen set.
        case list([Reference])
        /// A tuple.
        case tuple([Reference])
        /// A dictionary in its order.
        case dictionary([Entry])
        /// A class or function that is named.
        case global(module: String, name: String)
        /// Something outside the pickle, here a storage.
        case persistent(Reference)
        /// A call that is not made.
        case call(_ function: Reference, arguments: Reference)
    }

    /// A key and its value.
    public struct Entry: Sendable {
        /// The key.
        public let key: Reference
        /// The value.
        public let value: Reference
    }

    /// All values.
    public private(set) var nodes: [Node] = []
    /// The value of the whole.
    public private(set) var root: Reference = 0
    /// Where the pickle ends in the bytes.
    public private(set) var end = 0
    /// How many objects had attributes set, which are not kept.
    public private(set) var attributeCount = 0

    /// Reads a pickle, which may be followed by anything: also the entry point for fuzzing.
    ///
    /// - Parameters:
    ///   - bytes: Bytes with the pickle in them.
    ///   - start: Where it starts.
    ///   - path: The file's name for messages.
    /// - Throws: ``CheckpointError`` naming the instruction or the name that is refused, and where.
    public init(parsing bytes: [UInt8], from start: Int = 0, path: FilePath) throws(CheckpointError) {
        var machine = PickleMachine(bytes, from: start, path: path)
        try machine.run()
        nodes = machine.nodes
        root = machine.result
        end = machine.position
        attributeCount = machine.attributeCount
    }

    /// The text of a string.
    func string(_ reference: Reference) -> String? {
        guard case .string(let text) = nodes[reference] else { return nil }
        return text
    }

    /// The value of an integer.
    func integer(_ reference: Reference) -> Int? {
        guard case .integer(let value) = nodes[reference] else { return nil }
        return value
    }

    /// The elements of a tuple or list.
    func elements(_ reference: Reference) -> [Reference]? {
        switch nodes[reference] {
        case .tuple(let elements), .list(let elements): elements
        default: nil
        }
    }

    /// The sizes in a tuple or list of integers.
    func integers(_ reference: Reference) -> [Int]? {
        guard let elements = elements(reference) else { return nil }
        let values = elements.compactMap { integer($0) }
        return values.count == elements.count ? values : nil
    }

    /// The module and name of a class or function.
    func global(_ reference: Reference) -> (module: String, name: String)? {
        guard case .global(let module, let name) = nodes[reference] else { return nil }
        return (module, name)
    }
}
