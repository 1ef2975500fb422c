/// How a sync is going.
public enum SyncState: Equatable, Sendable {
    /// None runs. `last` is what the last one did; nil if there was none since the start or it was
    /// cancelled.
    case idle(last: SyncReport?)
    /// One runs and has come this far.
    case running(SyncProgress)
    /// None runs; the last one failed.
    case failed(FieldfareError)
}

final class ProgressInto: SyncListener {
    private let hub: Hub<SyncState>

    init(_ hub: Hub<SyncState>) {
        self.hub = hub
    }

    func progress(progress: SyncProgress) throws {
        hub.send(.running(progress))
    }
}
