import Quern

extension FourBitComparison {
  /// A line for each layer: what is lost in four bits, and in eight.
  var text: String {
    var table = TextTable(
      [.left, .right, .right, .right, .right],
      header: ["experts", "tensors", "rows sampled", "SQNR in 4 bits", "in 8 bits"])
    for row in rows {
      table.add([
        row.layer, row.tensorCount.grouped, row.sampledRowCount.grouped, row.fourBits.shown,
        row.eightBits.shown,
      ])
    }
    return table.text()
  }

  /// Writes the rows as a member of an open object. An SQNR is absent where every value is equal.
  func write(to writer: inout JSONWriter) {
    writer.key("fourBits")
    writer.beginArray()
    for row in rows {
      writer.beginObject(.inline)
      writer.member("layer", row.layer)
      writer.member("tensors", row.tensorCount)
      writer.member("sampledRows", row.sampledRowCount)
      if let sqnr = row.fourBits.sqnrDecibels { writer.member("sqnr4", sqnr) }
      if let sqnr = row.eightBits.sqnrDecibels { writer.member("sqnr8", sqnr) }
      writer.end()
    }
    writer.end()
  }
}

extension ErrorSums {
  /// The ratio of signal to noise, or that there is none.
  var shown: String { noise == 0 ? "exact" : sqnrDecibels.map { $0.fixed(2) + " dB" } ?? "" }
}
