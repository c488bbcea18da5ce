import Foundation
import QuernTestSupport
import QuernTensors
import Testing

@testable import QuernQuantization

/// Rows as groups of integers.
@Suite struct IntegerGroupTests {
  /// `formats/integer-groups/spec.json`.
  private struct Spec: Decodable {
    struct Example: Decodable {
      let note: String
      let bits: Int
      let group: Int
      let scaleType: String
      let values: [Float]
      let codes: [Int8]
      let scales: [Float]
      let zeroPoints: [Int8]
      let decoded: [Float]
    }
    struct Packing: Decodable {
      let codes: [Int8]
      let bytes: String
    }
    let absmax: [Example]
    let packing: Packing
  }

  private static func spec() throws -> Spec {
    let data = try Data(contentsOf: TestData.format("integer-groups/spec.json"))
    return try JSONDecoder().decode(Spec.self, from: data)
  }

  static let layouts: [IntegerGroupLayout] = [
    .init(bits: .eight, groupElements: 4096, scaleType: .f32),
    .init(bits: .eight, groupElements: 128, scaleType: .bf16),
    .init(bits: .eight, groupElements: 32, scaleType: .f16),
    .init(bits: .eight, groupElements: 128, scaleType: .f32, hasZeroPoints: true),
    .init(bits: .four, groupElements: 4096, scaleType: .f32),
    .init(bits: .four, groupElements: 128, scaleType: .f16, allowsNegativeScales: true),
    .init(bits: .four, groupElements: 64, scaleType: .bf16),
    .init(bits: .four, groupElements: 32, scaleType: .f32, allowsNegativeScales: true),
    .init(bits: .four, groupElements: 128, scaleType: .f16, hasZeroPoints: true),
    .init(bits: .four, groupElements: 32, scaleType: .bf16, hasZeroPoints: true),
  ]

  /// What the optimal encoding of Gaussian rows keeps at least, in decibels, in the order of layouts.
  static let decibels: [Double] = [41.2, 43.9, 46.4, 44.8, 19.1, 20.1, 20.3, 21.7, 20.3, 22.1]

  private func gaussian(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float(0.02 * WeightedRows.gaussian(&generator)) }
  }

  private func noise(_ values: [Float], _ output: [Float], _ weights: [Float]? = nil) -> Double {
    values.indices.reduce(0) { sum, index in
      let error = Double(values[index]) - Double(output[index])
      return sum + Double(weights?[index] ?? 1) * error * error
    }
  }

  @Test("the examples run, at every level", arguments: RowKernels.available)
  func examples(level: RowKernels) throws {
    for example in try Self.spec().absmax {
      let layout = IntegerGroupLayout(
        bits: try #require(.init(rawValue: example.bits)), groupElements: example.group,
        scaleType: try #require(.init(rawValue: example.scaleType)),
        hasZeroPoints: !example.zeroPoints.isEmpty)
      let groups = try IntegerGroups(example.values, layout, .absmax, nil, level)
      #expect(groups.codes == example.codes, "\(example.note)")
      #expect(groups.scales == example.scales, "\(example.note)")
      #expect(groups.zeroPoints == example.zeroPoints, "\(example.note)")
      #expect(groups.decoded() == example.decoded, "\(example.note)")
    }
  }

  @Test("codes of four bits are packed, the first in the low half")
  func packing() throws {
    let packing = try Self.spec().packing
    let bytes = try #require(IntegerGroups.packed(packing.codes))
    #expect(hexadecimal(bytes) == packing.bytes)
    #expect(IntegerGroups.unpacked(bytes) == packing.codes)
    #expect(IntegerGroups.packed([1]) == nil)
    #expect(IntegerGroups.packed([8, 0]) == nil)
  }

  @Test("levels agree", arguments: RowKernels.available, layouts)
  func levels(level: RowKernels, layout: IntegerGroupLayout) throws {
    let rows = WeightedRows(blocks: 256, seed: 41)
    for method in IntegerGroups.Method.allCases {
      for weights in [nil, rows.weights] {
        let found = try? IntegerGroups(rows.values, layout, method, weights, level)
        let expected = try? IntegerGroups(rows.values, layout, method, weights, .scalar)
        #expect(found == expected)
        #expect(found != nil)
      }
    }
  }

  @Test("Gaussian rows keep what was measured", arguments: zip(layouts, decibels))
  func quality(layout: IntegerGroupLayout, least: Double) throws {
    let values = gaussian(16 * 4096, seed: 42)
    let groups = try IntegerGroups(encoding: values, as: layout, by: .optimal)
    let signal = values.reduce(0) { $0 + Double($1) * Double($1) }
    let decibels = 10 * log10(signal / noise(values, try #require(groups.decoded())))
    #expect(decibels >= least)
  }

  @Test("optimal is no worse than absmax, with weights too", arguments: layouts)
  func neverWorse(layout: IntegerGroupLayout) throws {
    let rows = WeightedRows(blocks: 1280, seed: 43)
    for weights in [nil, rows.weights] {
      let absmax = try IntegerGroups(encoding: rows.values, as: layout, by: .absmax)
      let optimal = try IntegerGroups(
        encoding: rows.values, as: layout, by: .optimal, weights: weights)
      let best = noise(rows.values, try #require(optimal.decoded()), weights)
      #expect(best <= noise(rows.values, try #require(absmax.decoded()), weights) * (1 + 1e-6))
    }
  }

  @Test("no BF16 scale is better for four bits", arguments: [false, true])
  func exactness(allowsNegative: Bool) throws {
    let scales: [Float] = (0...0x7DFF).map { Float(bitPattern: UInt32($0) << 16) }
    let judge = ScaleJudge(
      values: Array(-8...7), scales: allowsNegative ? scales + scales.map { -$0 } : scales)
    let layout = IntegerGroupLayout(
      bits: .four, groupElements: 64, scaleType: .bf16, allowsNegativeScales: allowsNegative)
    let rows = WeightedRows(blocks: 400, seed: 44)
    let groups = try IntegerGroups(
      encoding: rows.values, as: layout, by: .optimal, weights: rows.weights)
    let output = try #require(groups.decoded())
    for start in stride(from: 0, to: output.count, by: 64) {
      let range = start..<start + 64
      let found = noise(
        Array(rows.values[range]), Array(output[range]), Array(rows.weights[range]))
      let least = judge.leastError(rows.values[range], weights: rows.weights[range])
      #expect(found <= least * (1 + 2e-6), "group at \(start)")
    }
  }

  @Test("what does not fit is refused")
  func refusals() {
    let layout = IntegerGroupLayout(bits: .eight, groupElements: 32, scaleType: .f16)
    func encode(_ values: [Float], _ weights: [Float]? = nil) throws(IntegerGroupError) {
      _ = try IntegerGroups(encoding: values, as: layout, by: .optimal, weights: weights)
    }
    var values = [Float](repeating: 1, count: 64)
    #expect(throws: IntegerGroupError.elementCount(found: 31, multipleOf: 32)) {
      try encode([Float](repeating: 1, count: 31))
    }
    #expect(throws: IntegerGroupError.weightCount(found: 2, expected: 64)) {
      try encode(values, [1, 1])
    }
    #expect(throws: IntegerGroupError.badWeight(index: 0)) {
      try encode(values, [Float](repeating: -1, count: 64))
    }
    values[40] = 1e38
    #expect(throws: IntegerGroupError.scaleOverflow(type: .f16, group: 1)) { try encode(values) }
    values[40] = .nan
    #expect(throws: IntegerGroupError.nonFinite(index: 40)) { try encode(values) }
  }
}
