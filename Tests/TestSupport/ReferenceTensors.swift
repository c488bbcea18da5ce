import QuernContainers
import QuernTensors

/// What another implementation computed: float32 arrays and token ids of a safetensors file.
package struct ReferenceTensors {
  private let fixture: SafetensorsFixture

  /// - Parameter path: below `testdata/`.
  package init(_ path: String) throws { fixture = try SafetensorsFixture(path) }

  package func floats(_ name: String) throws -> [Float] { try fixture.floats(name) }

  /// The values of a U8 array.
  package func bytes(_ name: String) throws -> [UInt8] { try fixture.bytes(name) }

  /// The values of an I64 array.
  package func integers(_ name: String) throws -> [Int] {
    let bytes = try fixture.bytes(name)
    return stride(from: 0, to: bytes.count, by: 8).map { first in
      (0..<8).reversed().reduce(0) { $0 << 8 | Int(bytes[first + $1]) }
    }
  }

  package func tokens() throws -> [UInt32] { try integers("tokens").map(UInt32.init) }
}

/// √(Σ (found − wanted)² / Σ wanted²), in float64.
package func relativeError(_ found: some Sequence<Float>, _ wanted: [Float]) -> Double {
  var (noise, signal) = (0.0, 0.0)
  for (value, right) in zip(found, wanted) {
    let difference = Double(value) - Double(right)
    noise += difference * difference
    signal += Double(right) * Double(right)
  }
  return (noise / signal).squareRoot()
}
