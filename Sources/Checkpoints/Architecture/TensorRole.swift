/// What a tensor is for: recipes choose number formats by it.
public enum TensorRole: String, CaseIterable, Sendable {
  case embedding
  case output
  case norm
  case bias
  case attention
  /// DeepSeek's attention through low-rank projections.
  case lowRankAttention = "low-rank-attention"
  case attentionSink = "attention-sink"
  case compressor
  case indexer
  case indexerQuery = "indexer-query"
  case feedForward = "feed-forward"
  case sharedExpert = "shared-expert"
  case routedExpert = "routed-expert"
  case router
  case routerBias = "router-bias"
  case routingTable = "routing-table"
  case hyperConnection = "hyper-connection"
  case draftProjection = "draft-projection"
  case ropeFrequencies = "rope-frequencies"
  /// The factors of NVFP4 weights, beside them in the output; no source has it.
  case weightScale = "weight-scale"
}
