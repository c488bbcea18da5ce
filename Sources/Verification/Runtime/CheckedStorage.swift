import QuernCertificates
import QuernConversion
import QuernQuantization
import QuernTensors

/// How the values of a checked tensor are stored, whoever wrote it.
enum CheckedStorage: Hashable, Sendable {
  /// Numbers or blocks, in one stored tensor.
  case numbers(NumberFormat)
  /// Codes and scales, each in a stored tensor of its own.
  case integers(IntegerStorage)

  init(_ storage: TensorStorage) {
    switch storage {
    case .numbers(let format): self = .numbers(format)
    case .integers(let format): self = .integers(format.storage)
    }
  }

  var rowGranule: Int {
    if case .integers(let storage) = self { storage.rowGranule } else { 1 }
  }

  /// Larger matrices than this are none; their bytes could not be counted.
  private static let maximumElementCount = 1 << 48

  /// Storage and parts as a certificate's row describes them; nil where its type is unknown or its
  /// numbers contradict each other.
  static func described(by row: CertificateRow, target: String) -> (CheckedStorage, [CheckedPart])?
  {
    let shape = Shape(row.shape)
    if let format = NumberFormat(rawValue: row.type) {
      guard row.stored.isEmpty, let count = shape.checkedElementCount,
        format.divides(rowLength: shape.rowLength),
        format.byteCount(elements: count) == row.byteCount
      else { return nil }
      return (
        .numbers(format), [.numbers(format, shape, file: row.file, offset: row.offset)]
      )
    }
    guard let runtime = IntegerFormat.Runtime(rawValue: target),
      let format = IntegerFormat(row.type, for: runtime), shape.rank == 2,
      shape.checkedElementCount.map({ $0 <= maximumElementCount }) ?? false
    else { return nil }
    let matrix = StoredMatrix(storage: format.storage, shape: shape)
    var parts: [CheckedPart] = []
    for stored in row.stored {
      guard let type = ElementType(rawValue: stored.type),
        let part = matrix.part(named: stored.name, type, Shape(stored.shape)),
        part.byteCount == stored.byteCount
      else { return nil }
      parts.append(CheckedPart(part, file: stored.file, offset: stored.offset))
    }
    guard parts.first?.stored.content == .codes else { return nil }
    return (.integers(format.storage), parts)
  }
}
