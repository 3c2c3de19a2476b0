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
