import SystemPackage
import TestSupport
import Testing
import Training

@Suite("Metrics")
struct MetricsTests {
    private func record(_ step: Int, loss: Double) -> MetricsRecord {
        var record = MetricsRecord(step: step)
        record.add("loss", loss)
        record.add("bad", .nan)
        record.add("tokens", 4096)
        return record
    }

    @Test("A line is a JSON object; a figure that is not finite is left out")
    func line() {
        #expect(record(3, loss: 0.25).json == #"{"step":3,"loss":0.25,"tokens":4096}"#)
        #expect(record(3, loss: 0.25)["loss"] == 0.25)
        #expect(record(3, loss: 0.25)["bad"] == nil)
    }

    @Test("A resumed log replaces what the file held, so that no step is there twice")
    func resume() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("metrics.jsonl")
        var saved = ""
        do {
            var log = try MetricsLog(startingWith: "", path: path)
            try log.append(record(1, loss: 2))
            saved = log.text
            try log.append(record(2, loss: 1))
        }
        #expect(String(decoding: try path.readBytes(), as: UTF8.self).split(separator: "\n").count == 2)
        var log = try MetricsLog(startingWith: saved, path: path)
        try log.append(record(2, loss: 1))
        let text = String(decoding: try path.readBytes(), as: UTF8.self)
        #expect(text == log.text)
        #expect(text.split(separator: "\n").count == 2)
    }

    @Test("A file that cannot be written is named")
    func unwritable() {
        let error = #expect(throws: TrainingError.self) {
            _ = try MetricsLog(startingWith: "", path: "/nonexistent/metrics.jsonl")
        }
        #expect(error?.description == "/nonexistent/metrics.jsonl: cannot write: No such file or directory")
    }
}
