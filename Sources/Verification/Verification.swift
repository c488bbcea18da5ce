import QuernCertificates
import QuernCheckpoints
import QuernContainers

/// Checks an output against its certificate, against the checkpoint it was made from, or both.
///
/// Nothing that the conversion remembered is believed: files are read anew, decoded with the reference
/// decoders, and every figure is computed again.
public struct Verification {
  private static let maximumCertificateByteCount = 1 << 30

  /// Verifies the output that a file belongs to: all parts of a split one, the draft model's file
  /// too.
  ///
  /// - Parameters:
  ///   - path: `out.gguf`, a part of a split output, or `out.mtp.gguf`.
  ///   - checkpoint: the source; without it only what the files themselves say is checked.
  /// - Returns: the report; `isPassed` is the verdict.
  /// - Throws: `VerificationError` when there can be no verdict. A damaged file that has a certificate
  ///   is a failed check, one without is an error.
  public static func run(
    output path: String, against checkpoint: Checkpoint? = nil,
    options: VerificationOptions = VerificationOptions()
  ) throws(VerificationError) -> VerificationReport {
    let location = try OutputLocation(path: path)
    guard location.hasCertificate else {
      if location.isFolder {
        return try RuntimeCheck.run(location, against: checkpoint, options: options)
      }
      var check = MeasuredCheck(location, checkpoint: checkpoint, options: options)
      return try check.run()
    }
    var report = VerificationReport(mode: checkpoint == nil ? .certificate : .certificateAndSource)
    guard let certificate = try read(location, into: &report) else { return report }
    var check = CertifiedCheck(
      location, certificate: certificate, checkpoint: checkpoint, options: options, report: report)
    return try check.run()
  }

  /// Reads the certificate. Writing it again must give the same bytes: a figure that is for display
  /// only, or a field nobody reads, cannot be changed either.
  private static func read(_ location: OutputLocation, into report: inout VerificationReport)
    throws(VerificationError) -> Certificate?
  {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try InputFile.contents(
        of: location.certificatePath, limit: maximumCertificateByteCount)
    } catch { throw .file(error) }
    do throws(InputProblem) {
      let certificate = try Certificate(parsing: bytes, path: location.certificatePath)
      let written = certificate.encoded()
      if written != bytes {
        let place = zip(written, bytes).prefix { $0 == $1 }.count
        report.fail(
          location.certificateName, "byte \(place)", found: Excerpt.text(bytes, at: place),
          expected: Excerpt.text(written, at: place))
      }
      return certificate
    } catch {
      report.fail(
        location.certificateName, error.field ?? "certificate", found: error.found,
        expected: error.expected)
      return nil
    }
  }
}
