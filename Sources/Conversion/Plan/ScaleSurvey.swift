import QuernCheckpoints
import QuernContainers
import QuernTensors

/// What a plan must know of the scales before it is final: whether all of a tensor's scales are
/// powers of two, and between which exponents.
///
/// FP8 scales are one in sixteen thousand bytes and always read. FP4 scales are a sixteenth of the
/// weights: they are read when all of them together are small, so that a NaN scale of a small model is
/// found before the first byte, and left to the conversion otherwise. Those of integer codes decide
/// nothing in a plan.
package struct ScaleSurvey: Sendable {
  package struct Spread: Hashable, Sendable {
    package var isPowersOfTwo = true
    /// Exponents of the scales that are not zero.
    package var minimum = Int.max
    package var maximum = Int.min

    mutating func add(_ value: Float) {
      guard value != 0 else { return }
      let exponent = Int(value.exponent)
      isPowersOfTwo = isPowersOfTwo && value.significand == 1
      minimum = min(minimum, exponent)
      maximum = max(maximum, exponent)
    }

    /// Powers of two between the smallest scale and the largest; 0 where all are zero.
    package var width: Int { minimum > maximum ? 0 : maximum - minimum }

    /// True when every scale is a power of two within these exponents.
    package func isWithin(_ exponents: ClosedRange<Int>) -> Bool {
      isPowersOfTwo
        && (minimum > maximum || exponents.contains(minimum) && exponents.contains(maximum))
    }
  }

  /// By position in the checkpoint's tensors.
  package private(set) var spreads: [Int: Spread] = [:]

  package static let fp4ByteLimit = 64 << 20

  /// - Parameter nonFinite: whether a scale that is NaN or infinite is refused; where it becomes 0 it
  ///   decides nothing.
  /// - Throws: `CheckpointError` naming the scale that is NaN or infinite.
  package init(
    _ checkpoint: Checkpoint, pool: FilePool, nonFinite: ConversionOptions.NonFinite = .refuse
  ) throws(CheckpointError) {
    let fp4ByteCount = checkpoint.tensors.reduce(0) { sum, tensor in
      tensor.encoding == .fp4 ? sum + (tensor.scale?.range.byteCount ?? 0) : sum
    }
    for (index, tensor) in checkpoint.tensors.enumerated() {
      guard let scale = tensor.scale, !tensor.encoding.isInteger else { continue }
      if tensor.encoding == .fp4, fp4ByteCount > Self.fp4ByteLimit { continue }
      spreads[index] = try Self.spread(of: scale, checkpoint, pool, nonFinite)
    }
  }

  private static func spread(
    of scale: StoredTensor, _ checkpoint: Checkpoint, _ pool: FilePool,
    _ nonFinite: ConversionOptions.NonFinite
  ) throws(CheckpointError) -> Spread {
    let path = checkpoint.files[scale.file].path
    var spread = Spread()
    let step = 4 << 20
    for start in stride(from: 0, to: scale.range.byteCount, by: step) {
      let count = min(step, scale.range.byteCount - start)
      let bytes: [UInt8]
      do throws(FileError) {
        bytes = try pool.file(at: path).bytes(
          in: ByteRange(offset: scale.range.offset + start, byteCount: count))
      } catch { throw .file(error) }
      let width = scale.elementType.bitWidth / 8
      for offset in stride(from: 0, to: count, by: width) {
        let value = bytes.withUnsafeBytes { bytes in
          width == 1
            ? E8M0.decode(bytes[offset]) : Float(bitPattern: bytes.littleEndianUInt32(at: offset))
        }
        guard value.isFinite else {
          if nonFinite == .zero { continue }
          throw .problem(
            InputProblem(
              file: path, tensor: scale.name, field: "element \((start + offset) / width)",
              found: "\(value)", expected: "a finite scale"))
        }
        spread.add(value)
      }
    }
    return spread
  }
}
