import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// A page taken apart: every element, and all text that is shown.
final class PageDocument: NSObject, XMLParserDelegate {
  private(set) var elements: [String: Int] = [:]
  /// Every attribute's name with its values.
  private(set) var attributes: [String: Set<String>] = [:]
  /// The texts of elements, by name, in order.
  private(set) var texts: [String: [String]] = [:]
  private var open: [(name: String, text: String)] = []

  /// Fails where the page is not well formed.
  init(_ html: String) throws {
    super.init()
    let parser = XMLParser(data: Data(html.utf8))
    parser.delegate = self
    try #require(
      parser.parse(),
      "line \(parser.lineNumber): \(String(describing: parser.parserError))")
  }

  var text: String { texts["html"]?.joined() ?? "" }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes values: [String: String]
  ) {
    elements[name, default: 0] += 1
    for (key, value) in values { attributes[key, default: []].insert(value) }
    open.append((name, ""))
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    for index in open.indices { open[index].text += text }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    guard let element = open.popLast() else { return }
    texts[name, default: []].append(element.text)
  }
}
