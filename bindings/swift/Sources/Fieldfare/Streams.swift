import Foundation

/// Notes changes until somebody takes them; what comes meanwhile is merged, so that nothing is lost.
final class Inbox: ChangeListener {
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let waiting = Locked<ChangeNotice?>(nil)

    init() {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func changed(notice: ChangeNotice) throws {
        waiting.with { $0 = $0?.and(notice) ?? notice }
        wake()
    }

    func wake() {
        continuation.yield()
    }

    /// Everything since the last time.
    func take() -> ChangeNotice {
        waiting.with { waiting in
            defer { waiting = nil }
            return waiting ?? .nothing
        }
    }

    func end() {
        continuation.finish()
    }
}

extension ChangeNotice {
    static let nothing = ChangeNotice(
        leads: [], allLeads: false, visits: false, reference: false, consents: false, operations: false,
        days: false)

    /// A notice that says what both say.
    func and(_ other: ChangeNotice) -> ChangeNotice {
        ChangeNotice(
            leads: Set(leads).union(other.leads).sorted(),
            allLeads: allLeads || other.allLeads,
            visits: visits || other.visits,
            reference: reference || other.reference,
            consents: consents || other.consents,
            operations: operations || other.operations,
            days: days || other.days)
    }
}

/// Every inbox somebody reads from.
final class Inboxes: Sendable {
    private let open = Locked<[ObjectIdentifier: Inbox]?>([:])

    func add(_ inbox: Inbox) {
        let isOpen = open.with { open in
            open?[ObjectIdentifier(inbox)] = inbox
            return open != nil
        }
        if !isOpen {
            inbox.end()
        }
    }

    /// Whether the engine was closed.
    var areEnded: Bool { open.with { $0 == nil } }

    func remove(_ inbox: Inbox) {
        open.with { _ = $0?.removeValue(forKey: ObjectIdentifier(inbox)) }
    }

    func end() {
        let ended = open.with { open in
            defer { open = nil }
            return open ?? [:]
        }
        for inbox in ended.values {
            inbox.end()
        }
    }
}

/// Tells many readers; each has its own buffer. May remember the last value for those who come later.
final class Hub<Value: Sendable>: Sendable {
    private struct State {
        var readers: [Int: AsyncStream<Value>.Continuation] = [:]
        var next = 0
        var last: Value?
        var isEnded = false
    }

    private let state: Locked<State>
    private let remembers: Bool

    init(remembering first: Value? = nil) {
        state = Locked(State(last: first))
        remembers = first != nil
    }

    func stream() -> AsyncStream<Value> {
        AsyncStream(bufferingPolicy: .bufferingNewest(64)) { continuation in
            let number = state.with { state -> Int? in
                if let last = state.last {
                    continuation.yield(last)
                }
                if state.isEnded {
                    return nil
                }
                state.next += 1
                state.readers[state.next] = continuation
                return state.next
            }
            guard let number else {
                continuation.finish()
                return
            }
            continuation.onTermination = { [weak self] _ in
                self?.state.with { _ = $0.readers.removeValue(forKey: number) }
            }
        }
    }

    func send(_ value: Value) {
        let readers = state.with { state in
            if remembers {
                state.last = value
            }
            return state.readers
        }
        for reader in readers.values {
            reader.yield(value)
        }
    }

    func end() {
        let readers = state.with { state in
            defer {
                state.readers = [:]
                state.isEnded = true
            }
            return state.readers
        }
        for reader in readers.values {
            reader.finish()
        }
    }
}

/// The last answer given, to tell whether the next one differs.
final class Latest<Value: Equatable & Sendable>: Sendable {
    private let value = Locked<Value?>(nil)

    /// Whether it is another one.
    func replace(by next: Value) -> Bool {
        value.with { value in
            defer { value = next }
            return value != next
        }
    }
}

/// A value behind a lock.
final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    @discardableResult
    func with<T>(_ work: (inout Value) -> T) -> T {
        lock.lock()
        defer { lock.unlock() }
        return work(&value)
    }
}
