/// One setting: its dotted key, how it is read, checked and written.
///
/// The table of fields is the only description of a configuration: loading, validation, the resolved YAML
/// text and the comparison on resume all follow from it.
public struct ConfigurationField<Root>: Sendable {
    /// The dotted key, for example `optimizer.learning_rate`.
    public let key: String
    /// Whether a resumed run may have another value.
    public let mayChangeOnResume: Bool
    let read: @Sendable (inout Root, ConfigurationValue) throws(ConfigurationValue.Mismatch) -> Void
    let text: @Sendable (Root) -> String

    /// The field as part of a larger configuration.
    func inSection<Parent>(
        _ section: String, _ path: any WritableKeyPath<Parent, Root> & Sendable
    ) -> ConfigurationField<Parent> {
        ConfigurationField<Parent>(
            key: "\(section).\(key)", mayChangeOnResume: mayChangeOnResume,
            read: { (parent, value) throws(ConfigurationValue.Mismatch) in try read(&parent[keyPath: path], value) },
            text: { text($0[keyPath: path]) })
    }

    /// The same field, which a resumed run may have with another value.
    func changeableOnResume() -> Self {
        Self(key: key, mayChangeOnResume: true, read: read, text: text)
    }
}

extension ConfigurationField {
    /// A whole number.
    static func integer(
        _ key: String, _ path: any WritableKeyPath<Root, Int> & Sendable, in range: ClosedRange<Int>
    ) -> Self {
        Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in
                root[keyPath: path] = try value.integer(in: range)
            },
            text: { "\($0[keyPath: path])" })
    }

    /// A whole number or `auto`, which is nil.
    static func integerOrAuto(
        _ key: String, _ path: any WritableKeyPath<Root, Int?> & Sendable, in range: ClosedRange<Int>
    ) -> Self {
        Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in
                do throws(ConfigurationValue.Mismatch) {
                    root[keyPath: path] = value.isAuto ? nil : try value.integer(in: range)
                } catch {
                    throw ConfigurationValue.Mismatch(found: error.found, expected: error.expected + ", or auto")
                }
            },
            text: { $0[keyPath: path].map(String.init) ?? "auto" })
    }

    /// A seed.
    static func seed(_ key: String, _ path: any WritableKeyPath<Root, UInt64> & Sendable) -> Self {
        Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in
                root[keyPath: path] = try value.unsignedInteger()
            },
            text: { "\($0[keyPath: path])" })
    }

    /// A finite number.
    static func number(
        _ key: String, _ path: any WritableKeyPath<Root, Double> & Sendable, in range: NumberRange
    ) -> Self {
        Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in
                root[keyPath: path] = try value.number(in: range)
            },
            text: { "\($0[keyPath: path])" })
    }

    /// A finite number or `auto`, which is nil.
    static func numberOrAuto(
        _ key: String, _ path: any WritableKeyPath<Root, Double?> & Sendable, in range: NumberRange
    ) -> Self {
        Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in
                do throws(ConfigurationValue.Mismatch) {
                    root[keyPath: path] = value.isAuto ? nil : try value.number(in: range)
                } catch {
                    throw ConfigurationValue.Mismatch(found: error.found, expected: error.expected + ", or auto")
                }
            },
            text: { $0[keyPath: path].map { "\($0)" } ?? "auto" })
    }

    /// `true` or `false`.
    static func flag(_ key: String, _ path: any WritableKeyPath<Root, Bool> & Sendable) -> Self {
        Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in root[keyPath: path] = try value.flag() },
            text: { "\($0[keyPath: path])" })
    }

    /// One of an enumeration's names.
    static func choice<Choice: CaseIterable & RawRepresentable<String> & Sendable>(
        _ key: String, _ path: any WritableKeyPath<Root, Choice> & Sendable
    ) -> Self {
        let choices = Array(Choice.allCases)
        return Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in
                let name = try value.choice(among: choices.map(\.rawValue))
                if let choice = choices.first(where: { $0.rawValue == name }) { root[keyPath: path] = choice }
            },
            text: { $0[keyPath: path].rawValue })
    }

    /// A name or `none`, which is nil.
    static func nameOrNone(_ key: String, _ path: any WritableKeyPath<Root, String?> & Sendable) -> Self {
        Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in
                let name = try value.name()
                root[keyPath: path] = name == "none" ? nil : name
            },
            text: { $0[keyPath: path] ?? "none" })
    }

    /// A list of whole numbers.
    static func integers(
        _ key: String, _ path: any WritableKeyPath<Root, [Int]> & Sendable, in range: ClosedRange<Int>
    ) -> Self {
        Self(
            key: key, mayChangeOnResume: false,
            read: { (root, value) throws(ConfigurationValue.Mismatch) in
                root[keyPath: path] = try value.integers(in: range)
            },
            text: { "[" + $0[keyPath: path].map(String.init).joined(separator: ", ") + "]" })
    }
}
