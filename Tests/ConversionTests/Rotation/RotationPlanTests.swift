import QuernCheckpoints
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Which tensors of which family are rotated, and what is refused.
@Suite struct RotationPlanTests {
  /// A family of `testdata/` and what becomes of the tensors of a layer and of those without one.
  struct Family: Sendable, CustomTestStringConvertible {
    let path: String
    let layer: String
    /// With the norm whose weights multiply them; "" for none.
    let columns: [String: String]
    let rows: Set<String>
    let ones: Set<String>
    /// What stays as it is.
    let untouched: Set<String>
    var testDescription: String { path }
  }

  private static let (norm, post) = ("input_layernorm", "post_attention_layernorm")
  private static let (q, k, v) = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
  private static let dense = [
    q: norm, k: norm, v: norm, "mlp.gate_proj": post, "mlp.up_proj": post,
  ]

  static let families = [
    Family(
      path: "families/llama", layer: "model.layers.1.", columns: dense,
      rows: ["self_attn.o_proj", "mlp.down_proj"], ones: [norm, post], untouched: []),
    Family(
      path: "families/qwen3", layer: "model.layers.0.", columns: dense,
      rows: ["self_attn.o_proj", "mlp.down_proj"], ones: [norm, post],
      untouched: ["self_attn.q_norm", "self_attn.k_norm"]),
    Family(
      path: "families/qwen3-moe", layer: "model.layers.0.",
      columns: [
        q: norm, k: norm, v: norm, "mlp.gate": post, "mlp.experts.N.gate_proj": post,
        "mlp.experts.N.up_proj": post,
      ],
      rows: ["self_attn.o_proj", "mlp.experts.N.down_proj"], ones: [norm, post],
      untouched: ["self_attn.q_norm", "self_attn.k_norm"]),
    Family(
      path: "families/qwen2-moe", layer: "model.layers.0.",
      columns: [
        q: norm, k: norm, v: norm, "mlp.gate": post, "mlp.experts.N.gate_proj": post,
        "mlp.experts.N.up_proj": post, "mlp.shared_expert_gate": post,
        "mlp.shared_expert.gate_proj": post, "mlp.shared_expert.up_proj": post,
      ],
      rows: ["self_attn.o_proj", "mlp.experts.N.down_proj", "mlp.shared_expert.down_proj"],
      ones: [norm, post],
      untouched: [
        "self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias",
      ]),
    Family(
      path: "families/mixtral", layer: "model.layers.0.",
      columns: [
        q: norm, k: norm, v: norm, "block_sparse_moe.gate": post,
        "block_sparse_moe.experts.N.w1": post, "block_sparse_moe.experts.N.w3": post,
      ],
      rows: ["self_attn.o_proj", "block_sparse_moe.experts.N.w2"], ones: [norm, post],
      untouched: []),
    Family(
      path: "families/deepseek-v3", layer: "model.layers.1.",
      columns: [
        "self_attn.q_a_proj": norm, "self_attn.q_b_proj": "self_attn.q_a_layernorm",
        "self_attn.kv_a_proj_with_mqa": norm, "mlp.gate": post, "mlp.experts.N.gate_proj": post,
        "mlp.experts.N.up_proj": post, "mlp.shared_experts.gate_proj": post,
        "mlp.shared_experts.up_proj": post,
      ],
      rows: [
        "self_attn.q_a_proj", "self_attn.o_proj", "mlp.experts.N.down_proj",
        "mlp.shared_experts.down_proj",
      ],
      ones: [norm, post, "self_attn.q_a_layernorm"],
      untouched: [
        "self_attn.kv_a_layernorm", "self_attn.kv_b_proj", "mlp.gate.e_score_correction_bias",
      ]),
    Family(
      path: "tiny-v4/upstream", layer: "layers.4.", columns: v4,
      rows: v4Rows, ones: ["attn_norm", "ffn_norm", "attn.q_norm"], untouched: v4Untouched),
    Family(
      path: "tiny-v4/upstream", layer: "mtp.0.",
      columns: v4.filter { !$0.key.contains("indexer") && !$0.key.contains("compressor") }
        .merging([
          "e_proj": "enorm", "h_proj": "hnorm", "hc_head_fn": "", "emb.tok_emb": "", "head": "norm",
        ]) { $1 },
      rows: v4Rows.union(["e_proj", "h_proj"]),
      ones: ["attn_norm", "ffn_norm", "attn.q_norm", "enorm", "hnorm", "norm"],
      untouched: v4Untouched.filter { !$0.contains("indexer") && !$0.contains("compressor") }
        .union(["hc_head_base", "hc_head_scale"])),
  ]

  private static let v4 = [
    "attn.wq_a": "attn_norm", "attn.wq_b": "attn.q_norm", "attn.wkv": "attn_norm",
    "attn.compressor.wkv": "attn_norm", "attn.compressor.wgate": "attn_norm",
    "attn.indexer.wq_b": "attn.q_norm", "attn.indexer.weights_proj": "attn_norm",
    "attn.indexer.compressor.wkv": "attn_norm", "attn.indexer.compressor.wgate": "attn_norm",
    "ffn.gate": "ffn_norm", "ffn.experts.N.w1": "ffn_norm", "ffn.experts.N.w3": "ffn_norm",
    "ffn.shared_experts.w1": "ffn_norm", "ffn.shared_experts.w3": "ffn_norm", "hc_attn_fn": "",
    "hc_ffn_fn": "",
  ]
  private static let v4Rows: Set<String> = [
    "attn.wq_a", "attn.wo_b", "ffn.experts.N.w2", "ffn.shared_experts.w2",
  ]
  private static let v4Untouched: Set<String> = [
    "attn.attn_sink", "attn.kv_norm", "attn.wo_a", "attn.compressor.ape", "attn.compressor.norm",
    "attn.indexer.compressor.ape", "attn.indexer.compressor.norm", "ffn.gate.bias",
    "hc_attn_base", "hc_attn_scale", "hc_ffn_base", "hc_ffn_scale",
  ]

  /// `….weight` without the end, experts without their number.
  private func short(_ name: String, of layer: String) -> String {
    let parts = name.dropFirst(layer.count).split(separator: ".").filter { $0 != "weight" }
    return parts.map { Int($0) == nil ? String($0) : "N" }.joined(separator: ".")
  }

  @Test(arguments: families) func everyTensorOfALayerIsTurnedAsItsFamilyIs(_ family: Family) throws
  {
    let folder = try TemporaryFolder()
    let plan = try Rotating.plan(Rotating.open(family.path, in: folder))
    var (columns, rows): ([String: String], Set<String>) = ([:], [])
    var (ones, untouched): (Set<String>, Set<String>) = ([], [])
    for tensor in plan.tensors where tensor.name.hasPrefix(family.layer) {
      let name = short(tensor.name, of: family.layer)
      if case .values(let values) = tensor.expression {
        #expect(values.allSatisfy { $0 == 1 } && values.count == tensor.elementCount)
        ones.insert(name)
        continue
      }
      guard let rotation = tensor.rotation else {
        untouched.insert(name)
        continue
      }
      if rotation.turnsColumns {
        let norms = (rotation.gains?.sources ?? []).map { plan.checkpoint.tensors[$0].name.text }
        columns[name] = norms.map { short($0, of: family.layer) }.joined(separator: "+")
        #expect(rotation.gains.map { $0.values.count == tensor.rowLength } ?? true)
      }
      if rotation.turnsRows { rows.insert(name) }
      #expect(tensor.expectation == .measured && tensor.method == .cast)
      #expect(!rotation.turnsRows || tensor.grid.chunkRows % 32 == 0)
    }
    #expect(columns == family.columns)
    #expect(rows == family.rows)
    #expect(ones == family.ones)
    #expect(untouched == family.untouched)
  }

  @Test(arguments: ["tiny-v4/upstream", "families/llama"])
  func embeddingAndHeadAreTurnedAndTheLastNormGoesToTheHead(path: String) throws {
    let folder = try TemporaryFolder()
    let plan = try Rotating.plan(Rotating.open(path, in: folder))
    let embedding = try #require(plan.tensors.first { $0.role == .embedding }?.rotation)
    #expect(embedding.turnsColumns && !embedding.turnsRows && embedding.gains == nil)
    let head = try #require(plan.tensors.first { $0.role == .output }?.rotation)
    let norm = try #require(head.gains?.sources.first)
    #expect(plan.checkpoint.tensors[norm].name.text.hasSuffix("norm.weight"))
    #expect(!plan.checkpoint.tensors[norm].name.text.contains("layers"))
    #expect(head.turnsColumns && !head.turnsRows)
  }

  @Test func withoutTheOptionNothingIsTurned() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Rotating.open("tiny-v4/upstream", in: folder)
    let plain = try Rotating.plan(checkpoint, rotates: false)
    #expect(plain.tensors.allSatisfy { $0.rotation == nil })
    #expect(!plain.warnings.contains { $0.contains("rotate") })
    let rotated = try Rotating.plan(checkpoint)
    #expect(rotated.warnings.contains { $0.contains("--rotate mixes the values of 168 FP4") })
    #expect(rotated.hash != plain.hash)
  }

  @Test func theOptionSurvivesACertificate() {
    let options = ConversionOptions(rotates: true)
    #expect(ConversionOptions(json: options.json)?.rotates == true)
    #expect(ConversionOptions(json: ConversionOptions().json)?.rotates == false)
    #expect(ConversionOptions().json["rotate"] == nil)
  }
}

/// What cannot be rotated is refused at the plan, with the reason.
extension RotationPlanTests {
  private func refusal(_ body: () throws -> ConversionPlan) -> String {
    do {
      _ = try body()
      return "no refusal"
    } catch { return "\(error)" }
  }

  @Test func aHeadTiedToTheEmbeddingIsRefused() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Rotating.open("stories260K/f32", in: folder)
    #expect(refusal { try Rotating.plan(checkpoint) }.contains("tie_word_embeddings"))
  }

  @Test func stagesOfDSparkAreRefusedAndCanBeLeftOut() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Rotating.open("tiny-v4/dspark", in: folder)
    #expect(refusal { try Rotating.plan(checkpoint) }.contains("--mtp drop"))
    #expect(try Rotating.plan(checkpoint, draft: .drop).tensors.contains { $0.rotation != nil })
  }

  @Test func rowsOfNoWholeBlocksAreRefused() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Checkpoint.open(
      Rotating.llama(width: 48).write("odd", in: folder), environment: [:])
    let text = refusal { try Rotating.plan(checkpoint) }
    #expect(text.contains("48 columns") && text.contains("multiple of 32"))
  }

  @Test func aModelWithoutATableIsRefused() throws {
    let folder = try TemporaryFolder()
    var builder = Rotating.llama()
    builder.config = builder.config?.replacing("Llama", with: "Other").replacing(
      "\"llama\"", with: "\"other\"")
    let checkpoint = try Checkpoint.open(builder.write("other", in: folder), environment: [:])
    #expect(refusal { try Rotating.plan(checkpoint) }.contains("no table says"))
  }

  @Test func aNormThatIsNotFiniteIsRefused() throws {
    let folder = try TemporaryFolder()
    var builder = Rotating.llama()
    builder.change("model.norm.weight") {
      $0.replaceSubrange(8..<12, with: [UInt8](floats: [.infinity]))
    }
    let checkpoint = try Checkpoint.open(builder.write("inf", in: folder), environment: [:])
    let text = refusal { try Rotating.plan(checkpoint) }
    #expect(text.contains("model.norm.weight") && text.contains("element 2"))
  }

  @Test func aRecipeThatDemandsTheGridIsRefused() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Rotating.open("tiny-v4/upstream", in: folder)
    let recipe = """
      {rules: [{match: "role:routed-expert", type: "w8a8_dynamic", method: "grid-aware"}]}
      """
    let text = refusal { try Rotating.plan(checkpoint, to: .ascend, recipe: recipe) }
    #expect(text.contains("grid-aware needs an FP4 source, found rotated values of"))
    let auto = recipe.replacing("grid-aware", with: "auto")
    let plan = try Rotating.plan(checkpoint, to: .ascend, recipe: auto)
    let experts = plan.tensors.filter { $0.role == .routedExpert }
    #expect(!experts.isEmpty && experts.allSatisfy { $0.method == .optimal })
  }

  @Test func ggufIsRefused() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Rotating.open("families/llama", in: folder)
    let text = refusal { try Rotating.plan(checkpoint, to: .gguf) }
    #expect(text.contains("--rotate for GGUF"))
  }
}
