/// How the words differ: KL divergence, first choices, perplexity.
struct WordsSection {
  let entries: [ReportEntry]

  private var series: [ParitySeries] {
    ParitySeries.all(entries).filter { $0.parity.result != nil }
  }

  func write(to html: inout HTMLWriter) {
    let series = series
    guard !series.isEmpty else { return }
    html.section(
      "What the model says",
      """
      The next token by output and by checkpoint, compared at every place that is scored. KL \
      divergence in nats; ± is one standard error.
      """
    ) { html in
      table(series).write(to: &html)
      writeTokens(series, &html)
      writeRanges(series, &html)
    }
  }

  private func table(_ series: [ParitySeries]) -> ReportTable {
    let columns = [
      "Output", "KL mean", "median", "99 %", "max", "Same first choice", "Perplexity",
      "of the checkpoint", "Change",
    ]
    var table = ReportTable(
      "KL divergence, first choices and perplexity", .blocks,
      header: columns.enumerated().map { $0 == 0 ? .text($1) : .number($1) },
      labels: [
        "Output", "KL mean", "KL median", "KL 99th percentile", "KL maximum", "Same first choice",
        "Perplexity", "Checkpoint's perplexity", "Change of perplexity",
      ])
    for series in series {
      guard let result = series.parity.result else { continue }
      let kl = result.divergence
      let name = ReportTable.Cell(isNumber: false) { html in
        html.label(series.entry)
        html.element("small", " " + series.detail)
      }
      let figures = [
        kl.mean.text(), kl.median.significant(3), kl.p99.significant(3), kl.max.significant(3),
        result.sameTop.text(scale: 100, unit: " %"), result.outputPerplexity.text(),
        result.checkpointPerplexity.text(), change(result),
      ]
      table.rows.append([name] + figures.map { .number($0) })
    }
    return table
  }

  private func change(_ result: ParityFile.Result) -> String {
    let (output, checkpoint) = (result.outputPerplexity.value, result.checkpointPerplexity.value)
    guard checkpoint > 0 else { return "–" }
    let change = output / checkpoint - 1
    return (change > 0 ? "+" : "") + (100 * change).fixed(2) + " %"
  }

  /// On which tokens, and whether all runs had the same.
  private func writeTokens(_ series: [ParitySeries], _ html: inout HTMLWriter) {
    var texts: [String] = []
    for series in series {
      let text = series.parity.tokens.text
      if !texts.contains(text) { texts.append(text) }
    }
    html.element("p", ["class": "note"]) { html in
      if texts.count == 1 {
        html.text("Tokens: \(texts[0]).")
      } else {
        html.element("strong", "The runs saw different tokens; their figures do not compare. ")
        for series in series {
          html.badge(series.entry)
          html.text(" \(series.parity.tokens.text). ")
        }
      }
    }
  }

  private func writeRanges(_ series: [ParitySeries], _ html: inout HTMLWriter) {
    html.element("figure", ["class": "wide"]) { html in
      html.element("figcaption", "KL divergence: how far the tokens are spread")
      RangeChart(
        title: "KL divergence of each run: median, mean, 99th percentile and maximum",
        rows: series.compactMap { series in
          series.parity.result.map {
            RangeChart.Row(
              colour: series.entry.colour,
              label: "\(series.entry.letter)  \(series.entry.name), \(series.detail)",
              divergence: $0.divergence)
          }
        }
      ).write(to: &html)
      html.element(
        "p", ["class": "note"],
        """
        ○ median, ● mean with two standard errors either way, ❙ 99th percentile, ◆ maximum; by \
        powers of ten.
        """
      )
    }
  }
}

extension ParityFile.Tokens {
  /// "built-in text, 4,096 in 8 sequences of 512, 2,040 of them scored"
  var text: String {
    let all = "\(count.grouped) in \(String.counted(sequences, "sequence"))"
    let lengths = "of \(sequenceLength.grouped), \(scored.grouped) of them scored"
    return "\(source.shortened(to: 80)), \(all) \(lengths)"
  }
}
