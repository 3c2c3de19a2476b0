import Rendering
import Testing

@Suite("Heat colours")
struct HeatScaleTests {
    @Test("Levels of a linear and a logarithmic scale")
    func levels() {
        let linear = HeatScale(.linear, from: 0, to: 16)
        #expect([-1, 0, 0.99, 1, 15.9, 16, .infinity].map { linear.level(of: $0) } == [0, 0, 0, 1, 15, 15, 15])
        let ratio = HeatScale(.logarithmic, from: 0.001, to: 1)
        #expect([0, -1, 0.001, 0.0316227767, 1].map { ratio.level(of: $0) } == [0, 0, 0, 8, 15])
        #expect(linear.level(of: .nan) == nil)
    }

    @Test("Ranges that cannot be drawn are mended")
    func degenerate() {
        for values in [[], [.nan], [0], [0, 0], [-1], [.infinity], [.leastNormalMagnitude / 4]] as [[Double]] {
            for transform in [HeatScale.Transform.linear, .logarithmic] {
                let scale = HeatScale.fitting(values, transform)
                #expect(scale.lower < scale.upper)
                #expect(scale.level(of: 0.5) != nil)
            }
        }
    }

    @Test("A few outliers do not take the colour from all others, and what is below the floor has none")
    func outliers() {
        let values = (1...100).map { Double($0) / 1000 } + [1e-9, 50]
        let scale = HeatScale.fitting(values, .logarithmic, floor: 1e-4, decades: 4, topShare: 0.02)
        #expect(scale.upper == 0.099)
        #expect(scale.lower == 1e-4)
        #expect(scale.isCutAtTop)
        #expect(scale.level(of: 50) == 15)
        #expect(scale.level(of: 0.05).map { $0 > 8 } == true)
        #expect(scale.level(of: 1e-9) == 0)
        #expect(!HeatScale.fitting([0.1, 0.2], .logarithmic, floor: 1e-4, topShare: 0.02).isCutAtTop)
        let quiet = HeatScale.fitting([1e-9, 1e-7], .logarithmic, floor: 1e-4, topShare: 0.02)
        #expect(quiet.level(of: 1e-7) == 0)
    }

    @Test("Text on every level can be read")
    func contrast() {
        for ramp in [HeatColours.light, HeatColours.dark] {
            #expect(ramp.count == HeatScale.levelCount)
            for colour in ramp { #expect(colour.contrast(with: colour.ink) >= 4.5, "\(colour.hex)") }
        }
    }

    @Test("Lightness falls evenly on a light page and rises on a dark one")
    func monotone() {
        #expect(zip(HeatColours.light, HeatColours.light.dropFirst()).allSatisfy { $0.luminance > $1.luminance })
        #expect(zip(HeatColours.dark, HeatColours.dark.dropFirst()).allSatisfy { $0.luminance < $1.luminance })
    }
}
