/// The sequential colours of heat maps: from the page's own background through red to violet, darker with more on a
/// light page and lighter with more on a dark one. Lightness changes evenly, so that the order survives colour
/// blindness and a grey printer.
package enum HeatColours {
    /// An sRGB colour.
    package struct Colour: Hashable, Sendable {
        var red: UInt8
        var green: UInt8
        var blue: UInt8

        init(_ hex: UInt32) {
            red = UInt8(truncatingIfNeeded: hex >> 16)
            green = UInt8(truncatingIfNeeded: hex >> 8)
            blue = UInt8(truncatingIfNeeded: hex)
        }

        /// `#rrggbb`.
        package var hex: String {
            let value = UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue)
            let digits = String(value, radix: 16)
            return "#" + String(repeating: "0", count: 6 - digits.count) + digits
        }

        /// WCAG's relative luminance.
        package var luminance: Double {
            func linear(_ component: UInt8) -> Double {
                let share = Double(component) / 255
                return share <= 0.04045 ? share / 12.92 : powerOfTen(2.4 * decimalLogarithm((share + 0.055) / 1.055))
            }
            return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
        }

        /// WCAG's contrast ratio between two colours: 4.5 and more is easily read.
        package func contrast(with other: Colour) -> Double {
            let high = max(luminance, other.luminance)
            let low = min(luminance, other.luminance)
            return (high + 0.05) / (low + 0.05)
        }

        /// The ink that reads best on this colour.
        package var ink: Colour {
            let dark = Colour(0x14_1216)
            let light = Colour(0xFF_FFFF)
            return contrast(with: dark) >= contrast(with: light) ? dark : light
        }

        static func mix(_ first: Colour, _ second: Colour, _ share: Double) -> Colour {
            func between(_ from: UInt8, _ to: UInt8) -> UInt8 {
                UInt8((Double(from) + (Double(to) - Double(from)) * min(max(share, 0), 1)).rounded())
            }
            var colour = first
            colour.red = between(first.red, second.red)
            colour.green = between(first.green, second.green)
            colour.blue = between(first.blue, second.blue)
            return colour
        }
    }

    /// From little to much on a light page.
    package static let light = ramp([
        Colour(0xFF_FDFA), Colour(0xFB_EBDC), Colour(0xF8_CFB0), Colour(0xF6_AD84), Colour(0xF4_865E),
        Colour(0xED_5A45),
        Colour(0xD6_2F48), Colour(0xB3_1A56), Colour(0x8A_1D5A), Colour(0x5F_1E50), Colour(0x35_193E),
    ])

    /// From little to much on a dark page.
    package static let dark = ramp([
        Colour(0x1C_1B20), Colour(0x35_1C3C), Colour(0x52_1E4C), Colour(0x74_1F57), Colour(0x97_1C5B),
        Colour(0xB9_1D56),
        Colour(0xD6_3149), Colour(0xEA_5545), Colour(0xF3_8059), Colour(0xF6_AB83), Colour(0xFA_DFC6),
    ])

    private static func ramp(_ anchors: [Colour]) -> [Colour] {
        (0..<HeatScale.levelCount).map { level in
            let place = Double(level) / Double(HeatScale.levelCount - 1) * Double(anchors.count - 1)
            let index = min(Int(place), anchors.count - 2)
            return Colour.mix(anchors[index], anchors[index + 1], place - Double(index))
        }
    }
}
