import Testing

@testable import QuernVerification

struct TensorPlaceTests {
  @Test(arguments: [
    ("blk.3.attn_q.weight", TensorPlace.layer(3)), ("model.layers.61.mlp.w", .layer(61)),
    ("layers.0.ffn.experts.7.w1.weight", .layer(0)), ("mtp.0.attn.wq_a.weight", .draft(0)),
    ("model.mtp.2.x", .draft(2)), ("token_embd.weight", .outside), ("blk.x.y", .outside),
    ("blk.99999999999999999999.x", .outside), ("blk.512.x", .outside), ("", .outside),
    ("blk..x", .outside), ("blk.-1.x", .outside),
  ])
  func theLayerIsReadFromTheName(name: String, place: TensorPlace) {
    #expect(TensorPlace(ofTensor: name) == place)
  }
}
