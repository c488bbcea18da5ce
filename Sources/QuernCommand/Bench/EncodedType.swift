import QuernQuantization

/// What `bench encode` encodes to.
enum EncodedType: Hashable {
  case blocks(NumberFormat)
  case integers(IntegerRows)

  static let all: [EncodedType] =
    NumberFormat.allCases.filter { $0.blockElements > 1 }.map(EncodedType.blocks)
    + IntegerRows.all.map(EncodedType.integers)

  /// As `--type` takes it.
  var name: String {
    switch self {
    case .blocks(let format): format.rawValue
    case .integers(let rows): rows.name
    }
  }

  /// As JSON and files have it.
  var listedName: String {
    switch self {
    case .blocks(let format): format.ggmlName
    case .integers(let rows): rows.name
    }
  }

  var bitsPerWeight: Double {
    switch self {
    case .blocks(let format): format.bitsPerElement
    case .integers(let rows): rows.bitsPerWeight
    }
  }
}

/// Integers with scales in a tensor of their own, numbers of BF16.
struct IntegerRows: Hashable {
  let name: String
  let storage: IntegerStorage

  static let all: [IntegerRows] = [
    .init(name: "int8-row", storage: .init(bits: .eight, packing: .bytes)),
    .init(name: "int8-g128", storage: .init(bits: .eight, groupElements: 128, packing: .words)),
    .init(name: "int4-row", storage: .init(bits: .four, packing: .rowPairs)),
    .init(name: "int4-g128", storage: .init(bits: .four, groupElements: 128, packing: .words)),
    .init(name: "int4-g32", storage: .init(bits: .four, groupElements: 32, packing: .words)),
  ]

  var groupsPerRow: Int { storage.groupsPerRow(rowLength: EncodingSignal.rowLength) }

  /// With scales of 16 bits.
  var bitsPerWeight: Double {
    Double(storage.bits.rawValue) + 16 * Double(groupsPerRow) / Double(EncodingSignal.rowLength)
  }
}
