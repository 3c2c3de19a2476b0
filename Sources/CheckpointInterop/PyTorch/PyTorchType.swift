internal import TensorCore

/// A type of PyTorch's tensors.
struct PyTorchType: Hashable, Sendable {
    /// PyTorch's name, for example `bfloat16`.
    let name: String
    /// The size of an element in bytes.
    let byteCount: Int
    /// The type here; nil for one that is none of ours.
    let dtype: DType?

    /// The type of `torch.<name>`, or nil where that is none.
    init?(torchName name: String) {
        guard let known = Self.types[name] else { return nil }
        self.name = name
        (byteCount, dtype) = known
    }

    /// The type of a storage's class, for example `FloatStorage`; nil where it says nothing of the type.
    init?(storageClass name: String) {
        guard name.hasSuffix("Storage"), let torchName = Self.storages[String(name.dropLast(7))] else { return nil }
        self.init(torchName: torchName)
    }

    private static let storages = [
        "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
        "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
        "ComplexFloat": "complex64", "ComplexDouble": "complex128", "QInt8": "qint8", "QUInt8": "quint8",
        "QInt32": "qint32",
    ]

    private static let types: [String: (Int, DType?)] = [
        "float32": (4, .f32), "float": (4, .f32), "float64": (8, .f64), "double": (8, .f64), "float16": (2, .f16),
        "half": (2, .f16), "bfloat16": (2, .bf16), "int64": (8, .i64), "long": (8, .i64), "int32": (4, .i32),
        "int": (4, .i32), "int16": (2, .i16), "short": (2, .i16), "int8": (1, .i8), "uint8": (1, .u8),
        "uint16": (2, .u16), "uint32": (4, .u32), "uint64": (8, .u64), "bool": (1, .bool), "complex64": (8, .c64),
        "float8_e4m3fn": (1, .f8e4m3), "float8_e5m2": (1, .f8e5m2), "float8_e4m3fnuz": (1, .f8e4m3fnuz),
        "float8_e5m2fnuz": (1, .f8e5m2fnuz), "float8_e8m0fnu": (1, .f8e8m0), "float4_e2m1fn_x2": (1, .f4),
        "complex128": (16, nil), "complex32": (4, nil), "qint8": (1, nil), "quint8": (1, nil), "qint32": (4, nil),
    ]
}
