import QuernTensors

/// What dense searches find that no encoder has time for. They share nothing with the encoders: sums in
/// double, one candidate after the other.
package enum DenseSearch {
  /// A scale and minimum for codes from 0 to `top`: value = scale·code − minimum.
  package struct Affine: Sendable {
    package var scale = 0.0
    package var minimum = 0.0
    package var error = Double.infinity
    /// The mean code, by weight.
    var meanCode = 0.0
  }

  package struct Element: Sendable {
    var value: Double
    var weight: Double

    package static func list(_ values: ArraySlice<Float>, _ weights: ArraySlice<Float>)
      -> [Element]
    {
      zip(values, weights).map { Element(value: Double($0), weight: Double($1)) }
    }
  }

  /// The least-squares fit to the codes of some thousand scales and minima, whether these can be
  /// stored or not. Without a free minimum it is at least 0.
  package static func affine(_ elements: [Element], top: Int, minimumIsFree: Bool) -> Affine {
    let values = elements.map(\.value)
    var (least, most) = (values.min() ?? 0, values.max() ?? 0)
    if !minimumIsFree { (least, most) = (min(least, 0), max(most, 0)) }
    var best = Affine()
    for spanTenths in -60...40 {
      let scale = (most - least) / (Double(top) + Double(spanTenths) / 10)
      for lowTenths in -5...20 {
        let fit = refitted(
          elements, scale: scale, minimum: -(least + Double(lowTenths) / 10 * scale), top: top,
          minimumIsFree: minimumIsFree)
        if fit.error < best.error { best = fit }
      }
    }
    return best
  }

  private static func code(_ value: Double, top: Int) -> Double {
    min(max(value.rounded(.toNearestOrEven), 0), Double(top))
  }

  private static func refitted(
    _ elements: [Element], scale: Double, minimum: Double, top: Int, minimumIsFree: Bool
  ) -> Affine {
    var (w, wx, wxx, wq, wqq, wqx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for element in elements {
      let q = code((element.value + minimum) / scale, top: top)
      let (x, weight) = (element.value, element.weight)
      w += weight
      wx += weight * x
      wxx += weight * x * x
      wq += weight * q
      wqq += weight * q * q
      wqx += weight * q * x
    }
    let determinant = w * wqq - wq * wq
    guard determinant > 1e-9 * w * wqq else { return Affine() }
    var fit = Affine(scale: (w * wqx - wq * wx) / determinant, meanCode: wq / w)
    fit.minimum = (fit.scale * wq - wx) / w
    if !minimumIsFree && fit.minimum < 0 { (fit.scale, fit.minimum) = (wqx / wqq, 0) }
    let (s, m) = (fit.scale, fit.minimum)
    fit.error = wxx - 2 * s * wqx + 2 * m * wx + s * s * wqq - 2 * s * m * wq + m * m * w
    return fit
  }

  /// The error of the nearest codes under a scale and minimum.
  private static func error(_ elements: [Element], scale: Double, minimum: Double, top: Int)
    -> Double
  {
    elements.reduce(0) { sum, element in
      let q = scale == 0 ? 0 : code((element.value + minimum) / scale, top: top)
      let error = element.value - (scale * q - minimum)
      return sum + element.weight * error * error
    }
  }

  /// Q4_K and Q5_K: the least error of a super-block over pairs of 14 scales each, with the integers
  /// up to 3 away from the fits of its runs.
  package static func scaleAndMinimum(_ elements: [Element], top: Int) -> Double {
    let runs = stride(from: 0, to: 256, by: 32).map { Array(elements[$0..<$0 + 32]) }
    let fits = runs.map { affine($0, top: top, minimumIsFree: false) }
    let scale = fits.map(\.scale).max() ?? 0, minimum = fits.map(\.minimum).max() ?? 0
    var best = Double.infinity
    for i in 0..<14 {
      for j in 0..<14 {
        let (d, dmin) = (rounded(scale / Double(63 - i)), rounded(minimum / Double(63 - j)))
        var sum = 0.0
        for (run, fit) in zip(runs, fits) where sum < best {
          sum += bestIntegers(run, fit, d: d, dmin: dmin, top: top)
        }
        best = min(best, sum)
      }
    }
    return best
  }

  private static func bestIntegers(
    _ run: [Element], _ fit: Affine, d: Double, dmin: Double, top: Int
  ) -> Double {
    var best = Double.infinity
    for scaleStep in -3...3 {
      let own = min(max((fit.scale / d).rounded() + Double(scaleStep), 0), 63) * d
      let suited = ((own - fit.scale) * fit.meanCode + fit.minimum) / dmin
      for minimumStep in -3...3 {
        let minimum = min(max(suited.rounded() + Double(minimumStep), 0), 63) * dmin
        best = min(best, error(run, scale: own, minimum: minimum, top: top))
      }
    }
    return best
  }

  /// Q6_K and IQ4_XS: the least error of a super-block over 400 scales, with the integers up to 4 away
  /// from those that take an element of largest magnitude to each end of the values.
  package static func scaleOfScales(
    _ elements: [Element], runLength: Int, values: [Double], integers: ClosedRange<Int>
  ) -> Double {
    let runs = stride(from: 0, to: 256, by: runLength).map {
      Array(elements[$0..<$0 + runLength])
    }
    let ends = runs.map { run -> [Double] in
      let largest = run.map(\.value).max { abs($0) < abs($1) } ?? 0
      return [largest / (values.first ?? 1), largest / (values.last ?? 1)]
    }
    let largest = ends.map { abs($0[0]) }.max() ?? 0
    var best = Double.infinity
    for step in 0..<400 {
      let d = rounded(largest / (Double(integers.upperBound) * (1.1 - 0.001 * Double(step))))
      var sum = 0.0
      for (run, ends) in zip(runs, ends) where sum < best {
        sum += bestInteger(run, ends, d: d, values: values, integers: integers)
      }
      best = min(best, sum)
    }
    return best
  }

  private static func bestInteger(
    _ run: [Element], _ ends: [Double], d: Double, values: [Double], integers: ClosedRange<Int>
  ) -> Double {
    var best = Double.infinity
    for end in ends {
      let center = Int((end / d).rounded())
      for integer in (center - 4)...(center + 6) where integers.contains(integer) {
        let scale = d * Double(integer)
        let sum = run.reduce(0.0) { sum, element in
          let error = element.value - scale * nearest(element.value / scale, values)
          return sum + element.weight * error * error
        }
        best = sum < best ? sum : best
      }
    }
    return best
  }

  private static func nearest(_ number: Double, _ values: [Double]) -> Double {
    guard number.isFinite else { return values[0] }
    var (low, high) = (0, values.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if number < values[middle] { high = middle } else { low = middle }
    }
    return number - values[low] <= values[high] - number ? values[low] : values[high]
  }

  private static func rounded(_ scale: Double) -> Double {
    Double(F16.decode(F16.encode(Float(scale))))
  }
}
