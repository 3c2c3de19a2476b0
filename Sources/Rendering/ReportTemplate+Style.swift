extension ReportTemplate {
    /// The page's style; colours and charts have theirs in `ChartStyle`.
    static let style = #"""
        *{box-sizing:border-box}
        html{background:var(--page);color:var(--ink);scroll-behavior:smooth;-webkit-text-size-adjust:100%}
        body{margin:0 auto;max-width:68rem;padding:4rem 2rem 3rem;font:17px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
        code,pre,.code,.tokens{font-family:ui-monospace,"SF Mono","Cascadia Code","JetBrains Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
        p{margin:0 0 1rem;max-width:44rem}
        p:empty{display:none}
        a{color:inherit}
        .kicker{margin:0 0 .6rem;color:var(--accent);font-weight:600;font-size:.85rem;letter-spacing:.04em}
        h1{margin:0 0 1rem;font-size:clamp(1.9rem,5vw,2.9rem);line-height:1.12;letter-spacing:-.022em;font-weight:700;text-wrap:balance;overflow-wrap:anywhere}
        .summary{font-size:1.2rem;line-height:1.55;color:var(--ink2);text-wrap:pretty}
        nav{display:flex;flex-wrap:wrap;gap:.4rem 1.5rem;margin:2rem 0 0;padding:.8rem 0;border-block:1px solid var(--line);font-size:.92rem}
        nav a{color:var(--ink2);text-decoration:none}
        nav a:hover{color:var(--accent)}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(13.5rem,1fr));gap:1rem;margin:2.2rem 0 0}
        .card{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.25rem 1.15rem}
        .card p{margin:0}
        .card .label{font-size:.86rem;color:var(--ink2)}
        .card .figure{font-size:1.85rem;line-height:1.25;font-weight:650;letter-spacing:-.02em;margin:.2rem 0 .3rem;overflow-wrap:anywhere}
        .card .detail{font-size:.86rem;line-height:1.45;color:var(--ink3)}
        .card.good .figure{color:var(--good)}
        .card.warning .figure{color:var(--warning)}
        .card.bad .figure{color:var(--bad)}
        .trend{display:block;width:100%;max-width:10rem;height:28px;margin:.2rem 0 .4rem}
        .trend path{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}
        section{margin:4rem 0 0;scroll-margin-top:1rem}
        h2{margin:0 0 .6rem;font-size:1.6rem;line-height:1.2;letter-spacing:-.015em;font-weight:650}
        h3{margin:2.2rem 0 .5rem;font-size:1.05rem;line-height:1.35;font-weight:600}
        .introduction{color:var(--ink2);text-wrap:pretty}
        figure{margin:1.6rem 0 0;padding:1.2rem 1.3rem 1rem;background:var(--surface);border:1px solid var(--line);border-radius:12px}
        figure h3{margin:0 0 .5rem}
        figcaption{margin-top:.5rem;font-size:.88rem;line-height:1.5;color:var(--ink2);max-width:44rem}
        .plot{overflow-x:auto}
        .plot svg{display:block;width:100%;min-width:40rem;height:auto;overflow:visible}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,29rem),1fr));gap:1.2rem;margin-top:1.6rem}
        .pair figure{margin:0}
        .pair .plot svg{min-width:20rem}
        @media (min-width:64rem){.pair figure:only-child{max-width:calc(50% - .6rem)}}
        .scroll{overflow-x:auto;margin:1.4rem 0 0}
        .scroll+p{margin-top:1rem;color:var(--ink2)}
        table{border-collapse:collapse;width:100%;font-size:.92rem;line-height:1.4}
        caption{text-align:left;font-weight:600;padding:0 0 .6rem}
        th{font-weight:600;color:var(--ink2);font-size:.84rem;text-align:left;vertical-align:bottom;border-bottom:1.5px solid var(--ink3);padding:.35rem 1rem .45rem 0}
        td{padding:.42rem 1rem .42rem 0;border-bottom:1px solid var(--line);vertical-align:baseline}
        th:last-child,td:last-child{padding-right:.2rem}
        td.code{font-size:.86em;overflow-wrap:anywhere;white-space:pre-wrap}
        .right{text-align:right}
        td.right{white-space:nowrap}
        td.strong{font-weight:600}
        td.quiet{color:var(--ink3)}
        td.good{color:var(--good)}
        td.warning{color:var(--warning)}
        td.bad{color:var(--bad)}
        tbody tr:hover{background:color-mix(in srgb,var(--ink) 4%,transparent)}
        .bar{display:inline-block;min-width:6.5rem;padding:.05rem .35rem;border-radius:4px;background:linear-gradient(to left,color-mix(in srgb,var(--s0) 26%,transparent) var(--share),transparent 0)}
        .left .bar{background:linear-gradient(to right,color-mix(in srgb,var(--s0) 26%,transparent) var(--share),transparent 0)}
        th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
        th button:hover{color:var(--accent)}
        th[aria-sort=ascending] button::after{content:" ↑"}
        th[aria-sort=descending] button::after{content:" ↓"}
        .facts{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.5rem 1.8rem;margin:1.4rem 0 0;font-size:.95rem}
        .facts dt{color:var(--ink2)}
        .facts dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
        .facts dd.code{font-size:.88em;line-height:1.75}
        pre{margin:1.2rem 0 0;padding:1rem 1.2rem;background:var(--surface);border:1px solid var(--line);border-radius:10px;font-size:.85rem;line-height:1.6;overflow-x:auto}
        .notes{margin:1.2rem 0 0;padding:0;list-style:none;max-width:46rem}
        .notes li{padding:.1rem 0 .1rem 1.1rem;margin:0 0 .8rem;border-left:3px solid var(--line);color:var(--ink2)}
        details{margin:1.4rem 0 0}
        summary{cursor:pointer;color:var(--ink2);font-size:.95rem}
        summary:hover{color:var(--accent)}
        .heat{margin:1.6rem 0 0}
        .controls{display:none;flex-wrap:wrap;gap:.45rem;margin:0 0 1.1rem}
        .js .controls{display:flex}
        .controls button{font:inherit;font-size:.86rem;line-height:1.3;padding:.35rem .8rem;border-radius:99px;border:1px solid var(--line);background:var(--surface);color:var(--ink2);cursor:pointer}
        .controls button:hover{border-color:var(--ink3)}
        .controls button[aria-pressed=true]{background:var(--ink);border-color:var(--ink);color:var(--page)}
        .legend{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1.3rem;margin:0 0 1.2rem;font-size:.86rem;color:var(--ink2)}
        .legend[hidden]{display:none}
        .legend b{font-weight:600;color:var(--ink)}
        .ramp{display:inline-block;width:18rem;max-width:100%}
        .swatches{display:flex;height:10px;border-radius:3px;overflow:hidden;border:1px solid var(--line)}
        .swatches i{flex:1}
        .ends{display:flex;justify-content:space-between;font-size:.8rem;line-height:1.4;color:var(--ink3)}
        .sample .mark{font-family:ui-monospace,Menlo,Consolas,monospace;padding:0 .25em;margin-right:.2rem}
        .passage{margin:0 0 1.2rem;padding:1rem 1.25rem 1.1rem;background:var(--surface);border:1px solid var(--line);border-radius:12px}
        .passage summary{font-size:.95rem;font-weight:600;color:var(--ink)}
        .passage[open] summary{margin-bottom:.6rem}
        .passage summary small{font-size:.86rem;font-weight:400;color:var(--ink2);margin-left:.5rem}
        .passage:not([open]){padding-block:.55rem;margin-bottom:.5rem}
        .chooser,.filter{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem .9rem;margin:1.2rem 0;font-size:.92rem;color:var(--ink2)}
        .chooser input{flex:1;min-width:9rem;max-width:24rem;accent-color:var(--accent)}
        .chooser output{font-weight:600;color:var(--ink);overflow-wrap:anywhere}
        .filter input{font:inherit;padding:.3rem .7rem;border:1px solid var(--ink3);border-radius:8px;background:var(--surface);color:var(--ink);max-width:100%}
        .js .step-name{display:none}
        [hidden]{display:none!important}
        .tokens{font-size:.92rem;line-height:1.85;white-space:pre-wrap;overflow-wrap:anywhere;cursor:default}
        .tokens .prompt{color:var(--ink3)}
        .tokens span[data-at]{padding:.16em 0}
        .mark{outline:2px solid var(--s0);outline-offset:-1px;border-radius:2px;font-weight:700}
        .tokens span[data-at]:hover,.tokens .here{box-shadow:0 2px 0 0 var(--accent)}
        :focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:3px}
        .measures{margin:0 0 1.2rem;font-size:.9rem}
        .measures dl{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.35rem 1.6rem;margin:.8rem 0 0}
        .measures summary{font-size:.86rem}
        .measures dt{font-weight:600}
        .measures dd{margin:0;color:var(--ink2);max-width:40rem}
        .tip{position:fixed;z-index:9;pointer-events:none;max-width:min(24rem,94vw);padding:.7rem .9rem .75rem;border-radius:10px;background:var(--ink);color:var(--page);font-size:.84rem;line-height:1.5;box-shadow:0 8px 28px rgb(0 0 0/.28)}
        .tip strong{display:block;font-family:ui-monospace,Menlo,Consolas,monospace;margin-bottom:.25rem;white-space:pre-wrap;overflow-wrap:anywhere}
        .tip em{display:block;font-style:normal;margin-bottom:.3rem;opacity:.85}
        .tip dl{display:grid;grid-template-columns:1fr auto;gap:0 1.2rem;margin:0}
        .tip dt{opacity:.75}
        .tip dd{margin:0;text-align:right}
        footer{margin:5rem 0 0;padding-top:1rem;border-top:1px solid var(--line);font-size:.85rem;color:var(--ink3)}
        @media (max-width:40rem){
        body{padding:2.2rem 1.1rem 2rem;font-size:16px}
        section{margin-top:3rem}
        figure,.passage{padding:.9rem .9rem .8rem}
        .facts,.measures dl{grid-template-columns:1fr;gap:.1rem}
        .facts dd,.measures dd{margin-bottom:.7rem}
        .tokens{font-size:.84rem}
        td.code{min-width:11rem}
        .scroll table{width:max-content;min-width:100%}
        .scroll th:first-child,.scroll td:first-child{position:sticky;left:0;background:var(--page);max-width:11rem;overflow-wrap:anywhere;white-space:normal}
        .controls{flex-wrap:nowrap;overflow-x:auto;padding-bottom:.3rem}
        .controls button{flex:none}
        }
        @media print{
        body{max-width:none;padding:0;font-size:10.5pt}
        nav,.js .controls,.tip,.chooser,.filter{display:none}
        *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
        figure,.card,tr,h2,h3{break-inside:avoid}
        h2,h3{break-after:avoid}
        section{margin-top:2rem}
        }
        @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}

        """# + levels

    private static let levels = (0..<HeatScale.levelCount).map { level in
        // The lowest level is the page's own colour: only what stands out is coloured.
        level == 0
            ? ".swatches .q0{background:var(--q0)}\n"
            : ".tokens .q\(level),.swatches .q\(level){background:var(--q\(level));color:var(--i\(level))}\n"
    }.joined()
}
