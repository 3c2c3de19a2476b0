package import OrderedCollections

/// The JSON text of `model.safetensors.index.json` or `pytorch_model.bin.index.json`: which file holds which tensor.
package struct ShardIndex {
    /// Tensor name → file name, in the order of the text. Every file name is a plain name in the index's
    /// own folder.
    package let fileByTensor: OrderedDictionary<String, String>

    /// The files, each once, in the order of their first tensor.
    package var files: [String] { Array(OrderedSet(fileByTensor.values)) }

    /// Reads the text. Fields other than `weight_map` are only checked to be JSON.
    ///
    /// - Throws: ``JSONScanner/Failure`` also for a file name that is not a plain name.
    package init(json: [UInt8]) throws(JSONScanner.Failure) {
        var scanner = JSONScanner(json)
        var fileByTensor: OrderedDictionary<String, String>?
        try scanner.object { (scanner, key, _) throws(JSONScanner.Failure) in
            guard key == "weight_map" else { return try scanner.skipValue() }
            var map: OrderedDictionary<String, String> = [:]
            try scanner.object { (scanner, tensor, offset) throws(JSONScanner.Failure) in
                let file = try scanner.string()
                guard Self.isPlainName(file) else {
                    throw JSONScanner.Failure(
                        offset: offset,
                        found: "the file \(file.debugDescription) for tensor \(tensor.debugDescription)",
                        expected: "a file in the index's own folder")
                }
                map[tensor] = file
            }
            fileByTensor = map
        }
        try scanner.end()
        guard let fileByTensor else {
            throw JSONScanner.Failure(offset: 0, found: "no weight_map", expected: "weight_map")
        }
        self.fileByTensor = fileByTensor
    }

    private static func isPlainName(_ file: String) -> Bool {
        // Bytes, not characters: a slash with a combining mark after it is another character.
        let separators = Array("/\\\0".utf8)
        return !file.isEmpty && file != "." && file != ".." && !file.utf8.contains { separators.contains($0) }
    }
}
