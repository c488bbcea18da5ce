import ArgumentParser
import Quern

extension ConversionTarget: ExpressibleByArgument {}
extension ConversionOptions.Relayout: ExpressibleByArgument {}

extension ConversionChoices {
  enum DraftChoice: String, CaseIterable, ExpressibleByArgument { case keep, drop }
  enum NonFiniteChoice: String, CaseIterable, ExpressibleByArgument { case refuse, zero }
}
