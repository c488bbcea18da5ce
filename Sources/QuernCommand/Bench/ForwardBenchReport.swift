import Quern
import QuernContainers

/// What a forward pass through one layer took.
struct ForwardBenchReport {
  struct Layer {
    let seconds: Double
    /// Of weights that were read.
    let byteCount: Int
    /// Of products with weights; those of attention are not counted.
    let multiplyAddCount: Int
    let peakByteCount: Int
    /// Reading and decoding the same weights alone.
    let readingSeconds: Double
  }

  let tokens: Int
  let threads: Int
  var products: [ProductBenchmark.Measurement] = []
  var layers: [Layer] = []

  init(tokens: Int, threads: Int) { (self.tokens, self.threads) = (tokens, threads) }

  private var median: Layer {
    layers.sorted { $0.seconds < $1.seconds }[layers.count / 2]
  }

  private var peakRate: Double { products.map(\.peakRate).max() ?? 1 }

  /// What the time went to more than to anything else.
  private var bound: String {
    median.readingSeconds > median.seconds / 2 ? "reading and decoding weights" : "arithmetic"
  }

  private var fractionOfPeak: Double {
    Double(median.multiplyAddCount) / median.seconds / (peakRate * Double(threads))
  }

  var text: String {
    let layer = median
    var table = TextTable([.left, .right])
    table.add(["seconds", layer.seconds.fixed(2)])
    table.add(["weights read", layer.byteCount.bytesText])
    table.add([
      "weights per second", (Double(layer.byteCount) / layer.seconds / 1e9).fixed(2) + " GB/s",
    ])
    table.add([
      "products", (2 * Double(layer.multiplyAddCount) / layer.seconds / 1e9).fixed(1) + " GFLOP/s",
    ])
    table.add(["of the peak of \(threads) threads", (100 * fractionOfPeak).fixed(0) + " %"])
    table.add(["reading and decoding alone", layer.readingSeconds.fixed(2) + " s"])
    table.add(["peak memory", layer.peakByteCount.bytesText])
    table.add(["bound by", bound])
    var slices = TextTable(
      [.right, .right, .right, .right],
      header: ["rows", "products GFLOP/s", "peak GFLOP/s", "of the peak"])
    for product in products {
      slices.add([
        "\(product.rows)", (2 * product.productRate / 1e9).fixed(1),
        (2 * product.peakRate / 1e9).fixed(1),
        (100 * product.productRate / product.peakRate).fixed(0) + " %",
      ])
    }
    return "\(tokens.grouped) tokens through one layer, \(threads) threads\n" + table.text()
      + "\nProducts with decoded weights, rows of 4,096, one thread\n" + slices.text()
  }

  var json: String {
    let layer = median
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("tokens", tokens)
    writer.member("threads", threads)
    writer.member("seconds", layer.seconds)
    writer.member("weight_bytes", layer.byteCount)
    writer.member("multiply_adds", layer.multiplyAddCount)
    writer.member("reading_seconds", layer.readingSeconds)
    writer.member("peak_bytes", layer.peakByteCount)
    writer.member("bound_by", bound)
    writer.key("products")
    writer.beginArray()
    for product in products {
      writer.beginObject()
      writer.member("rows", product.rows)
      writer.member("multiply_adds_per_second", product.productRate)
      writer.member("peak_multiply_adds_per_second", product.peakRate)
      writer.end()
    }
    writer.end()
    writer.end()
    return String(decoding: writer.drain(), as: UTF8.self)
  }
}
