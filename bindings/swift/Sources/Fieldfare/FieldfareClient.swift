import Foundation

/// The engine of a field-sales app: leads, proximity, visits, consent and sync, offline first.
///
/// Open one for each folder and process and keep it for as long as the app runs. Every call suspends
/// instead of blocking, so it may come from the main actor. What it writes is durable when it returns.
///
/// Failures are ``FieldfareError``s, one case for each kind.
public final class FieldfareClient: Sendable {
    let engine: FieldfareEngine
    private let alertHub = Hub<NearbyLead>()
    private let syncHub = Hub<SyncState>(remembering: .idle(last: nil))
    private let inboxes = Inboxes()

    private init(engine: FieldfareEngine) {
        self.engine = engine
    }

    deinit {
        endStreams()
        try? engine.shutDown()
    }

    /// Opens the phone's files, making them if there are none. A damaged file is moved aside and kept;
    /// ``openReport()`` says so.
    ///
    /// - Parameters:
    ///   - config: Where the files and the server are.
    ///   - keyVault: Keeps the key that the data key is sealed with, in the platform's key store.
    ///   - httpClient: Carries requests in place of the library's own HTTPS.
    ///   - clock: Tells the time, for tests.
    /// - Throws: `FieldfareError.key` if the files cannot be opened with the vault's key: nothing is
    ///   touched then.
    public static func open(
        _ config: EngineConfig,
        keyVault: any KeyVault,
        httpClient: (any HTTPClient)? = nil,
        clock: (any WallClock)? = nil
    ) async throws(FieldfareError) -> FieldfareClient {
        let transport = httpClient.map(ClientTransport.init)
        let engine = try await offTheCaller {
            try FieldfareEngine.open(
                config: config, keyVault: keyVault, transport: transport, clock: clock)
        }
        return FieldfareClient(engine: engine)
    }

    /// The version of the library.
    public static var version: String { libraryVersion() }

    // MARK: What happens

    /// What changed, in batches, from the moment of asking. Notices that come while the reader is busy
    /// are merged, none is lost. Ends when the engine is closed.
    public var changes: AsyncStream<ChangeNotice> {
        let inbox = Inbox()
        return AsyncStream { continuation in
            attend(to: inbox, onEnd: { _ in continuation.finish() }) {
                continuation.yield(inbox.take())
            } onCancel: {
                continuation.onTermination = $0
            }
        }
    }

    /// Asks `query` now and again after every change, and gives its answer whenever it is another one.
    /// For screens: `for try await leads in client.watch({ try await $0.nearby(here, query).leads })`.
    public func watch<Answer: Equatable & Sendable>(
        _ query: @escaping @Sendable (FieldfareClient) async throws -> Answer
    ) -> AsyncThrowingStream<Answer, any Error> {
        let inbox = Inbox()
        inbox.wake()
        let last = Latest<Answer>()
        return AsyncThrowingStream { continuation in
            attend(to: inbox, onEnd: { continuation.finish(throwing: $0) }) { [weak self] in
                _ = inbox.take()
                guard let self else { return }
                let answer = try await query(self)
                if last.replace(by: answer) {
                    continuation.yield(answer)
                }
            } onCancel: { cancel in
                continuation.onTermination = { _ in cancel(.cancelled) }
            }
        }
    }

    /// Leads the rep should be told of, as ``fix(_:context:)`` and ``fixes(_:context:)`` find them.
    public var alerts: AsyncStream<NearbyLead> { alertHub.stream() }

    /// How the sync that runs, or ran last, is going: now, and whenever it changes.
    public var syncStates: AsyncStream<SyncState> { syncHub.stream() }

    private func attend(
        to inbox: Inbox,
        onEnd: @escaping @Sendable ((any Error)?) -> Void,
        answer: @escaping @Sendable () async throws -> Void,
        onCancel: (@escaping @Sendable (AsyncStream<ChangeNotice>.Continuation.Termination) -> Void) -> Void
    ) {
        let subscription: ChangeSubscription
        do {
            subscription = try engine.subscribe(listener: inbox)
        } catch {
            onEnd(error)
            return
        }
        let inboxes = self.inboxes
        inboxes.add(inbox)
        let task = Task {
            do {
                for await _ in inbox.signals {
                    try await answer()
                }
                onEnd(nil)
            } catch FieldfareError.closed where inboxes.areEnded {
                onEnd(nil)
            } catch {
                onEnd(error)
            }
        }
        onCancel { _ in
            task.cancel()
            subscription.cancel()
            inboxes.remove(inbox)
        }
    }

    // MARK: Who and where

    /// What happened when the files were opened.
    public func openReport() async throws(FieldfareError) -> OpenReport {
        try await call { try $0.openReport() }
    }

    /// Makes this install a device of a rep, by the one-time code the company gave out.
    @discardableResult
    public func enrol(code: String, deviceName: String) async throws(FieldfareError) -> Enrolment {
        try await asFieldfareError { try await self.engine.enrol(code: code, deviceName: deviceName) }
    }

    /// Who this device belongs to; nil before ``enrol(code:deviceName:)``.
    public func enrolment() async throws(FieldfareError) -> Enrolment? {
        try await call { try $0.enrolment() }
    }

    /// The rep this device belongs to.
    public func rep() async throws(FieldfareError) -> Rep {
        try await call { try $0.rep() }
    }

    /// Where the engine stands.
    public func status() async throws(FieldfareError) -> EngineStatus {
        try await call { try $0.status() }
    }

    // MARK: Leads

    /// A lead.
    public func lead(_ id: LeadId) async throws(FieldfareError) -> Lead {
        try await call { try $0.lead(id: id) }
    }

    /// Leads in the order asked, at most 200; those that are not there are left out.
    public func leads(_ ids: [LeadId]) async throws(FieldfareError) -> [Lead] {
        try await call { try $0.leads(ids: ids) }
    }

    /// A page of 1 to 200 leads, after the `next` of the page before.
    public func leadsPage(
        _ filter: LeadFilter = LeadFilter(),
        order: LeadOrder = .name,
        after: String? = nil,
        limit: Int = 50
    ) async throws(FieldfareError) -> LeadPage {
        let limit = Int32(clamping: limit)
        return try await call {
            try $0.leadsPage(filter: filter, order: order, after: after, limit: limit)
        }
    }

    /// Every lead that passes, page by page, as the reader asks for them.
    public func allLeads(_ filter: LeadFilter = LeadFilter(), order: LeadOrder = .name) -> AllLeads {
        AllLeads(client: self, filter: filter, order: order)
    }

    /// Leads whose name, address or notes have the words typed, best first. The last word may be a
    /// beginning; accents and case do not count.
    public func search(_ text: String, limit: Int = 50) async throws(FieldfareError) -> [Lead] {
        let limit = Int32(clamping: limit)
        return try await call { try $0.search(text: text, limit: limit) }
    }

    /// The leads of highest score in a part of the map.
    public func viewport(
        southWest: LatLng, northEast: LatLng, limit: Int = 50
    ) async throws(FieldfareError) -> Viewport {
        let limit = Int32(clamping: limit)
        return try await call {
            try $0.viewport(southWest: southWest, northEast: northEast, limit: limit)
        }
    }

    /// Leads near a place: exactly those brute force over all leads would give.
    public func nearby(
        _ position: LatLng, _ query: NearbyQuery
    ) async throws(FieldfareError) -> Nearby {
        try await call { try $0.nearby(position: position, query: query) }
    }

    /// The same without reading the leads: ids and distances of all of them.
    public func nearbyIds(
        _ position: LatLng, _ query: NearbyQuery
    ) async throws(FieldfareError) -> [NearbyId] {
        try await call { try $0.nearbyIds(position: position, query: query) }
    }

    /// The territories this device holds, by name.
    public func territories() async throws(FieldfareError) -> [Territory] {
        try await call { try $0.territories() }
    }

    /// Changes fields of a lead, all or none.
    @discardableResult
    public func editLead(_ id: LeadId, _ edits: LeadEdit...) async throws(FieldfareError) -> Lead {
        try await editLead(id, edits)
    }

    /// Changes fields of a lead, all or none.
    @discardableResult
    public func editLead(_ id: LeadId, _ edits: [LeadEdit]) async throws(FieldfareError) -> Lead {
        try await call { try $0.editLead(id: id, edits: edits) }
    }

    /// Adds a lead, also without a connection.
    @discardableResult
    public func addLead(_ lead: NewLead) async throws(FieldfareError) -> Lead {
        try await call { try $0.addLead(lead: lead) }
    }

    // MARK: Visits

    /// Records a visit, with the lead's new status where it has one.
    @discardableResult
    public func recordVisit(_ visit: NewVisit) async throws(FieldfareError) -> Visit {
        try await call { try $0.recordVisit(visit: visit) }
    }

    /// Visits to a lead, or to all, by anybody this phone knows of, latest first.
    public func visits(to lead: LeadId? = nil) async throws(FieldfareError) -> [Visit] {
        try await call { try $0.visits(lead: lead) }
    }

    // MARK: Location

    /// Takes a fix and does with it what is granted now, and nothing else. Its alerts come in
    /// ``alerts`` too.
    @discardableResult
    public func fix(
        _ fix: Fix, context: FixContext = FixContext()
    ) async throws(FieldfareError) -> FixOutcome {
        let outcome = try await call { try $0.fix(fix: fix, context: context) }
        outcome.alerts.forEach(alertHub.send)
        return outcome
    }

    /// Takes several fixes, as platforms deliver them after a pause, oldest first. One outcome for each.
    @discardableResult
    public func fixes(
        _ fixes: [Fix], context: FixContext = FixContext()
    ) async throws(FieldfareError) -> [FixOutcome] {
        let outcomes = try await call { try $0.fixes(fixes: fixes, context: context) }
        outcomes.flatMap(\.alerts).forEach(alertHub.send)
        return outcomes
    }

    /// The regions for the operating system to watch around a place.
    public func fences(_ position: LatLng, limit: Int? = nil) async throws(FieldfareError) -> Fences {
        let limit = limit.map(Int32.init(clamping:))
        return try await call { try $0.fences(position: position, limit: limit) }
    }

    // MARK: Consent

    /// Notes that the rep agrees to a use of location, having seen this version of the text in this
    /// language.
    @discardableResult
    public func grant(
        _ purpose: Purpose, textVersion: String, language: String, validUntil: Date? = nil
    ) async throws(FieldfareError) -> ConsentEntry {
        try await call {
            try $0.grant(
                purpose: purpose, textVersion: textVersion, language: language, validUntil: validUntil)
        }
    }

    /// Notes that the rep does not agree any more. Unsent positions of the purpose are gone when it
    /// returns.
    @discardableResult
    public func withdraw(_ purpose: Purpose) async throws(FieldfareError) -> ConsentEntry {
        try await call { try $0.withdraw(purpose: purpose) }
    }

    /// This device's consent ledger, oldest entry first.
    public func consents() async throws(FieldfareError) -> [ConsentEntry] {
        try await call { try $0.consents() }
    }

    /// Where the rep's consent stands now.
    public func consentState() async throws(FieldfareError) -> ConsentState {
        try await call { try $0.consentState() }
    }

    // MARK: Changes on their way

    /// Changes without an answer, in the order they were made.
    public func pending() async throws(FieldfareError) -> [PendingChange] {
        try await call { try $0.pending() }
    }

    /// Changes the server refused for good and the rep has not dealt with, oldest first.
    public func refused() async throws(FieldfareError) -> [RefusedChange] {
        try await call { try $0.refused() }
    }

    /// Offers a refused change again, on the row as it is now.
    public func retryRefused(_ id: OperationId) async throws(FieldfareError) {
        try await call { try $0.retryRefused(id: id) }
    }

    /// Puts a refused change away.
    public func discardRefused(_ id: OperationId) async throws(FieldfareError) {
        try await call { try $0.discardRefused(id: id) }
    }

    /// Values that lost a merge, latest first.
    public func conflicts() async throws(FieldfareError) -> [Conflict] {
        try await call { try $0.conflicts() }
    }

    /// Everything this phone holds about the rep, as JSON.
    public func exportMyData() async throws(FieldfareError) -> String {
        try await call { try $0.exportMyData() }
    }

    // MARK: Sync

    /// Sends what waits and fetches what changed. Progress shows in ``syncStates``. Cancelling the task
    /// ends it as soon as the step under way is done, with `FieldfareError.cancelled`; what was done
    /// stays done, and the next sync goes on from there.
    @discardableResult
    public func sync(_ options: SyncOptions = SyncOptions()) async throws(FieldfareError) -> SyncReport {
        let listener = ProgressInto(syncHub)
        let result = await cancellable {
            try await self.engine.sync(options: options, listener: listener, cancel: $0)
        }
        switch result {
        case .success(let report): syncHub.send(.idle(last: report))
        case .failure(.busy): break
        case .failure(.cancelled): syncHub.send(.idle(last: nil))
        case .failure(let error): syncHub.send(.failed(error))
        }
        return try result.get()
    }

    /// Waits until a ``sync(_:)`` would bring something: true, or false after `maxSeconds`. For an app in
    /// front, which then syncs and waits again. One small request is kept open meanwhile; without a
    /// connection it tries again after waits that grow. Before the first complete sync there is news at
    /// once. One at a time: a second one fails with `FieldfareError.busy`. Cancelling the task ends it
    /// with `FieldfareError.cancelled`.
    public func waitForNews(maxSeconds: Int32? = nil) async throws(FieldfareError) -> Bool {
        let result = await cancellable {
            try await self.engine.waitForNews(maxSeconds: maxSeconds, cancel: $0)
        }
        return try result.get()
    }

    // MARK: Files

    /// Encrypts the phone's files with a new key. Takes time in proportion to the data.
    public func rotateKey() async throws(FieldfareError) {
        try await call { try $0.rotateKey() }
    }

    /// Lets go of the files, as iOS requires of an app in the background. A sync under way ends. Again is
    /// fine.
    public func suspend() async throws(FieldfareError) {
        try await call { try $0.suspend() }
    }

    /// Opens the files again after ``suspend()``. Nil if they were open.
    @discardableResult
    public func resume() async throws(FieldfareError) -> OpenReport? {
        try await call { try $0.resume() }
    }

    /// Makes everything on this phone unreadable and gone: the key first, then the files. Refuses while
    /// the server lacks changes, unless forced.
    public func erase(force: Bool = false) async throws(FieldfareError) {
        try await call { try $0.erase(force: force) }
    }

    /// Lets go of the files for good; ``changes`` and ``watch(_:)`` end. Again is fine. Calls under way
    /// end with their result or with `FieldfareError.closed`; later ones with the latter.
    public func close() async throws(FieldfareError) {
        endStreams()
        try await call { try $0.shutDown() }
    }

    private func endStreams() {
        inboxes.end()
        alertHub.end()
        syncHub.end()
    }

    func call<T: Sendable>(
        _ work: @escaping @Sendable (FieldfareEngine) throws -> T
    ) async throws(FieldfareError) -> T {
        let engine = self.engine
        return try await offTheCaller { try work(engine) }
    }
}
