import Quern

extension RotationComparison {
  /// A line for each role and type: errors without and with the rotation.
  var text: String {
    var table = TextTable(
      [.left, .left, .right, .right, .right, .right],
      header: ["rotation", "type", "tensors", "rows sampled", "SQNR without", "SQNR with"])
    for row in rows {
      table.add([
        row.role.rawValue, row.type, row.tensorCount.grouped, row.sampledRowCount.grouped,
        row.plain.shown, row.rotated.shown,
      ])
    }
    return table.text()
  }

  /// Writes the rows as a member of an open object. An SQNR is absent where every value is equal.
  func write(to writer: inout JSONWriter) {
    writer.key("rotation")
    writer.beginArray()
    for row in rows {
      writer.beginObject(.inline)
      writer.member("role", row.role.rawValue)
      writer.member("type", row.type)
      writer.member("tensors", row.tensorCount)
      writer.member("sampledRows", row.sampledRowCount)
      if let sqnr = row.plain.sqnrDecibels { writer.member("sqnrWithout", sqnr) }
      if let sqnr = row.rotated.sqnrDecibels { writer.member("sqnrWith", sqnr) }
      writer.end()
    }
    writer.end()
  }
}
