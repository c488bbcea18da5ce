import QuernContainers
import QuernTensors

/// The tensors of a checkpoint, each with what belongs to it, and what is wrong with single ones.
struct PairedTensors {
  var tensors: [SourceTensor] = []
  var problems: [InputProblem] = []
  var warnings: [String] = []
}
