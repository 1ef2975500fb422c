import Fieldfare

/// Everything a signed-in rep works with.
@MainActor public final class Workday {
    public let client: FieldfareClient
    public let repName: String
    public let nearby: NearbyModel
    public let consent: ConsentModel
    public let sync: SyncModel
    public let tracker: Tracker
    public let files: OpenFiles

    init(client: FieldfareClient, repName: String, surroundings: Surroundings) {
        self.client = client
        self.repName = repName
        nearby = NearbyModel(client: client)
        consent = ConsentModel(client: client)
        sync = SyncModel(client: client)
        files = OpenFiles(client: client)
        tracker = Tracker(
            client: client, files: files, source: surroundings.location, notifier: surroundings.notifier,
            savesBattery: surroundings.savesBattery, now: surroundings.now)
        tracker.onFix.append { [nearby] fix in nearby.moved(to: fix.position) }
    }

    /// Agrees to a use of location, or takes it back, and takes or leaves fixes accordingly.
    public func set(_ purpose: Purpose, granted: Bool, location: (any LocationSource)? = nil) async {
        await consent.set(purpose, granted: granted)
        await tracker.consentChanged()
        if granted { location?.askPermission(always: true) }
    }

    public func lead(_ id: LeadId) -> LeadModel { LeadModel(id: id, client: client) }

    public func visit(_ lead: LeadRow) -> VisitForm { VisitForm(lead: lead, client: client) }
}
