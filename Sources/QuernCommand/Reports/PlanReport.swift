import Quern

/// A plan for people and programs.
struct PlanReport {
  let plan: ConversionPlan
  /// What a budget made of the choice of types, where one did.
  let budget: BudgetPlan?
  /// What the rotation does to sampled rows, where there is one.
  let rotation: RotationComparison?
  /// What experts in four bits cost, where there are any.
  let fourBits: FourBitComparison?
  let outputPath: String
  let threadCount: Int

  init(
    _ plan: ConversionPlan, budget: BudgetPlan? = nil, rotation: RotationComparison? = nil,
    fourBits: FourBitComparison? = nil, outputPath: String, threadCount: Int
  ) {
    self.plan = plan
    self.budget = budget
    self.rotation = rotation
    self.fourBits = fourBits
    self.outputPath = outputPath
    self.threadCount = threadCount
  }

  /// The program itself.
  private static let fixedByteCount = 24_000_000
  /// Names and vocabularies are held as tables while headers are read and made: measured, a
  /// vocabulary of 129,280 tokens (a header of 5 MB) takes 16 MB.
  private static let tableFactor = 4

  /// An estimate of the peak: buffers by the plan, all else by what was measured.
  var memoryByteCount: Int {
    let made = plan.files.reduce(0) { $0 + $1.header.count }
    let read = plan.checkpoint.files.reduce(0) { $0 + $1.headerRange.byteCount }
    return Conversion(plan, outputPath: outputPath, threadCount: threadCount).bufferByteCount
      + Self.tableFactor * (made + read) + Self.fixedByteCount
  }

  /// Free bytes where the output goes; nil when that folder does not exist.
  var freeByteCount: Int? {
    try? FileSystem.freeByteCount(at: FileSystem.parent(of: outputPath))
  }

  // MARK: Text

  func printText(listsAll: Bool) throws {
    let style = Style.output
    try StandardOutput.line(
      style.bold("\(plan.checkpoint.folder.escapedForDisplay) to \(plan.target), recipe ")
        + style.bold(plan.recipe.displayName.escapedForDisplay))
    try StandardOutput.line()
    try StandardOutput.write(tensorTable(listsAll: listsAll))
    try printDropped()
    try StandardOutput.line()
    try StandardOutput.write(typeTable())
    try StandardOutput.line()
    try StandardOutput.write(exactnessTable())
    try StandardOutput.line()
    if let rotation {
      try StandardOutput.write(rotation.text)
      try StandardOutput.line()
    }
    if let fourBits {
      try StandardOutput.write(fourBits.text)
      try StandardOutput.line()
    }
    try StandardOutput.write(fileTable())
    try StandardOutput.line()
    try StandardOutput.write(totals())
  }

  /// What rows have in common when they share a line.
  private struct Attributes: Hashable {
    let sources: [String]
    let role: String
    let shape: [Int]
    let type: String
    let bitsPerElement: String
    let method: String
    let expectation: String
    let byteCount: Int

    init(_ tensor: PlannedTensor) {
      sources = tensor.sourceEncodings
      role = tensor.role.rawValue
      shape = tensor.shape.dimensions
      type = tensor.shownType
      bitsPerElement = tensor.bitsPerElement.fixed(2)
      method = tensor.method.rawValue + (tensor.importance == nil ? "" : ", weighted")
      expectation = tensor.expectation.shown
      byteCount = tensor.byteCount
    }

    func cells(name: String, count: Int) -> [String] {
      [
        name, count == 1 ? "" : "\(count) ×",
        sources.isEmpty ? "config" : sources.joined(separator: " + "),
        role, "\(Shape(shape))", type, bitsPerElement, method, expectation,
        (count * byteCount).grouped,
      ]
    }
  }

  private func tensorTable(listsAll: Bool) -> String {
    var table = TextTable(
      [.left, .right, .left, .left, .left, .left, .right, .left, .left, .right],
      header: [
        "tensor", "", "source", "role", "shape", "type", "bits", "method", "expected", "bytes",
      ])
    if listsAll {
      for tensor in plan.tensors {
        table.add(Attributes(tensor).cells(name: tensor.name, count: 1))
      }
    } else {
      let groups = NameGroup.groups(plan.tensors, name: \.name, attributes: Attributes.init)
      for group in groups {
        table.add(group.attributes.cells(name: group.name, count: group.count))
      }
    }
    return table.text()
  }

  private func printDropped() throws {
    guard !plan.dropped.isEmpty else { return }
    try StandardOutput.line()
    try StandardOutput.line("dropped:")
    var table = TextTable([.left, .right, .right, .left])
    for group in NameGroup.groups(plan.dropped, name: \.name.text, attributes: \.reason) {
      table.add([group.name, group.count == 1 ? "" : "\(group.count) ×", group.attributes])
    }
    try StandardOutput.write(table.text())
  }

  private func typeTable() -> String {
    var table = TextTable(
      [.left, .right, .right, .right], header: ["type", "tensors", "weights", "bytes"])
    for (format, total) in PlanTotals.byFormat(plan) {
      table.add([
        format.word, total.tensorCount.grouped, total.elementCount.grouped,
        total.byteCount.grouped,
      ])
    }
    return table.text()
  }

  private func exactnessTable() -> String {
    var table = TextTable(
      [.left, .right, .right, .right], header: ["expected", "tensors", "weights", "share"])
    let all = max(1, plan.tensors.reduce(0) { $0 + $1.elementCount })
    for (word, total) in PlanTotals.byExactness(plan) {
      let share = 100 * Double(total.elementCount) / Double(all)
      table.add([
        word, total.tensorCount.grouped, total.elementCount.grouped, share.fixed(2) + " %",
      ])
    }
    return table.text()
  }

  private func fileTable() -> String {
    var table = TextTable(
      [.left, .right, .right], header: ["file", "tensors", "bytes"])
    for file in plan.files {
      table.add([file.name, file.tensors.count.grouped, file.byteCount.grouped])
    }
    return table.text()
  }

  /// What the survey expects of the tensors that the budget chose types for.
  private static func errorText(_ budget: BudgetPlan) -> String {
    let tensors = String.counted(budget.tensorCount, "tensor")
    guard let decibels = signalToNoise(budget.signal, budget.noise) else {
      return "none in the rows that were sampled of \(tensors)"
    }
    let gap = 100 * (budget.noise - budget.noiseBound) / budget.noise
    return "SQNR \(decibels.fixed(2)) dB by the sampled rows of \(tensors), at most "
      + "\(gap.fixed(2)) % above the least possible"
  }

  private func totals() -> String {
    var table = TextTable([.left, .left])
    let size = plan.outputByteCount
    table.add(["output", "\(size.bytesText) (\(size.grouped) bytes)"])
    table.add(["bits per weight", plan.bitsPerWeight.fixed(3)])
    if let budget { table.add(["error", Self.errorText(budget)]) }
    table.add([
      "memory", "about \(memoryByteCount.bytesText) on \(String.counted(threadCount, "thread"))",
    ])
    if let free = freeByteCount {
      table.add(["free disk", free.bytesText + (free < size ? ": too little" : "")])
    }
    if let importance = plan.importance, let summary = plan.importanceSummary {
      table.add(["imatrix", "\(importance.fileName.escapedForDisplay): \(summary.text)"])
    }
    if let calibration = plan.calibration {
      table.add(["calibration", calibration.fileName.escapedForDisplay])
    }
    table.add(["plan", plan.hash])
    return table.text()
  }
}

extension PlannedTensor {
  /// The type, and why it is not the one that was asked for.
  var shownType: String {
    guard let wanted = fallbackFrom else { return storage.word }
    return "\(storage.word) (rows of \(rowLength): no \(wanted.rawValue))"
  }
}

extension Exactness {
  /// The word, with the condition.
  var shown: String {
    guard case .exactIf(let condition) = self else { return word }
    return "exact if \(condition)"
  }
}
