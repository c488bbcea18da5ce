import QuernCertificates
import Testing

struct CertificateRowTests {
  private func row(
    unequal: Int, error: Double = 0, bound: Double? = nil, zeroed: Int = 0
  ) -> CertificateRow {
    var row = CertificateFixture.row()
    row.sums.unequalCount = unequal
    row.sums.maxAbsError = error
    row.errorBound = bound
    row.counts.zeroedNonFinite = zeroed
    return row
  }

  @Test func exactMeansThatNoValueDiffersAndNoneWasReplaced() {
    #expect(row(unequal: 0).classification == .exact)
    #expect(row(unequal: 1).classification == .measured)
    #expect(row(unequal: 0, zeroed: 1).classification == .measured)
  }

  @Test func boundedMeansThatTheMeasuredErrorKeepsTheBound() {
    #expect(row(unequal: 1, error: 0.5, bound: 0.5).classification == .bounded)
    #expect(row(unequal: 1, error: 0.51, bound: 0.5).classification == .measured)
    #expect(row(unequal: 1, error: 0.5, bound: 0.5, zeroed: 1).classification == .measured)
    #expect(row(unequal: 0, bound: 0.5).classification == .exact)
  }
}
