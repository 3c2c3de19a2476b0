// swift-tools-version: 6.2
import PackageDescription

// A package that uses Crux as a library. In your own, depend on the repository's URL instead of a path.
let package = Package(
    name: "example",
    dependencies: [
        .package(name: "crux", path: "../.."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .executableTarget(
            name: "example",
            dependencies: [
                .product(name: "CheckpointFormat", package: "crux"),
                .product(name: "CheckpointInterop", package: "crux"),
                .product(name: "SystemPackage", package: "swift-system"),
            ])
    ]
)
