// swift-tools-version: 6.0
import Foundation
import PackageDescription

// On Apple's systems the library comes as an XCFramework (scripts/xcframework builds it); elsewhere,
// for the tests, from a folder with libfieldfare.
let libraryDirectory = ProcessInfo.processInfo.environment["FIELDFARE_LIBRARY_DIR"]

let ffi: Target
let settings: [LinkerSetting]
if let libraryDirectory {
    ffi = .target(name: "FieldfareFFI", path: "Sources/FieldfareFFI")
    settings = [
        .unsafeFlags(["-L", libraryDirectory, "-Xlinker", "-rpath", "-Xlinker", libraryDirectory]),
        .linkedLibrary("fieldfare"),
    ]
} else {
    ffi = .binaryTarget(name: "FieldfareFFI", path: "Fieldfare.xcframework")
    settings = [.linkedFramework("Security"), .linkedFramework("SystemConfiguration")]
}

let package = Package(
    name: "Fieldfare",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Fieldfare", targets: ["Fieldfare"])],
    targets: [
        ffi,
        .target(name: "Fieldfare", dependencies: ["FieldfareFFI"], linkerSettings: settings),
        .testTarget(name: "FieldfareTests", dependencies: ["Fieldfare"]),
        .executableTarget(
            name: "CallCost", dependencies: ["Fieldfare"], path: "Benchmarks/CallCost"),
    ],
    swiftLanguageModes: [.v6]
)
