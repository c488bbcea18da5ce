import ArgumentParser

/// What a checkpoint is turned into.
enum Target: String, CaseIterable, ExpressibleByArgument {
  case gguf
}

extension ConversionChoices {
  enum DraftChoice: String, CaseIterable, ExpressibleByArgument { case keep, drop }
  enum NonFiniteChoice: String, CaseIterable, ExpressibleByArgument { case refuse, zero }
}
