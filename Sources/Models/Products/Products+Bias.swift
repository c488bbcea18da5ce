extension Products {
  /// x · Wᵀ + b with the weights `NAME.weight` and `NAME.bias`, which may be absent: [rows, outputs].
  package func project(_ x: Activations, _ name: String) throws(ModelError) -> Activations {
    let out = try multiply(x, name + ".weight")
    guard let bias = try weights.optionalValues(name + ".bias", shape: [out.width]) else {
      return out
    }
    for row in 0..<out.rowCount {
      let values = out.row(row)
      for column in values.indices { values[column] += bias[column] }
    }
    return out
  }
}
