import Kernels
import Testing

@Suite struct FloatSliceTests {
    @Test func slicesShareMemory() {
        let arena = FloatArena(count: 10)
        #expect(arena.all.array == Array(repeating: 0, count: 10))
        let part = arena.all[2..<6]
        part.fill(1)
        part[1..<3].copy(from: [7, 8])
        part[0] = 5
        part.withMutableSpan { $0[3] = 9 }
        #expect(arena.all.array == [0, 0, 5, 7, 8, 9, 0, 0, 0, 0])
        #expect(part.withSpan { $0[1] } == 7)
        arena.all[6..<10].copy(from: part)
        #expect(arena.all.array == [0, 0, 5, 7, 8, 9, 5, 7, 8, 9])
    }

    @Test func aSliceOutlivesItsArenasName() {
        func make() -> FloatSlice { FloatArena.holding([1, 2, 3])[1..<3] }
        #expect(make().array == [2, 3])
    }

    @Test func accessOutsideTraps() async {
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 3).all[1..<4] }
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 3).all[3] }
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 6).all[0..<2][2..<3] }
        await #expect(processExitsWith: .failure) {
            _ = MatrixView(FloatArena(count: 8).all, rows: 3, columns: 3)
        }
    }
}
