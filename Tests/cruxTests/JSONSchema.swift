import Foundation

/// As much of JSON Schema (2020-12) as the files of `spec/json` use; an unknown keyword is a mistake of the schema.
///
/// Stricter than the standard in one point: a field that the schema does not list is a problem, so that no command writes
/// what the schema is silent on.
struct JSONSchema {
    private let root: [String: Any]

    /// Reads a schema.
    init(_ text: String) throws {
        guard let root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw CocoaError(.propertyListReadCorrupt)
        }
        self.root = root
    }

    /// What is wrong with a value, a line each, with the path to it; empty where it is valid.
    func problems(in value: Any) -> [String] { problems(value, root, "$") }

    private static let annotations: Set<String> = ["$schema", "$id", "$defs", "title", "description", "examples"]

    private func problems(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
        var found: [String] = []
        for (keyword, rule) in schema where !Self.annotations.contains(keyword) {
            switch (keyword, rule) {
            case ("$ref", let name as String):
                guard name.hasPrefix("#/$defs/"), let definitions = root["$defs"] as? [String: Any],
                    let definition = definitions[String(name.dropFirst("#/$defs/".count))] as? [String: Any]
                else {
                    found.append("\(path): the schema refers to \(name), which is not there")
                    continue
                }
                found += problems(value, definition, path)
            case ("type", let type):
                let types = (type as? [String]) ?? [type as? String ?? "?"]
                if !types.contains(where: { Self.isOf($0, value) }) {
                    found.append("\(path): found \(value), expected \(types.joined(separator: " or "))")
                }
            case ("required", let names as [String]):
                guard let object = value as? [String: Any] else { continue }
                for name in names where object[name] == nil { found.append("\(path): '\(name)' is missing") }
            case ("properties", let properties as [String: Any]):
                guard let object = value as? [String: Any] else { continue }
                for name in object.keys.sorted() where properties[name] == nil {
                    found.append("\(path): the schema does not list '\(name)'")
                }
                for (name, inner) in properties {
                    guard let member = object[name], let inner = inner as? [String: Any] else { continue }
                    found += problems(member, inner, "\(path).\(name)")
                }
            case ("additionalProperties", let inner as [String: Any]):
                for (name, member) in (value as? [String: Any] ?? [:]).sorted(by: { $0.key < $1.key }) {
                    found += problems(member, inner, "\(path).\(name)")
                }
            case ("items", let inner as [String: Any]):
                for (index, item) in (value as? [Any] ?? []).enumerated() {
                    found += problems(item, inner, "\(path)[\(index)]")
                }
            case ("enum", let values as [String]):
                if !values.contains(value as? String ?? "") {
                    found.append("\(path): found \(value), expected one of \(values.joined(separator: ", "))")
                }
            case ("const", let constant as Int):
                if (value as? Int) != constant { found.append("\(path): found \(value), expected \(constant)") }
            case ("anyOf", let choices as [[String: Any]]):
                if choices.allSatisfy({ !problems(value, $0, path).isEmpty }) {
                    found.append("\(path): \(value) is none of what may stand here")
                }
            default: found.append("\(path): the schema's keyword '\(keyword)' is not known to this test")
            }
        }
        return found
    }

    private static func isOf(_ type: String, _ value: Any) -> Bool {
        // JSONSerialization has one class for numbers and for booleans.
        let number = value as? NSNumber
        let isBoolean = number.map(Self.isBoolean) ?? false
        switch type {
        case "object": return value is [String: Any]
        case "array": return value is [Any]
        case "string": return value is String
        case "null": return value is NSNull
        case "boolean": return isBoolean
        case "integer": return number.map { !isBoolean && $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "number": return number != nil && !isBoolean
        default: return false
        }
    }

    private static func isBoolean(_ number: NSNumber) -> Bool {
        let type = unsafe String(cString: number.objCType)
        return type == "c" || type == "B"
    }
}
