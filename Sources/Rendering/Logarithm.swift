#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

/// The natural logarithm.
func logarithm(_ value: Double) -> Double { log(value) }

/// The logarithm to base ten.
func decimalLogarithm(_ value: Double) -> Double { log10(value) }

/// Ten to the power of `exponent`.
func powerOfTen(_ exponent: Double) -> Double { pow(10, exponent) }
