import QuernCertificates
import QuernCheckpoints
import QuernContainers

/// What a report shows of a certificate. Its size depends on the model's layers, not on its tensors.
struct CertificateSummary {
  private static let maximumByteCount = 1 << 30
  private static let worstCount = 10
  /// Number formats that are told apart; those of a made-up certificate could be as many as its rows.
  private static let typeLimit = 64

  /// The output that the certificate belongs to, by its file or folder.
  let name: String
  /// Without rows.
  let certificate: Certificate
  private(set) var total = TensorTotals()
  private(set) var byClass: [CertificateRow.Class: TensorTotals] = [:]
  private(set) var byRole: [String: TensorTotals] = [:]
  private(set) var byType: [String: TensorTotals] = [:]
  /// By layer, those of the draft model after the others.
  private(set) var layers: [Int: TensorTotals] = [:]
  private(set) var cells: [Cell: TensorTotals] = [:]
  private(set) var worst = WorstTensors(limit: worstCount)
  private(set) var rotatedCount = 0
  private(set) var lostSignCount = 0
  private(set) var zeroedCount = 0

  /// The tensors of one role in one layer.
  struct Cell: Hashable {
    let layer: Int
    let role: String
  }

  private struct Place: Hashable {
    let place: TensorPlace
    let role: String
  }

  /// - Parameter path: of the certificate.
  init(parsing bytes: [UInt8], path: String) throws(InputProblem) {
    var rows = Rows(path: path)
    certificate = try Certificate(parsing: bytes, path: path) { (row) throws(InputProblem) in
      try rows.add(row)
    }
    name = Self.name(of: certificate, path: path)
    total = rows.total
    (byClass, byRole, byType) = (rows.byClass, rows.byRole, rows.byType)
    worst = rows.worst
    (rotatedCount, lostSignCount, zeroedCount) = (rows.rotated, rows.lostSigns, rows.zeroed)
    (layers, cells) = rows.byLayer()
  }

  /// The file's name without what follows from its format; a folder's own name.
  private static func name(of certificate: Certificate, path: String) -> String {
    let file = OutputName.lastComponent(path)
    if file == OutputLocation.folderCertificate {
      let folder = FileSystem.parent(of: path)
      return OutputName.lastComponent((try? FileSystem.canonicalPath(folder)) ?? folder)
    }
    if certificate.target == "gguf", let first = certificate.files.first {
      return OutputName.base(first.name)
    }
    return file
  }

  /// Sums while rows pass by.
  private struct Rows {
    let path: String
    var total = TensorTotals()
    var byClass: [CertificateRow.Class: TensorTotals] = [:]
    var byRole: [String: TensorTotals] = [:]
    var byType: [String: TensorTotals] = [:]
    var worst = WorstTensors(limit: worstCount)
    var places: [Place: TensorTotals] = [:]
    var rowsOfPlaces: [TensorPlace: TensorTotals] = [:]
    var rotated = 0
    var lostSigns = 0
    var zeroed = 0

    init(path: String) { self.path = path }

    mutating func add(_ row: CertificateRow) throws(InputProblem) {
      try check(row)
      let role = TensorRole.known(row.role)
      let place = TensorPlace(ofTensor: row.name)
      total.add(row)
      byClass[row.classification, default: TensorTotals()].add(row)
      byRole[role, default: TensorTotals()].add(row)
      let isKnown = byType[row.type] != nil || byType.count < typeLimit
      byType[isKnown ? row.type : TensorRole.otherRoles, default: TensorTotals()].add(row)
      places[Place(place: place, role: role), default: TensorTotals()].add(row)
      rowsOfPlaces[place, default: TensorTotals()].add(row)
      worst.add(row)
      rotated += row.isRotated ? 1 : 0
      lostSigns = lostSigns.addingClamped(row.sums.lostSignCount)
      zeroed = zeroed.addingClamped(row.counts.zeroedNonFinite)
    }

    /// Sums of squares and magnitudes are never negative; nothing can be drawn of those that are.
    private func check(_ row: CertificateRow) throws(InputProblem) {
      let figures = [
        ("signal", row.sums.signal), ("output", row.sums.output), ("noise", row.sums.noise),
        ("maxAbsError", row.sums.maxAbsError), ("errorBound", row.errorBound ?? 0),
      ]
      for (field, value) in figures where !(value >= 0 && value.isFinite) {
        throw InputProblem(
          file: path, tensor: row.name, field: field, found: "\(value)",
          expected: "a number of at least 0")
      }
    }

    /// The layers of the draft model follow on those of the model.
    func byLayer() -> (layers: [Int: TensorTotals], cells: [Cell: TensorTotals]) {
      let numbers = rowsOfPlaces.keys.compactMap { if case .layer(let n) = $0 { n } else { nil } }
      let next = (numbers.max() ?? -1) + 1
      let number = { (place: TensorPlace) -> Int? in
        switch place {
        case .layer(let layer): layer
        case .draft(let stage): next + stage
        case .outside: nil
        }
      }
      var layers: [Int: TensorTotals] = [:]
      var cells: [Cell: TensorTotals] = [:]
      for (place, totals) in rowsOfPlaces {
        if let layer = number(place) { layers[layer] = totals }
      }
      for (place, totals) in places {
        guard let layer = number(place.place) else { continue }
        cells[Cell(layer: layer, role: place.role)] = totals
      }
      return (layers, cells)
    }
  }
}
