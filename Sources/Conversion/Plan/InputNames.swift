import QuernCheckpoints

/// Where the statistics of a runtime's tensors stand, which are named and stacked as in GGUF: by the
/// source rows that both are made of. Reordered rows have the same inputs.
struct InputNames: Sendable {
  /// Parts of the statistics of a tensor of GGUF.
  struct Place: Equatable, Sendable {
    let name: String
    /// The experts that a tensor of the runtime has: one, or all.
    let parts: Range<Int>
    let partCount: Int
  }

  private var places: [String: Place] = [:]

  init() {}

  /// Joined columns have no place: each source has some of the inputs only.
  init(of tensors: [RuntimeTensor], by canonical: [MappedTensor]) {
    var bySource: [SourceRows: Place] = [:]
    for tensor in canonical where !tensor.isDraft {
      switch tensor.expression {
      case .copy(let rows), .permuteHeads(let rows, _):
        bySource[rows] = Place(name: tensor.name, parts: 0..<1, partCount: 1)
      case .stack(let parts):
        for (part, rows) in parts.enumerated() {
          bySource[rows] = Place(
            name: tensor.name, parts: part..<part + 1, partCount: parts.count)
        }
      default: break
      }
    }
    for tensor in tensors {
      guard case .copy(let rows) = tensor.expression else { continue }
      places[tensor.name] = bySource[rows]
    }
  }

  subscript(name: String) -> Place? { places[name] }

  /// The names of GGUF that have tensors here.
  var all: Set<String> { Set(places.values.map(\.name)) }
}
