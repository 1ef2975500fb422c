// swift-tools-version: 6.0
import PackageDescription

// What the app is made of. The app itself, which is little more than its entry point, is in App and
// built by Xcode (project.yml).
let package = Package(
    name: "FieldfareDemo",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "DemoModels", targets: ["DemoModels"]),
        .library(name: "DemoDevice", targets: ["DemoDevice"]),
        .library(name: "DemoScreens", targets: ["DemoScreens"]),
    ],
    dependencies: [.package(path: "../bindings/swift")],
    targets: [
        .target(name: "DemoModels", dependencies: [.product(name: "Fieldfare", package: "swift")]),
        .target(name: "DemoDevice", dependencies: ["DemoModels"]),
        .target(name: "DemoScreens", dependencies: ["DemoModels"]),
        .testTarget(
            name: "DemoTests",
            dependencies: [
                "DemoModels", "DemoDevice", "DemoScreens", .product(name: "Fieldfare", package: "swift"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
