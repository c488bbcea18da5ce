/// The marks of charts, drawn once and referred to: one shape for each output's colour.
enum MarkSymbols {
  static func write(to html: inout HTMLWriter) {
    html.literal(
      """
      <svg class="marks" width="0" height="0" aria-hidden="true"><defs>
      <circle id="m0" r="4"/><rect id="m1" x="-3.5" y="-3.5" width="7" height="7"/>
      <path id="m2" d="M0-5 5 0 0 5-5 0Z"/><path id="m3" d="M0-4.6 4.6 3.6H-4.6Z"/>
      <path id="m4" d="M0 4.6 4.6-3.6H-4.6Z"/>
      <path id="m5" d="M-4.5-1.5H-1.5V-4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5Z"/>
      <path id="m6" d="M-5-2.5H5V2.5H-5Z"/><path id="m7" d="M-2.5-5H2.5V5H-2.5Z"/>
      <circle id="k-open" class="open" r="4"/><circle id="k-full" r="5"/>
      <path id="k-tick" d="M-1-6H1V6H-1Z"/><path id="k-end" d="M0-5 5 0 0 5-5 0Z"/>
      </defs></svg>

      """)
  }
}
