/// The colours and type that charts and report pages share.
enum ChartStyle {
    /// How many colours series cycle through.
    static let seriesCount = 8

    /// Custom properties for light and dark; the ink and the series colours keep a contrast of 3:1 and more on their
    /// background.
    static let variables: String = {
        func block(_ pairs: [(String, String)], _ heat: [HeatColours.Colour]) -> String {
            let plain = pairs.map { "--\($0.0):\($0.1);" }.joined()
            let levels = heat.enumerated().map {
                "--q\($0.offset):\($0.element.hex);--i\($0.offset):\($0.element.ink.hex);"
            }
            return plain + levels.joined()
        }
        let light = block(
            [
                ("page", "#fbfaf7"), ("surface", "#ffffff"), ("ink", "#1d1b20"), ("ink2", "#55515a"),
                ("ink3", "#726d76"),
                ("line", "#e5e1da"), ("accent", "#9a1c56"), ("good", "#12734f"), ("warning", "#8f5a00"),
                ("bad", "#b3261e"), ("s0", "#1f6fb2"), ("s1", "#cf5404"), ("s2", "#12805f"), ("s3", "#7b4fb5"),
                ("s4", "#c2256c"), ("s5", "#866a00"), ("s6", "#4d5a66"), ("s7", "#0b8296"),
            ], HeatColours.light)
        let dark = block(
            [
                ("page", "#131217"), ("surface", "#1c1b20"), ("ink", "#f1eef3"), ("ink2", "#bdb7c2"),
                ("ink3", "#968f9c"),
                ("line", "#35323b"), ("accent", "#f58ab5"), ("good", "#5fd0a0"), ("warning", "#e9b04c"),
                ("bad", "#ff8a80"), ("s0", "#6db3f2"), ("s1", "#ff9e57"), ("s2", "#4fd1a5"), ("s3", "#b79bf0"),
                ("s4", "#f472ab"), ("s5", "#e0c04a"), ("s6", "#a9b4be"), ("s7", "#5fd0e0"),
            ], HeatColours.dark)
        return """
            :root{color-scheme:light dark;\(light)}
            @media (prefers-color-scheme:dark){:root{\(dark)}}
            @media print{:root{\(light)}}

            """
    }()

    /// The rules that the charts' elements need.
    static let rules: String = {
        var rules = """
            .chart{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;\
            font-variant-numeric:tabular-nums}
            .chart text{fill:var(--ink2)}
            .chart .title{fill:var(--ink);font-size:16px;font-weight:600}
            .chart .value{fill:var(--ink)}
            .chart .grid{stroke:var(--line);stroke-width:1}
            .chart .axis{stroke:var(--ink3);stroke-width:1}
            .chart .guide{stroke:var(--ink3);stroke-width:1;stroke-dasharray:2 3}
            .chart .curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
            .chart .dashed{stroke-dasharray:6 4}
            .chart .faint{stroke-width:1;opacity:.35}
            .chart .band{opacity:.16;stroke:none}
            .chart .dot{stroke:var(--surface);stroke-width:1.5}
            .chart circle.hit{fill:transparent;stroke:none}
            .chart circle.hit:hover{fill:currentColor;fill-opacity:.25}
            .chart .cell{stroke:var(--line);stroke-width:.75}
            .chart .backdrop{fill:var(--surface)}

            """
        for index in 0..<seriesCount {
            rules += ".chart .s\(index){stroke:var(--s\(index));color:var(--s\(index))}"
            rules += ".chart .f\(index){fill:var(--s\(index));color:var(--s\(index))}\n"
        }
        for level in 0..<HeatScale.levelCount {
            rules += ".chart rect.q\(level){fill:var(--q\(level))}.chart text.i\(level){fill:var(--i\(level))}\n"
        }
        return rules
    }()
}
