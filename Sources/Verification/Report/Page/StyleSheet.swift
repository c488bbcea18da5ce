/// The styles of a page: four sheets, in this order.
///
/// Colours are variables that change with the reader's scheme. Each output has one (`--c0` to `--c7`),
/// used for lines, marks, bars and badges alike.
enum StyleSheet {
  static let colours: StaticString = """
    :root{--page:#fafaf8;--panel:#fff;--ink:#1d2126;--quiet:#59616b;--rule:#e2e2dd;
    --track:#eeeeea;
    --c0:#1f62b4;--c1:#b3500b;--c2:#0b7a66;--c3:#a0288c;--c4:#6c6a00;--c5:#b4233a;--c6:#5b4bc4;
    --c7:#4f5b66;
    --on:#fff;--hx:#e3efe6;--h0:#f4f3ee;--h1:#fbeed2;--h2:#f9dfae;--h3:#f6c98a;--h4:#f0ac6b;
    --h5:#e48a52;
    --h6:#bd5034;--h7:#a63a35;--h8:#6f1d33;--dark:#1d2126;--middle:#1d2126;--light:#fff}
    @media(prefers-color-scheme:dark){:root{--page:#14171a;--panel:#1b1f23;--ink:#e7e9eb;
    --quiet:#a2abb4;
    --rule:#30363c;--track:#282e33;--c0:#6fb0f5;--c1:#f0995c;--c2:#4fc4ab;--c3:#e58bd3;
    --c4:#cfc95a;
    --c5:#f58a94;--c6:#aea3ff;--c7:#b3bec8;--on:#14171a;--hx:#21362b;--h0:#2b2a2a;--h1:#40342a;
    --h2:#57402c;
    --h3:#74502f;--h4:#8a592c;--h5:#c07c3a;--h6:#de9448;--h7:#f3b866;--h8:#fde0a2;--dark:#e7e9eb;
    --middle:#14171a;--light:#14171a}}
    @media print{:root{--page:#fff}}

    """

  static let layout: StaticString = """
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%}
    body{margin:0 auto;max-width:78rem;padding:1.5rem 1rem 3rem;background:var(--page);
    color:var(--ink);
    font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;
    font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
    .marks{position:absolute}
    h1,h2,h3{line-height:1.25;margin:0;font-weight:650}
    h1{font-size:1.75rem;letter-spacing:-.01em}h2{font-size:1.2rem}h3{font-size:.95rem}
    p{margin:0}.about,.note,footer{color:var(--quiet);font-size:.87rem}
    section>.about{max-width:46rem;margin:.2rem 0 1rem}
    .brand{color:var(--quiet);font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;
    margin-bottom:.2rem}
    section{margin-top:2.6rem}.cards{margin-top:1.4rem}
    .cards,.grid1,.grid2,.grid3,.pairs{display:grid;gap:1rem}
    .cards{grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr))}
    .grid2{grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr))}
    .grid3{grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr))}
    .pairs{grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}
    .panel,figure,.card{background:var(--panel);border:1px solid var(--rule);border-radius:8px;
    padding:1rem;margin:0;min-width:0}
    .card{border-top:3px solid var(--c)}.card h2{font-size:1.05rem}
    .card dl{display:grid;grid-template-columns:repeat(3,1fr);gap:1rem .8rem;margin:.9rem 0 0}
    .one .card dl{grid-template-columns:repeat(auto-fit,minmax(9rem,1fr))}
    dt{color:var(--quiet);font-size:.8rem;line-height:1.3}dd{margin:0}
    .card dd b{display:block;font-size:1.3rem;font-weight:650;line-height:1.3;white-space:nowrap}
    .card dd small{display:block;color:var(--quiet);font-size:.75rem;line-height:1.3}
    .one .card dd b{font-size:1.6rem}
    .badge{display:inline-block;min-width:1.45em;padding:0 .35em;border-radius:4px;
    background:var(--c);
    color:var(--on);font-size:.8em;font-weight:650;text-align:center;line-height:1.5}
    .panel h3,.panel .bar{margin-bottom:.7rem}.note{margin-top:.8rem}
    details{margin-top:.8rem}summary{cursor:pointer;font-size:.87rem;color:var(--quiet);
    overflow-wrap:anywhere}
    summary:hover{color:var(--ink)}
    :focus-visible{outline:2px solid var(--c0);outline-offset:2px}
    .facts{display:grid;grid-template-columns:9rem minmax(0,1fr);gap:.25rem 1rem;font-size:.87rem;
    margin:.6rem 0 1rem}
    footer{margin-top:2.6rem;border-top:1px solid var(--rule);padding-top:1rem}
    @media(max-width:40rem){.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.5rem}
    .card dl{grid-template-columns:repeat(2,1fr)}body{padding-top:1rem}section{margin-top:2.1rem}
    .cards{margin-top:1.2rem}h1{font-size:1.5rem}.panel,figure,.card{padding:.8rem}}
    @media print{body{max-width:none;padding:0;font-size:11px}
    .panel,figure,.card,tr{break-inside:avoid}
    h2,h3{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
    .b0,.e0{--c:var(--c0)}.b1,.e1{--c:var(--c1)}.b2,.e2{--c:var(--c2)}.b3,.e3{--c:var(--c3)}
    .b4,.e4{--c:var(--c4)}.b5,.e5{--c:var(--c5)}.b6,.e6{--c:var(--c6)}.b7,.e7{--c:var(--c7)}

    """

  static let tables: StaticString = """
    .frame{overflow-x:auto;max-width:100%}.moves{overflow-wrap:normal}
    table{border-collapse:collapse;width:100%;font-size:.87rem}
    caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
    white-space:nowrap}
    th,td{padding:.28rem .5rem;border-bottom:1px solid var(--rule);text-align:left;
    vertical-align:baseline;
    font-weight:400}
    th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}
    tr:last-child>*{border-bottom:0}
    thead th{color:var(--quiet);font-size:.8rem;vertical-align:bottom}
    .n{text-align:right;white-space:nowrap}.whole{white-space:nowrap}
    .t small{display:block;color:var(--quiet);font-size:.78rem;
    line-height:1.3}
    .moves tbody th{position:sticky;left:0;background:var(--panel);white-space:nowrap}
    .shade{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.45em;
    background:var(--c)}
    section>.frame,section>details>.frame{background:var(--panel);border:1px solid var(--rule);
    border-radius:8px;padding:.5rem 1rem}
    @media(max-width:40rem){.blocks,.blocks tbody,.blocks th,.blocks td{display:block}
    .blocks thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
    .blocks tr{display:grid;grid-template-columns:1fr 1fr;gap:.4rem 1rem;padding:.7rem 0;
    border-bottom:1px solid var(--rule)}.blocks tr:last-child{border:0}
    .blocks td,.blocks th{border:0;padding:.1rem 0;white-space:normal}
    .blocks th{grid-column:1/-1}.blocks td{text-align:left}
    .blocks td::before{content:attr(data-label);display:block;color:var(--quiet);
    font-size:.78rem;line-height:1.3}
    .fits th,.fits td{padding-left:.2rem;padding-right:.2rem}.fits{font-size:.82rem}}

    """

  static let charts: StaticString = """
    figcaption{font-size:.87rem;font-weight:600;margin-bottom:.7rem}
    .wide{margin-top:1rem}
    svg{display:block;overflow:visible}svg text{font-size:12px;fill:var(--quiet);stroke:none}
    .chart{width:100%;padding:0 8px 0 54px}.range{width:100%;padding:0 8px}.bar{width:100%}
    .heat{width:100%;padding:0 0 0 7.6rem}
    .grid{stroke:var(--rule);stroke-width:1}
    .end{text-anchor:end}.middle{text-anchor:middle}
    polyline,.mark line{fill:none;stroke:var(--c);stroke-width:1.75;
    vector-effect:non-scaling-stroke;
    stroke-linejoin:round}
    use{fill:var(--c)}.q{opacity:0}.q:hover{opacity:1}
    .d1{stroke-dasharray:6 4}.d2{stroke-dasharray:2 3}.d3{stroke-dasharray:8 3 2 3}
    .c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}
    .c4{--c:var(--c4)}.c5{--c:var(--c5)}.c6{--c:var(--c6)}.c7{--c:var(--c7)}
    .legend{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;list-style:none;margin:0 0 .8rem;
    padding:0;font-size:.87rem}
    .legend small{color:var(--quiet)}
    .mark{display:inline-block;vertical-align:middle;margin-right:.5rem}
    .bar .s0,.bar .s1,.bar .s2{fill:var(--c)}.track{fill:var(--track)}
    .s1{opacity:.6}.s2{opacity:.3}
    .span{stroke:var(--c);stroke-width:1.5}.doubt{stroke:var(--c);stroke-width:9;opacity:.35}
    .open{fill:var(--panel);stroke:var(--c);stroke-width:1.75}
    .range .row{fill:var(--ink);paint-order:stroke;stroke:var(--panel);stroke-width:4px;
    stroke-linejoin:round}
    .heat rect{shape-rendering:crispEdges}.gaps rect{stroke:var(--panel);stroke-width:1}
    .hx{fill:var(--hx)}.h0{fill:var(--h0)}.h1{fill:var(--h1)}.h2{fill:var(--h2)}
    .h3{fill:var(--h3)}
    .h4{fill:var(--h4)}.h5{fill:var(--h5)}.h6{fill:var(--h6)}.h7{fill:var(--h7)}
    .h8{fill:var(--h8)}
    svg .kx,svg .k0,svg .k1,svg .k2,svg .k3,svg .k4{fill:var(--dark);pointer-events:none}
    svg .k5{fill:var(--middle);pointer-events:none}
    svg .k6,svg .k7,svg .k8{fill:var(--light);pointer-events:none}
    .key{display:flex;flex-wrap:wrap;gap:2px;margin:1.2rem 0 1rem;font-size:.75rem}
    .key span{padding:.1rem .45rem;color:var(--dark)}
    .key .kx{background:var(--hx)}.key .k0{background:var(--h0)}.key .k1{background:var(--h1)}
    .key .k2{background:var(--h2)}.key .k3{background:var(--h3)}.key .k4{background:var(--h4)}
    .key .k5{background:var(--h5);color:var(--middle)}.key .k6{background:var(--h6);
    color:var(--light)}
    .key .k7{background:var(--h7);color:var(--light)}.key .k8{background:var(--h8);
    color:var(--light)}

    """
}
