import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernTensors

/// Hashes what a plan consists of, row by row.
struct PlanHash {
  static func hash(
    target: ConversionTarget, options: ConversionOptions, importance: Importance?,
    calibration: Calibration?,
    checkpoint: Checkpoint,
    sourceHeaderHashes: [String], tensors: [PlannedTensor], files: [PlannedFile]
  ) -> String {
    var hash = IncrementalHash()
    var row = JSONWriter()
    row.beginArray(.inline)
    row.string(target.rawValue)
    row.integer(ConversionPlan.version)
    row.string(options.draft.rawValue)
    row.string(options.nonFinite.rawValue)
    if let relayout = options.relayout { row.string(relayout.rawValue) }
    if options.rotates { row.string("rotate") }
    if let importance {
      row.string(importance.fileName)
      row.string(importance.hash)
    }
    if let calibration {
      row.string("calibration")
      row.string(calibration.fileName)
      row.string(calibration.hash)
    }
    row.end()
    for (file, headerHash) in zip(checkpoint.files, sourceHeaderHashes) {
      row.beginArray(.inline)
      row.string(file.name)
      row.integer(file.byteCount)
      row.string(headerHash)
      row.end()
    }
    hash.update(row.drain())
    for tensor in tensors {
      add(tensor, checkpoint, to: &row)
      hash.update(row.drain())
    }
    for file in files {
      row.beginArray(.inline)
      row.integer(file.byteCount)
      for offset in file.offsets.joined() { row.integer(offset) }
      // The name of a folder is the user's, the names in it are not.
      if target != .gguf { row.string(file.name) }
      row.end()
      hash.update(row.drain())
      hash.update(file.header)
    }
    return hash.finish().hexadecimal
  }

  private static func add(
    _ tensor: PlannedTensor, _ checkpoint: Checkpoint, to row: inout JSONWriter
  ) {
    row.beginArray(.inline)
    row.string(tensor.name)
    row.string(tensor.role.rawValue)
    row.string(tensor.storage.word)
    row.string(tensor.method.rawValue)
    for dimension in tensor.shape.dimensions { row.integer(dimension) }
    row.integer(tensor.grid.parts)
    row.integer(tensor.grid.rowsPerPart)
    row.integer(tensor.grid.chunkRows)
    switch tensor.expression {
    case .copy: row.string("copy")
    case .stack: row.string("stack")
    case .transpose: row.string("transpose")
    case .concatenateColumns: row.string("concatenate-columns")
    case .permuteHeads(_, let headRows):
      row.string("permute-heads")
      row.integer(headRows)
    case .values(let values):
      row.string("values")
      for value in values { row.integer(Int(value.bitPattern)) }
    }
    if let importance = tensor.importance {
      row.string("importance")
      row.integer(importance.unseenExpertCount)
    }
    if let calibration = tensor.calibration {
      row.string(calibration.order == .byColumn ? "gptq" : "gptq-act-order")
      row.integer(calibration.unseenExpertCount)
    }
    if let activation = tensor.activation {
      row.string("input")
      row.integer(Int(activation.scale.bitPattern))
      row.integer(activation.offset)
    }
    if let rotation = tensor.rotation {
      row.string("rotation")
      row.bool(rotation.turnsColumns)
      row.bool(rotation.turnsRows)
      row.string(rotation.gains?.hash ?? "")
    }
    if !tensor.scaleExponents.isEmpty {
      row.string("scale-exponents")
      for exponent in tensor.scaleExponents { row.integer(exponent) }
    }
    for source in tensor.expression.sources {
      row.string(checkpoint.tensors[source.tensor].name.text)
      row.string(checkpoint.tensors[source.tensor].encoding.description)
      row.integer(source.firstRow)
      row.integer(source.rowCount)
    }
    row.end()
  }
}
