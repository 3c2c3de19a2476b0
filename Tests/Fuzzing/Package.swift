// swift-tools-version: 6.2
import PackageDescription

// Its own package, because the sanitizers' flags must reach every target: `make fuzz` runs it.
let package = Package(
    name: "Fuzzing",
    dependencies: [
        .package(name: "crux", path: "../.."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .executableTarget(
            name: "Fuzzer",
            dependencies: [
                .product(name: "Analysis", package: "crux"),
                .product(name: "CheckpointFormat", package: "crux"),
                .product(name: "CheckpointInterop", package: "crux"),
                .product(name: "Codecs", package: "crux"),
                .product(name: "Integrity", package: "crux"),
                .product(name: "LanguageModel", package: "crux"),
                .product(name: "TensorCore", package: "crux"),
                .product(name: "Training", package: "crux"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)])
    ]
)
