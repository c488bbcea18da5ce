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
      $0.f32_from_q8_0 = { blocks, out, count in
        Sound.kernels.f32_from_q8_0(blocks, out, count)
        out?[5] = -(out?[5] ?? 0)
      }
    },
    BrokenKernel("Q4_0 decoder", .stories, "*attn_q*", "q4_0") {
      $0.f32_from_q4_0 = { blocks, out, count in
        Sound.kernels.f32_from_q4_0(blocks, out, count)
        exchange(out, 0, 16)
      }
    },
    BrokenKernel("MXFP4 decoder", .stories, "*attn_q*", "mxfp4") {
      $0.f32_from_mxfp4 = { blocks, out, count in
        Sound.kernels.f32_from_mxfp4(blocks, out, count)
        for index in 0..<count { out?[index] /= 2 }
      }
    },
    BrokenKernel("comparison that sees nothing", .stories, "*attn_q*", "q8_0") {
      $0.compare = { source, _, position, count, sums in
        Sound.kernels.compare(source, source, position, count, sums)
      }
    },
    BrokenKernel("integer comparison that sees nothing", .upstream, "*_exps.weight", "q8_0") {
      $0.q8_0_from_e2m1 = { packed, scales, blocks, count in
        Sound.kernels.q8_0_from_e2m1(packed, scales, blocks, count)
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
    BrokenKernel("Q8_0 encoder, last bit of a scale", .stories, "*attn_q*", "q8_0") {
      $0.q8_0_from_f32 = { source, blocks, count in
        Sound.kernels.q8_0_from_f32(source, blocks, count)
        blocks?[0] ^= 1
      }
    },
    BrokenKernel("Q8_0 encoder, a code", .stories, "*attn_q*", "q8_0") {
      $0.q8_0_from_f32 = { source, blocks, count in
        Sound.kernels.q8_0_from_f32(source, blocks, count)
        blocks?[9] &+= 1
      }
    },
    BrokenKernel("Q4_0 encoder, nibbles swapped", .stories, "*attn_q*", "q4_0") {
      $0.q4_0_from_f32 = { source, blocks, count in
        Sound.kernels.q4_0_from_f32(source, blocks, count)
        if let blocks { swapNibbles(blocks + 2, 16) }
      }
    },
    BrokenKernel("Q4_0 encoder, last bit of a scale", .stories, "*attn_q*", "q4_0") {
      $0.q4_0_from_f32 = { source, blocks, count in
        Sound.kernels.q4_0_from_f32(source, blocks, count)
        blocks?[0] ^= 1
      }
    },
    BrokenKernel("MXFP4 encoder, scale off by one", .stories, "*attn_q*", "mxfp4") {
      $0.mxfp4_from_f32 = { source, blocks, count in
        Sound.kernels.mxfp4_from_f32(source, blocks, count)
        blocks?[0] &+= 1
      }
    },
    BrokenKernel("MXFP4 encoder, nibbles swapped", .stories, "*attn_q*", "mxfp4") {
      $0.mxfp4_from_f32 = { source, blocks, count in
        Sound.kernels.mxfp4_from_f32(source, blocks, count)
        if let blocks { swapNibbles(blocks + 1, 16) }
      }
    },
    BrokenKernel("MXFP4 from the grid, nibbles swapped", .upstream, "*_exps.weight", "mxfp4") {
      $0.mxfp4_from_e2m1 = { packed, scales, blocks, count in
        Sound.kernels.mxfp4_from_e2m1(packed, scales, blocks, count)
        if let blocks { swapNibbles(blocks + 1, 16) }
      }
    },
    BrokenKernel("Q8_0 from the grid, a scale", .upstream, "*_exps.weight", "q8_0") {
      $0.q8_0_from_e2m1 = { packed, scales, blocks, count in
        Sound.kernels.q8_0_from_e2m1(packed, scales, blocks, count)
        blocks?[1] ^= 4
      }
    },
    BrokenKernel("Q4_0 from the grid, nibbles swapped", .upstream, "*_exps.weight", "q4_0") {
      $0.q4_0_from_e2m1 = { packed, scales, blocks, count in
        Sound.kernels.q4_0_from_e2m1(packed, scales, blocks, count)
        if let blocks { swapNibbles(blocks + 2, 16) }
      }
    },
    BrokenKernel("Q4_0 from the grid, the sign of a scale", .upstream, "*_exps.weight", "q4_0") {
      $0.q4_0_from_e2m1 = { packed, scales, blocks, count in
        Sound.kernels.q4_0_from_e2m1(packed, scales, blocks, count)
        blocks?[1] ^= 0x80
      }
    },
  ]
}
