import CKernels
import QuernConversion
import QuernQuantization

/// A kernel broken on purpose, and a conversion that uses it.
struct BrokenKernel: Sendable {
  let name: String
  let model: Model
  let match: String
  let type: String
  let method: String
  let breakIt: @Sendable (inout quern_kernels) -> Void

  init(
    _ name: String, _ model: Model, _ match: String, _ type: String, method: String = "auto",
    _ breakIt: @escaping @Sendable (inout quern_kernels) -> Void
  ) {
    (self.name, self.model, self.match, self.type) = (name, model, match, type)
    self.method = method
    self.breakIt = breakIt
  }

  var kernels: RowKernels {
    var kernels = RowKernels.scalar
    breakIt(&kernels.kernels)
    return kernels
  }

  var recipe: Recipe { get throws { try .only(match, type, method: method) } }
}

/// The sound kernels that broken ones call; C closures capture nothing.
private enum Sound {
  static let kernels = RowKernels.scalar.kernels
}

private func swapNibbles(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
  for index in 0..<count { bytes[index] = bytes[index] >> 4 | bytes[index] << 4 }
}

private func exchange(_ values: UnsafeMutablePointer<Float>?, _ first: Int, _ second: Int) {
  guard let values else { return }
  (values[first], values[second]) = (values[second], values[first])
}

extension BrokenKernel {
  static let all = decoders + encoders + searches

  static let decoders: [BrokenKernel] = [
    BrokenKernel("BF16 decoder, one bit of the exponent", .storiesBF16, "*attn_q*", "q8_0") {
      $0.f32_from_bf16 = { source, out, count in
        Sound.kernels.f32_from_bf16(source, out, count)
        for index in 0..<count { out?[index] *= 2 }
      }
    },
    BrokenKernel("BF16 decoder, signs lost", .storiesBF16, "*attn_q*", "f32") {
      $0.f32_from_bf16 = { source, out, count in
        Sound.kernels.f32_from_bf16(source, out, count)
        for index in 0..<count { out?[index] = (out?[index] ?? 0).magnitude }
      }
    },
    BrokenKernel("F16 decoder, fraction shifted", .stories, "*attn_q*", "f16") {
      $0.f32_from_f16 = { source, out, count in
        Sound.kernels.f32_from_f16(source, out, count)
        out?[0] = (out?[0] ?? 0).nextUp
      }
    },
    BrokenKernel("FP8 decoder, the neighbour's code", .upstream, "*attn_kv.weight", "q8_0") {
      $0.f32_from_fp8 = { codes, table, scales, block, out, count in
        Sound.kernels.f32_from_fp8(codes, table, scales, block, out, count)
        for index in stride(from: 0, to: count - 1, by: 2) {
          exchange(out, index, index + 1)
        }
      }
    },
    BrokenKernel("FP8 decoder, another block's scale", .upstream, "*attn_kv.weight", "bf16") {
      $0.f32_from_fp8 = { codes, table, scales, block, out, count in
        var first = scales?[0] ?? 1
        Sound.kernels.f32_from_fp8(codes, table, &first, count, out, count)
        out?[0] *= 2
      }
    },
    BrokenKernel("FP4 decoder, nibbles swapped", .upstream, "*_exps.weight", "bf16") {
      $0.f32_from_e2m1 = { packed, scales, out, count in
        Sound.kernels.f32_from_e2m1(packed, scales, out, count)
        for index in stride(from: 0, to: count, by: 2) {
          exchange(out, index, index + 1)
        }
      }
    },
    BrokenKernel(
      "FP4 decoder, scale off by one", .upstream, "*_exps.weight", "q8_0", method: "absmax"
    ) {
      $0.f32_from_e2m1 = { packed, scales, out, count in
        Sound.kernels.f32_from_e2m1(packed, scales, out, count)
        for index in 0..<count { out?[index] *= 2 }
      }
    },
    BrokenKernel("Q8_0 decoder", .stories, "*attn_q*", "q8_0") {
      $0.q8_0.decode = { blocks, out, count in
        Sound.kernels.q8_0.decode(blocks, out, count)
        out?[5] = -(out?[5] ?? 0)
      }
    },
    BrokenKernel("Q4_0 decoder", .stories, "*attn_q*", "q4_0") {
      $0.q4_0.decode = { blocks, out, count in
        Sound.kernels.q4_0.decode(blocks, out, count)
        exchange(out, 0, 16)
      }
    },
    BrokenKernel("MXFP4 decoder", .stories, "*attn_q*", "mxfp4") {
      $0.mxfp4.decode = { blocks, out, count in
        Sound.kernels.mxfp4.decode(blocks, out, count)
        for index in 0..<count { out?[index] /= 2 }
      }
    },
    BrokenKernel("comparison that sees nothing", .stories, "*attn_q*", "q8_0") {
      $0.compare = { source, _, position, count, sums in
        Sound.kernels.compare(source, source, position, count, sums)
      }
    },
    BrokenKernel("integer comparison that sees nothing", .upstream, "*_exps.weight", "q8_0") {
      $0.q8_0.from_e2m1 = { packed, scales, weights, blocks, count in
        Sound.kernels.q8_0.from_e2m1(packed, scales, weights, blocks, count)
        blocks?[2] ^= 1
      }
      $0.compare_e2m1_q8_0 = { _, _, _, _, _, _ in true }
    },
    BrokenKernel("hash of something else", .stories, "*attn_q*", "q8_0") {
      $0.blake3 = { bytes, count, digest in
        Sound.kernels.blake3(bytes, max(0, count - 1), digest)
      }
    },
  ]

  static let encoders: [BrokenKernel] = [
    BrokenKernel("BF16 encoder that cuts off", .stories, "*attn_q*", "bf16") {
      $0.bf16_from_f32 = { source, out, count in
        let words = out?.assumingMemoryBound(to: UInt16.self)
        for index in 0..<count { words?[index] = UInt16((source?[index] ?? 0).bitPattern >> 16) }
      }
    },
    BrokenKernel("F16 encoder, last bit", .stories, "*attn_q*", "f16") {
      $0.f16_from_f32 = { source, out, count in
        Sound.kernels.f16_from_f32(source, out, count)
        out?.assumingMemoryBound(to: UInt16.self)[3] ^= 1
      }
    },
    BrokenKernel(
      "Q8_0 encoder, last bit of a scale", .stories, "*attn_q*", "q8_0", method: "absmax"
    ) {
      $0.q8_0.reference = { source, blocks, count in
        Sound.kernels.q8_0.reference(source, blocks, count)
        blocks?[0] ^= 1
      }
    },
    BrokenKernel(
      "Q8_0 encoder, a code", .stories, "*attn_q*", "q8_0", method: "absmax"
    ) {
      $0.q8_0.reference = { source, blocks, count in
        Sound.kernels.q8_0.reference(source, blocks, count)
        blocks?[9] &+= 1
      }
    },
    BrokenKernel(
      "Q4_0 encoder, nibbles swapped", .stories, "*attn_q*", "q4_0", method: "absmax"
    ) {
      $0.q4_0.reference = { source, blocks, count in
        Sound.kernels.q4_0.reference(source, blocks, count)
        if let blocks { swapNibbles(blocks + 2, 16) }
      }
    },
    BrokenKernel(
      "Q4_0 encoder, last bit of a scale", .stories, "*attn_q*", "q4_0", method: "absmax"
    ) {
      $0.q4_0.reference = { source, blocks, count in
        Sound.kernels.q4_0.reference(source, blocks, count)
        blocks?[0] ^= 1
      }
    },
    BrokenKernel(
      "MXFP4 encoder, scale off by one", .stories, "*attn_q*", "mxfp4", method: "absmax"
    ) {
      $0.mxfp4.reference = { source, blocks, count in
        Sound.kernels.mxfp4.reference(source, blocks, count)
        blocks?[0] &+= 1
      }
    },
    BrokenKernel(
      "MXFP4 encoder, nibbles swapped", .stories, "*attn_q*", "mxfp4", method: "absmax"
    ) {
      $0.mxfp4.reference = { source, blocks, count in
        Sound.kernels.mxfp4.reference(source, blocks, count)
        if let blocks { swapNibbles(blocks + 1, 16) }
      }
    },
    BrokenKernel("MXFP4 from the grid, nibbles swapped", .upstream, "*_exps.weight", "mxfp4") {
      $0.mxfp4.from_e2m1 = { packed, scales, weights, blocks, count in
        Sound.kernels.mxfp4.from_e2m1(packed, scales, weights, blocks, count)
        if let blocks { swapNibbles(blocks + 1, 16) }
      }
    },
    BrokenKernel("Q8_0 from the grid, a scale", .upstream, "*_exps.weight", "q8_0") {
      $0.q8_0.from_e2m1 = { packed, scales, weights, blocks, count in
        Sound.kernels.q8_0.from_e2m1(packed, scales, weights, blocks, count)
        blocks?[1] ^= 4
      }
    },
    BrokenKernel("Q4_0 from the grid, nibbles swapped", .upstream, "*_exps.weight", "q4_0") {
      $0.q4_0.from_e2m1 = { packed, scales, weights, blocks, count in
        Sound.kernels.q4_0.from_e2m1(packed, scales, weights, blocks, count)
        if let blocks { swapNibbles(blocks + 2, 16) }
      }
    },
    BrokenKernel("Q4_0 from the grid, the sign of a scale", .upstream, "*_exps.weight", "q4_0") {
      $0.q4_0.from_e2m1 = { packed, scales, weights, blocks, count in
        Sound.kernels.q4_0.from_e2m1(packed, scales, weights, blocks, count)
        blocks?[1] ^= 0x80
      }
    },
  ]
}

// MARK: - Searches

extension BrokenKernel {
  /// Encoders by search: a code that is not the nearest, a scale that is not the best, a block with
  /// the scale of another.
  static let searches: [BrokenKernel] = [
    BrokenKernel("optimal Q8_0, a code", .stories, "*attn_q*", "q8_0", method: "optimal") {
      $0.q8_0.optimal = { source, weights, blocks, count in
        Sound.kernels.q8_0.optimal(source, weights, blocks, count)
        blocks?[9] &+= 1
      }
    },
    BrokenKernel("optimal Q4_0, a nibble", .stories, "*attn_q*", "q4_0", method: "optimal") {
      $0.q4_0.optimal = { source, weights, blocks, count in
        Sound.kernels.q4_0.optimal(source, weights, blocks, count)
        blocks?[2] ^= 1
      }
    },
    BrokenKernel("optimal Q4_0, half the scale", .stories, "*attn_q*", "q4_0", method: "optimal") {
      $0.q4_0.optimal = { source, weights, blocks, count in
        Sound.kernels.q4_0.optimal(source, weights, blocks, count)
        blocks?[1] ^= 4
      }
    },
    BrokenKernel(
      "optimal Q4_0, values cut off", .stories, "*attn_q*", "q4_0", method: "optimal"
    ) {
      // The nearest codes under the best scale, of other values: half the block is as large again.
      $0.q4_0.optimal = { source, weights, blocks, count in
        var values = Array(UnsafeBufferPointer(start: source, count: count))
        for index in 0..<16 { values[index] *= 2 }
        Sound.kernels.q4_0.optimal(&values, weights, blocks, count)
      }
    },
    BrokenKernel("optimal Q5_0, a fifth bit", .stories, "*attn_q*", "q5_0", method: "optimal") {
      $0.q5_0.optimal = { source, weights, blocks, count in
        Sound.kernels.q5_0.optimal(source, weights, blocks, count)
        blocks?[3] ^= 16
      }
    },
    BrokenKernel("optimal IQ4_NL, a nibble", .stories, "*attn_q*", "iq4_nl", method: "optimal") {
      $0.iq4_nl.optimal = { source, weights, blocks, count in
        Sound.kernels.iq4_nl.optimal(source, weights, blocks, count)
        blocks?[5] ^= 0x20
      }
    },
    BrokenKernel("optimal NVFP4, a scale", .stories, "*attn_q*", "nvfp4", method: "optimal") {
      $0.nvfp4.optimal = { source, weights, blocks, count in
        Sound.kernels.nvfp4.optimal(source, weights, blocks, count)
        blocks?[0] &+= 8
      }
    },
    BrokenKernel("Q5_1 encoder, the minimum", .stories, "*attn_q*", "q5_1", method: "absmax") {
      $0.q5_1.reference = { source, blocks, count in
        Sound.kernels.q5_1.reference(source, blocks, count)
        blocks?[2] ^= 1
      }
    },
    BrokenKernel("Q5_0 encoder, a fifth bit", .stories, "*attn_q*", "q5_0", method: "absmax") {
      $0.q5_0.reference = { source, blocks, count in
        Sound.kernels.q5_0.reference(source, blocks, count)
        blocks?[4] ^= 2
      }
    },
    BrokenKernel("NVFP4 encoder, a nibble", .stories, "*attn_q*", "nvfp4", method: "absmax") {
      $0.nvfp4.reference = { source, blocks, count in
        Sound.kernels.nvfp4.reference(source, blocks, count)
        blocks?[6] ^= 1
      }
    },
    BrokenKernel("IQ4_NL search, a nibble", .stories, "*attn_q*", "iq4_nl", method: "ggml") {
      $0.iq4_nl.reference = { source, blocks, count in
        Sound.kernels.iq4_nl.reference(source, blocks, count)
        blocks?[6] ^= 0x20
      }
    },
  ]
}
