/// The library's log lines of at least this gravity, in batches, while they are read. They hold no
/// personal data. One reader at a time, for every engine of the process: the latest counts.
public func logs(_ level: LogLevel) -> AsyncStream<[LogEntry]> {
    AsyncStream { continuation in
        do {
            let logging = try startLogging(sink: LinesInto(continuation), level: level)
            continuation.onTermination = { _ in logging.stop() }
        } catch {
            continuation.finish()
        }
    }
}

private final class LinesInto: LogSink {
    private let continuation: AsyncStream<[LogEntry]>.Continuation

    init(_ continuation: AsyncStream<[LogEntry]>.Continuation) {
        self.continuation = continuation
    }

    func log(entries: [LogEntry]) throws {
        continuation.yield(entries)
    }
}
