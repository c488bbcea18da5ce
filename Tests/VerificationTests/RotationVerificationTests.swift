import CKernels
import Foundation
import QuernCheckpoints
import QuernConversion
import QuernQuantization
import QuernTestSupport
import QuernVerification
import Testing

/// What is wrong with a rotated folder is found, with its certificate and without.
@Suite struct RotationVerificationTests {
  /// A rotated folder of the tiny V4, or of a family that is made of small numbers.
  private struct Folder {
    let folder: TemporaryFolder
    let checkpoint: Checkpoint

    /// Converts; `mutate` may falsify the plan behind its hash, `kernels` be broken.
    init(
      _ target: ConversionTarget = .ascend, recipe: String = "w8a8", family: String? = nil,
      kernels: RowKernels = .best, mutate: (inout [PlannedTensor]) -> Void = { _ in }
    ) throws {
      folder = try TemporaryFolder()
      if let family {
        checkpoint = try Checkpoint.open(
          CheckpointBuilder(family: family).write(family, in: folder), environment: [:])
      } else {
        checkpoint = try Model.upstream.open()
      }
      var plan = try ConversionPlan(
        target, of: checkpoint, recipe: Recipe.load(recipe, target: target),
        options: ConversionOptions(rotates: true), outputName: "out")
      mutate(&plan.tensors)
      _ = try Conversion(
        plan, outputPath: folder.path("out"), threadCount: 2, durable: false, kernels: kernels
      ).run()
    }

    func verify() throws -> VerificationReport {
      try Verification.run(output: folder.path("out"), against: checkpoint)
    }

    func deleteCertificate() throws {
      try FileManager.default.removeItem(atPath: folder.path("out/quern-certificate.json"))
    }

    /// The tensors that both verifications complain about.
    func failures() throws -> Set<String> {
      let certified = Set(try verify().failures.compactMap(\.tensor))
      try deleteCertificate()
      return certified.intersection(try verify().failures.compactMap(\.tensor))
    }
  }

  @Test(
    arguments: [
      (ConversionTarget.ascend, "w8a8", nil), (.ascend, "w4a8", nil),
      (.compressedTensors, "w8a8", "llama"), (.compressedTensors, "w4a16", "llama"),
    ] as [(ConversionTarget, String, String?)])
  func whatIsRotatedRightPasses(target: ConversionTarget, recipe: String, family: String?) throws {
    let output = try Folder(target, recipe: recipe, family: family)
    let report = try output.verify()
    #expect(report.failures.isEmpty, "\(report.failures.prefix(3))")
    #expect(report.rows.contains { $0.name.hasSuffix(".weight") && $0.status == .passed })
    try output.deleteCertificate()
    let measured = try output.verify()
    #expect(measured.failures.isEmpty, "\(measured.failures.prefix(3))")
  }

  @Test func aWrongWeightOfANormIsFound() throws {
    let name = "layers.3.attn.wq_b.weight"
    let output = try Folder { tensors in
      for index in tensors.indices where tensors[index].name == name {
        for column in 0..<32 { tensors[index].rotation?.gains?.values[column] *= 1.5 }
      }
    }
    #expect(try output.failures() == [name])
  }

  @Test func aMissingRotationOfRowsIsFound() throws {
    let name = "layers.2.ffn.experts.5.w2.weight"
    let output = try Folder { tensors in
      for index in tensors.indices where tensors[index].name == name {
        tensors[index].rotation?.turnsRows = false
      }
    }
    #expect(try output.failures() == [name])
  }

  @Test func aNormThatKeptItsWeightsIsFound() throws {
    let name = "layers.1.attn_norm.weight"
    let output = try Folder { tensors in
      for index in tensors.indices where tensors[index].name == name {
        tensors[index].expression = .values(
          (0..<tensors[index].elementCount).map { $0 == 9 ? 1.5 : 1 })
      }
    }
    #expect(try output.failures() == [name])
  }

  /// Blocks that begin 16 columns later: everything is orthogonal, and wrong.
  @Test func blocksAtAnotherPlaceAreFound() throws {
    var kernels = RowKernels.scalar
    kernels.kernels.rotate_columns = { values, gains, rowLength, count in
      guard let values else { return }
      if let gains {
        for index in 0..<count { values[index] *= gains[index % rowLength] }
      }
      for start in stride(from: 16, to: count - 32, by: 32) {
        quern_kernels_best().pointee.rotate_columns(values + start, nil, 32, 32)
      }
    }
    let failures = try Folder(kernels: kernels).failures()
    #expect(failures.contains("layers.0.attn.wkv.weight"))
    #expect(failures.contains("head.weight"))
    #expect(!failures.contains("layers.0.attn.wo_b.weight"))
  }

  /// The certificate's sums are checked to the last bit: both write down the same operations.
  @Test func theRotationOfTheSourceIsThatOfTheConversion() {
    var generator = SeededGenerator(seed: 3)
    let values = (0..<64 * 96).map { _ in Float.random(in: -1...1, using: &generator) }
    let gains = (0..<96).map { _ in Float.random(in: -1...1, using: &generator) }
    for (along, across, gains) in [
      (true, false, gains), (true, false, []), (false, true, []), (true, true, gains),
    ] {
      var (ours, theirs) = (values, values)
      SourceRotation(isAlongRows: along, isAlongColumns: across, gains: gains)
        .apply(to: &ours, rowLength: 96)
      theirs.withUnsafeMutableBufferPointer {
        if along {
          RowKernels.best.rotateColumns($0, rowLength: 96, gains: gains.isEmpty ? nil : gains)
        }
        if across { RowKernels.best.rotateRows($0, rowLength: 96) }
      }
      #expect(ours.map(\.bitPattern) == theirs.map(\.bitPattern))
    }
  }
}
