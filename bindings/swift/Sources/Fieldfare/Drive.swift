import Foundation

/// A drive along the route of a day; see ``FieldfareClient/follow(_:from:)``. The route stays in the
/// library: a fix goes in, a small record comes out.
///
/// Give every fix to ``FieldfareClient/fix(_:context:)`` too, which alone alerts and stores positions. Let
/// go of the drive to leave it; the trip does not end by that.
public final class Drive: Sendable {
    let session: RouteSession
    private let hub = Hub<RouteUpdate>()

    init(_ session: RouteSession) {
        self.session = session
    }

    deinit {
        hub.end()
    }

    /// The answers to the fixes, as ``update(_:courseDeg:)`` gives them, for whoever else looks. Ends with
    /// the drive.
    public var updates: AsyncStream<RouteUpdate> { hub.stream() }

    /// Takes a fix in, and its direction in degrees clockwise from north where the platform gives it.
    @discardableResult
    public func update(_ fix: Fix, courseDeg: Double? = nil) async throws(FieldfareError) -> RouteUpdate {
        let update = try await call { try $0.update(fix: fix, courseDeg: courseDeg) }
        hub.send(update)
        return update
    }

    /// The last update, without its events: for a screen that is shown again.
    public func lastUpdate() async throws(FieldfareError) -> RouteUpdate? {
        try await call { try $0.lastUpdate() }
    }

    /// The route to draw and to list. Read it again when an update has another `routeVersion`.
    public func map() async throws(FieldfareError) -> RouteMap {
        try await call { try $0.map() }
    }

    /// The day that is followed.
    public func date() async throws(FieldfareError) -> CalendarDate {
        try await call { try $0.date() }
    }

    /// Where it stands.
    public func phase() async throws(FieldfareError) -> RoutePhase {
        try await call { try $0.phase() }
    }

    /// The trip so far.
    public func trip() async throws(FieldfareError) -> Trip {
        try await call { try $0.trip() }
    }

    /// Halts following: fixes are looked at, but nothing is said and nothing counts.
    public func pause() async throws(FieldfareError) {
        try await call { try $0.pause() }
    }

    /// Goes on after a pause, from wherever the driver is.
    public func resume() async throws(FieldfareError) {
        try await call { try $0.resume() }
    }

    /// Ends the current step by hand.
    @discardableResult
    public func advance() async throws(FieldfareError) -> [RouteEvent] {
        try await call { try $0.advance() }
    }

    /// Leaves the next stop out and goes on to the one after it.
    @discardableResult
    public func skipStop() async throws(FieldfareError) -> [RouteEvent] {
        try await call { try $0.skipStop() }
    }

    /// Ends the trip; what was saved of it is deleted.
    @discardableResult
    public func end() async throws(FieldfareError) -> Trip {
        try await call { try $0.end() }
    }

    /// Says whether a routing service can be asked now; not, until it is said.
    public func setConnected(_ isConnected: Bool) async throws(FieldfareError) {
        try await call { try $0.setConnected(isConnected: isConnected) }
    }

    /// What to ask a routing service for. Nil before the first fix and after the last stop.
    public func routeQuery() async throws(FieldfareError) -> RouteQuery? {
        try await call { try $0.routeQuery() }
    }

    /// Takes the answer to `RouteAdvice.askForRoute`: OSRM's or Valhalla's JSON for the places of
    /// ``routeQuery()``. Says whether the route is followed: not if the driver is back on the old one, or
    /// the request is not the last.
    @discardableResult
    public func answer(_ request: Int32, _ answer: Data) async throws(FieldfareError) -> Bool {
        try await call { try $0.answer(request: request, answer: answer) }
    }

    /// The request failed; another is made later.
    public func answerFailed(_ request: Int32) async throws(FieldfareError) {
        try await call { try $0.answerFailed(request: request) }
    }

    /// Adds routes to choose from without a connection: OSRM's or Valhalla's JSON, or the bytes of a route.
    /// The newest eight are kept. Says how many were new.
    @discardableResult
    public func addAlternatives(_ answer: Data) async throws(FieldfareError) -> Int32 {
        try await call { try $0.addAlternatives(answer: answer) }
    }

    /// The routes at hand, the best for where the driver is now first. Empty before the first fix.
    public func alternatives() async throws(FieldfareError) -> [RouteAlternative] {
        try await call { try $0.alternatives() }
    }

    /// Follows another of the routes at hand, by its index.
    public func useAlternative(_ index: Int32) async throws(FieldfareError) {
        try await call { try $0.useAlternative(index: index) }
    }

    /// Begins to keep every fix in memory, to replay the drive later. Needs consent for navigation.
    public func record() async throws(FieldfareError) {
        try await call { try $0.record() }
    }

    /// Ends the recording and gives it; redacted it says no more where and when it was. Nil if there is
    /// none.
    public func takeRecording(redacted: Bool = true) async throws(FieldfareError) -> Data? {
        try await call { try $0.takeRecording(redacted: redacted) }
    }

    private func call<T: Sendable>(
        _ work: @escaping @Sendable (RouteSession) throws -> T
    ) async throws(FieldfareError) -> T {
        let session = self.session
        return try await offTheCaller { try work(session) }
    }
}
