// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is compiled under the same strict rules.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

extension Target {
    /// A library of the project: the folder Sources/<name>.
    static func library(_ name: String, _ dependencies: [Dependency] = []) -> Target {
        .target(name: name, dependencies: dependencies, swiftSettings: strict)
    }

    /// The tests of one target: the folder Tests/<name>Tests.
    static func tests(of name: String, _ dependencies: [Dependency] = []) -> Target {
        .testTarget(
            name: "\(name)Tests",
            dependencies: [
                .byName(name: name), "TestSupport", .product(name: "SystemPackage", package: "swift-system"),
            ] + dependencies,
            swiftSettings: strict)
    }
}

let package = Package(
    name: "crux",
    products: [
        .executable(name: "crux", targets: ["crux"]),
        .library(name: "TensorCore", targets: ["TensorCore"]),
        .library(name: "Codecs", targets: ["Codecs"]),
        .library(name: "CheckpointFormat", targets: ["CheckpointFormat"]),
        .library(name: "CheckpointInterop", targets: ["CheckpointInterop"]),
        .library(name: "LanguageModel", targets: ["LanguageModel"]),
        .library(name: "Training", targets: ["Training"]),
        .library(name: "Analysis", targets: ["Analysis"]),
        .library(name: "Integrity", targets: ["Integrity"]),
    ],
    dependencies: [
        // The command line; only the executable may import it.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // File descriptors and errno as Swift values.
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        // OrderedDictionary: metadata and tensors keep their order.
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        // The HTML report's template.
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        // Configuration files.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // Ed25519 and SHA-256: signatures are nothing to write oneself.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        // Runs the built command line in the tests.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),

        // The house, in the one direction of dependency.
        // XXH3 comes from its header, compiled for more than one CPU level.
        .target(name: "CKernels", dependencies: ["CXXHash"]),
        .target(name: "CFiles"),
        .library("TensorCore"),
        .library("Codecs", ["CKernels", "CZstd", "CXXHash", "TensorCore"]),
        .library(
            "CheckpointFormat",
            [
                "CFiles", "TensorCore", "Codecs",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .library(
            "CheckpointInterop",
            [
                "CheckpointFormat", "Codecs", "TensorCore",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .library("Kernels", ["COneDNN", "CKernels"]),
        .library(
            "LanguageModel",
            [
                "Kernels", "CheckpointFormat", "TensorCore",
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .library("Tasks", ["LanguageModel"]),
        .library(
            "Training",
            [
                "Tasks", "LanguageModel", "Kernels", "CheckpointFormat", "Codecs", "TensorCore",
                .product(name: "Yams", package: "Yams"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .library(
            "Analysis",
            [
                "CheckpointInterop", "CheckpointFormat", "CKernels", "Codecs", "Kernels", "LanguageModel", "Tasks",
                "TensorCore",
                .product(name: "Yams", package: "Yams"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        // Many runs and their statistics: plain values out, as Analysis.
        .library(
            "Experiments",
            [
                "Analysis", "CheckpointFormat", "CheckpointInterop", "Codecs", "Kernels", "LanguageModel", "Tasks",
                "TensorCore", "Training",
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        // What a pipeline asks of a checkpoint: signatures, manifests.
        .library(
            "Integrity",
            [
                "CheckpointFormat", "CheckpointInterop", "Codecs", "TensorCore",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        // Verdicts on checkpoints: verification, and policies of declared rules.
        .library(
            "Gates",
            [
                "Analysis", "CheckpointFormat", "CheckpointInterop", "Codecs", "Integrity", "Kernels", "LanguageModel",
                "Rendering", "Tasks", "TensorCore", "Training",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .library("Rendering", [.product(name: "Mustache", package: "swift-mustache")]),
        .executableTarget(
            name: "crux",
            dependencies: [
                "Analysis", "CheckpointFormat", "CheckpointInterop", "Codecs", "Experiments", "Gates", "Integrity",
                "Kernels", "LanguageModel", "Rendering", "Tasks", "TensorCore", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: [
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/TestSupport",
            swiftSettings: strict),
        .tests(of: "TensorCore"),
        .tests(of: "Codecs", ["TensorCore"]),
        .tests(
            of: "CheckpointFormat",
            ["Codecs", "TensorCore", .product(name: "OrderedCollections", package: "swift-collections")]),
        .tests(
            of: "CheckpointInterop",
            [
                "CheckpointFormat", "Codecs", "TensorCore",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .tests(
            of: "Integrity",
            [
                "CheckpointFormat", "CheckpointInterop", "Codecs", "TensorCore",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .tests(of: "Gates"),
        .tests(of: "Kernels"),
        .tests(
            of: "LanguageModel",
            [
                "CheckpointFormat", "CheckpointInterop", "Kernels", "TensorCore",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .tests(of: "Tasks", ["LanguageModel"]),
        .tests(
            of: "Training",
            [
                "CheckpointFormat", "CheckpointInterop", "Codecs", "Kernels", "LanguageModel", "Tasks", "TensorCore",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .tests(
            of: "Analysis",
            [
                "CheckpointFormat", "CheckpointInterop", "Codecs", "Kernels", "LanguageModel", "Tasks", "TensorCore",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .tests(
            of: "Experiments", ["Analysis", "CheckpointFormat", "CheckpointInterop", "Kernels", "Tasks", "Training"]),
        .tests(of: "Rendering"),
        .testTarget(
            name: "cruxTests",
            dependencies: [
                "crux", "TestSupport", "CheckpointFormat", "CheckpointInterop", "Codecs", "Kernels", "LanguageModel",
                "Rendering", "Tasks", "TensorCore", .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
    ]
)
