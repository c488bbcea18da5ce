/// The routed experts of a layer: Σ over the chosen of weight · down(silu(gate x) · up x).
package struct ExpertLayer: Sendable {
  /// Names of the stacks.
  let gate: String
  let up: String
  let down: String
  /// Where SwiGLU clamps its inputs; nil where it does not.
  let limit: Float?

  package init(prefix: String, limit: Float? = nil) {
    gate = prefix + "ffn_gate_exps.weight"
    up = prefix + "ffn_up_exps.weight"
    down = prefix + "ffn_down_exps.weight"
    self.limit = limit
  }

  /// Outputs of the experts that a few threads work on at once are held, and no more.
  private static let expertsPerWorker = 4

  /// Each expert is one thread's; outputs are added in ascending order of the experts.
  package func run(_ x: Activations, _ routing: ExpertRouting, _ products: Products)
    throws(ModelError) -> Activations
  {
    let gate = try products.weight(gate, inputs: x.width)
    let up = try products.weight(up, inputs: x.width)
    let down = try products.weight(down, inputs: gate.rowsPerPart)
    let rows = routing.byExpert(gate.partCount)
    let used = rows.indices.filter { !rows[$0].isEmpty }
    let out = Activations(rows: x.rowCount, width: down.rowsPerPart)
    let groupSize = Self.expertsPerWorker * products.workers.count
    for first in stride(from: 0, to: used.count, by: groupSize) {
      let group = Array(used[first..<min(first + groupSize, used.count)])
      let results = ExpertResults(count: group.count)
      for (place, expert) in group.enumerated() {
        results[place].input = x.gathered(rows[expert].map(\.row))
        try products.observe(gate, part: expert, results[place].input)
        try products.observe(up, part: expert, results[place].input)
      }
      try products.workers.run(group.count) { (worker, place) throws(ModelError) in
        let result = results[place]
        let expert = group[place]
        let hidden = try products.multiply(result.input, gate, part: expert, worker: worker)
        let other = try products.multiply(result.input, up, part: expert, worker: worker)
        SwiGLU.combine(hidden, other, limit: limit)
        result.hidden = hidden
        result.output = try products.multiply(hidden, down, part: expert, worker: worker)
      }
      for (place, expert) in group.enumerated() {
        try products.observe(down, part: expert, results[place].hidden)
        add(results[place].output, rows[expert], to: out)
      }
    }
    return out
  }

  private func add(
    _ output: Activations, _ rows: [(row: Int, weight: Float)], to out: Activations
  ) {
    for (place, entry) in rows.enumerated() {
      let source = output.row(place)
      let target = out.row(entry.row)
      for column in target.indices { target[column] += entry.weight * source[column] }
    }
  }
}

/// What each expert of a group takes and gives; one thread at a time has an entry.
private final class ExpertResults: @unchecked Sendable {
  final class Entry {
    var input = Activations(rows: 0, width: 0)
    var hidden = Activations(rows: 0, width: 0)
    var output = Activations(rows: 0, width: 0)
  }

  private let entries: [Entry]

  init(count: Int) { entries = (0..<count).map { _ in Entry() } }

  subscript(place: Int) -> Entry { entries[place] }
}
