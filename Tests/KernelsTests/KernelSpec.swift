import Foundation
import QuernTestSupport

@testable import QuernKernels

/// `formats/ascend/kernels/spec.json`.
struct KernelSpec: Decodable {
  struct DynamicQuant: Decodable {
    let note: String
    let bits: Int
    let tokens: Int
    let x: [Float]
    let smoothScales: [Float]?
    let codes: [Int8]
    let scales: [Float]
  }
  struct Parameter: Decodable {
    let scale: Float
    let offset: Int
    let bits: String
  }
  struct Matmul: Decodable {
    let note: String
    let output: String
    let tokens: Int
    let outputs: Int
    let x: [Int8]
    let w: [Int8]
    let tokenScales: [Float]?
    let scaleKind: String
    let scales: [Float]
    let integerBias: [Int32]?
    let floatBias: [Float]?
    let out: [Float]
  }
  struct Requantize: Decodable {
    let tokens: Int
    let outputs: Int
    let x: [Int8]
    let w: [Int8]
    let scale: Float
    let offset: Int
    let out: [Int8]
  }
  struct W4A8: Decodable {
    let note: String
    let tokens: Int
    let outputs: Int
    let groups: Int
    let x: [Int8]
    let w: [Int8]
    let scales: [Float]
    let scaleBias: [Float]
    let tokenScales: [Float]
    let out: [Float]
  }
  struct SwiGLUQuant: Decodable {
    let scaling: String
    let limit: Float
    let tokens: Int
    let gate: [Float]
    let up: [Float]
    let codes: [Int8]
    let scales: [Float]
  }
  struct Fused: Decodable {
    struct Weights: Decodable {
      let w: [Int8]
      let scales: [Float]
      let scaleBias: [Float]
    }
    let bits: Int
    let limit: Float
    let tokens: Int
    let outputs: Int
    let x: [Int8]
    let tokenScales: [Float]
    let gate: Weights
    let up: Weights
    let codes: [Int8]
    let scales: [Float]
  }
  struct WeightQuant: Decodable {
    let note: String
    let type: String
    let tokens: Int
    let outputs: Int
    let x: [Float]
    let w: [Int8]
    let scales: [Float]
    let offsets: [Float]?
    let groupElements: Int?
    let bias: [Float]?
    let out: [Float]
  }

  let dynamicQuant: [DynamicQuant]
  let transQuantParam: [Parameter]
  let quantMatmul: [Matmul]
  let requantize: [Requantize]
  let w4a8: [W4A8]
  let swigluQuant: [SwiGLUQuant]
  let groupedMatmulSwigluQuant: [Fused]
  let weightQuantBatchMatmul: [WeightQuant]

  static func read() throws -> KernelSpec {
    let data = try Data(contentsOf: TestData.format("ascend/kernels/spec.json"))
    return try JSONDecoder().decode(KernelSpec.self, from: data)
  }
}

extension CodeMatrix {
  /// As many columns as the codes fill.
  init(rows: Int, codes: [Int8]) throws {
    try self.init(rows: rows, columns: codes.count / rows, codes: codes)
  }
}

extension FloatMatrix {
  init(rows: Int, values: [Float]) throws {
    try self.init(rows: rows, columns: values.count / rows, values: values)
  }
}
