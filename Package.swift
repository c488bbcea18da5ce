// swift-tools-version: 6.2
import PackageDescription

/// A room may import only rooms above it in this list; the compiler keeps the direction.
let formatTables: [Resource] = [
  .embedInCode("types.json"),
  .embedInCode("pre-tokenizers.json"),
  .embedInCode("canonical-decompositions.json"),
  .embedInCode("texts/parity.txt"),
  .embedInCode("architectures/llama.json"),
  .embedInCode("architectures/qwen2.json"),
  .embedInCode("architectures/qwen3.json"),
  .embedInCode("architectures/qwen2moe.json"),
  .embedInCode("architectures/qwen3moe.json"),
  .embedInCode("architectures/mixtral.json"),
  .embedInCode("architectures/deepseek3.json"),
  .embedInCode("architectures/deepseek4.json"),
  .embedInCode("recipes/gguf-source.json5"),
  .embedInCode("recipes/gguf-q8_0.json5"),
  .embedInCode("recipes/gguf-q4_0.json5"),
  .embedInCode("recipes/gguf-q4_k_m.json5"),
  .embedInCode("recipes/gguf-q4_k_s.json5"),
  .embedInCode("recipes/gguf-q5_k_m.json5"),
  .embedInCode("recipes/gguf-q6_k.json5"),
  .embedInCode("recipes/gguf-iq4_xs.json5"),
  .embedInCode("recipes/gguf-iq4_nl.json5"),
  .embedInCode("recipes/gguf-nvfp4.json5"),
  .embedInCode("recipes/gguf-v4-int8.json5"),
  .embedInCode("recipes/gguf-v4-int4.json5"),
  .embedInCode("recipes/ascend-w8a8.json5"),
  .embedInCode("recipes/ascend-w4a8.json5"),
  .embedInCode("recipes/compressed-tensors-w8a8.json5"),
  .embedInCode("recipes/compressed-tensors-w4a16.json5"),
  .embedInCode("recipes/compressed-tensors-w8a16.json5"),
]

let swiftSettings: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let cSettings: [CSetting] = [.treatAllWarnings(as: .error)]

/// The C kernels and the rooms with loops over elements are optimised in debug builds too:
/// the tests decode whole checkpoints, and unoptimised loops are twenty times slower.
let optimisedC: [CSetting] = cSettings + [.unsafeFlags(["-O2"], .when(configuration: .debug))]
let optimisedSwift: [SwiftSetting] =
  swiftSettings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

func room(_ name: String, folder: String, _ dependencies: [String], optimised: Bool = false)
  -> Target
{
  .target(
    name: name, dependencies: dependencies.map { .init(stringLiteral: $0) },
    path: "Sources/\(folder)",
    swiftSettings: optimised ? optimisedSwift : swiftSettings)
}

func tests(_ folder: String, _ dependencies: [String]) -> Target {
  .testTarget(
    name: "Quern\(folder)Tests",
    dependencies: (dependencies + ["QuernTestSupport"]).map { .init(stringLiteral: $0) },
    path: "Tests/\(folder)Tests", swiftSettings: swiftSettings)
}

let package = Package(
  name: "quern",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "quern", targets: ["QuernCommand"]),
    .library(name: "Quern", targets: ["Quern"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .target(
      name: "QuernFormats", path: "formats",
      exclude: [
        "README.md", "blocks", "integer-groups", "numbers", "hashing", "containers/safetensors",
        "containers/gguf",
        "containers/json", "containers/npy", "tokenizers", "texts/README.md", "calibration",
        "certificate", "layouts",
        "ascend", "compressed-tensors", "rotation", "products",
        "architectures/README.md",
      ],
      sources: ["Formats.swift"], resources: formatTables, swiftSettings: swiftSettings),
    .target(name: "CKernels", path: "Sources/CKernels", cSettings: optimisedC),
    .target(name: "CPlatform", path: "Sources/CPlatform", cSettings: cSettings),
    room("QuernTensors", folder: "Tensors", ["CKernels"], optimised: true),
    room(
      "QuernQuantization", folder: "Quantization", ["CKernels", "QuernTensors"], optimised: true),
    room("QuernLayouts", folder: "Layouts", ["CKernels", "QuernTensors"], optimised: true),
    room(
      "QuernContainers", folder: "Containers",
      ["CKernels", "CPlatform", "QuernFormats", "QuernTensors"],
      optimised: true),
    room(
      "QuernKernels", folder: "Kernels",
      ["CKernels", "QuernTensors", "QuernQuantization", "QuernLayouts"], optimised: true),
    room(
      "QuernCheckpoints", folder: "Checkpoints",
      ["QuernFormats", "QuernTensors", "QuernQuantization", "QuernLayouts", "QuernContainers"],
      optimised: true),
    room(
      "QuernModels", folder: "Models",
      [
        "CKernels", "QuernFormats", "QuernTensors", "QuernQuantization", "QuernLayouts",
        "QuernContainers", "QuernKernels", "QuernCheckpoints",
      ], optimised: true),
    room(
      "QuernCertificates", folder: "Certificates",
      ["CKernels", "QuernTensors", "QuernQuantization", "QuernContainers"]),
    room(
      "QuernConversion", folder: "Conversion",
      [
        "CKernels", "QuernTensors", "QuernQuantization", "QuernLayouts", "QuernContainers",
        "QuernCheckpoints", "QuernCertificates", "QuernFormats",
      ]),
    room(
      "QuernVerification", folder: "Verification",
      [
        "QuernTensors", "QuernQuantization", "QuernLayouts", "QuernContainers", "QuernCheckpoints",
        "QuernKernels", "QuernModels",
        "QuernCertificates", "QuernConversion",
      ], optimised: true),
    room(
      "Quern", folder: "Quern",
      [
        "QuernTensors", "QuernQuantization", "QuernContainers", "QuernCheckpoints",
        "QuernCertificates", "QuernConversion", "QuernVerification",
      ]),
    .executableTarget(
      name: "QuernCommand",
      dependencies: [
        "CKernels", "CPlatform", "Quern", "QuernTensors", "QuernQuantization",
        "QuernContainers",
        "QuernCheckpoints",
        "QuernCertificates", "QuernConversion", "QuernVerification", "QuernModels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/QuernCommand", swiftSettings: swiftSettings),
    .executableTarget(
      name: "TokenizeTexts", dependencies: ["QuernCheckpoints", "QuernContainers"],
      path: "Tests/Interop/Tokenize", swiftSettings: swiftSettings),
    .target(
      name: "QuernTestSupport",
      dependencies: ["QuernTensors", "QuernContainers"],
      path: "Tests/TestSupport", swiftSettings: optimisedSwift),
    tests("CKernels", ["CKernels", "QuernTensors", "QuernQuantization"]),
    tests("Tensors", ["QuernTensors"]),
    tests("Quantization", ["CKernels", "QuernTensors", "QuernQuantization"]),
    tests("Layouts", ["QuernLayouts", "QuernTensors"]),
    tests(
      "Kernels",
      ["QuernKernels", "QuernLayouts", "QuernQuantization", "QuernTensors", "CKernels"]),
    tests("Containers", ["QuernContainers", "QuernTensors", "QuernFormats"]),
    tests(
      "Checkpoints",
      ["QuernCheckpoints", "QuernContainers", "QuernTensors", "QuernQuantization", "QuernFormats"]),
    tests(
      "Models",
      [
        "QuernModels", "QuernCheckpoints", "QuernContainers", "QuernKernels", "QuernQuantization",
        "QuernTensors", "CKernels",
      ]),
    tests("Certificates", ["QuernCertificates", "QuernContainers", "QuernTensors", "CKernels"]),
    tests(
      "Conversion",
      [
        "QuernConversion", "QuernCheckpoints", "QuernContainers", "QuernTensors",
        "QuernQuantization", "QuernCertificates", "CKernels",
      ]),
    tests(
      "Verification",
      [
        "QuernVerification", "QuernConversion", "QuernCheckpoints", "QuernContainers",
        "QuernModels", "QuernTensors", "QuernQuantization", "QuernCertificates", "CKernels",
      ]),
    tests("Command", ["Quern", "QuernContainers", "QuernTensors", "QuernCommand"]),
  ],
  swiftLanguageModes: [.v6]
)
