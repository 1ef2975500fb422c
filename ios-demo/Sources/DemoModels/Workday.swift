import Fieldfare

/// Everything a signed-in rep works with.
@MainActor public final class Workday {
    public let client: FieldfareClient
    public let repName: String
    public let nearby: NearbyModel
    public let today: TodayModel
    public let consent: ConsentModel
    public let sync: SyncModel
    public let tracker: Tracker
    public let files: OpenFiles

    init(client: FieldfareClient, repName: String, surroundings: Surroundings) {
        self.client = client
        self.repName = repName
        nearby = NearbyModel(client: client)
        today = TodayModel(client: client, speaker: surroundings.speaker, now: surroundings.now)
        consent = ConsentModel(client: client)
        sync = SyncModel(client: client)
        files = OpenFiles(client: client)
        tracker = Tracker(
            client: client, files: files, source: surroundings.location, notifier: surroundings.notifier,
            savesBattery: surroundings.savesBattery, now: surroundings.now)
        tracker.onFix.append { [nearby, today, files] fix in
            nearby.moved(to: fix.position)
            _ = try? await files.during { await today.drive?.take(fix) }
        }
    }

    /// Takes fixes until the task is cancelled; a drive that was cut off goes on.
    func run() async {
        await today.resume()
        tracker.isDriving = today.drive != nil
        await tracker.run()
    }

    /// Begins the drive and takes fixes for it.
    public func startDrive() async {
        await today.start(from: tracker.position)
        tracker.isDriving = today.drive != nil
    }

    /// Ends the drive.
    public func endDrive() async {
        await today.end()
        tracker.isDriving = false
    }

    /// Agrees to a use of location, or takes it back, and takes or leaves fixes accordingly.
    public func set(_ purpose: Purpose, granted: Bool, location: (any LocationSource)? = nil) async {
        await consent.set(purpose, granted: granted)
        await tracker.consentChanged()
        if granted { location?.askPermission(always: true) }
    }

    public func lead(_ id: LeadId) -> LeadModel { LeadModel(id: id, client: client) }

    /// The form for a visit the drive proposes, begun when the rep arrived; nil if the lead is gone.
    public func visit(_ proposal: DriveModel.Proposal) async -> VisitForm? {
        guard let lead = try? await client.lead(proposal.lead) else { return nil }
        return VisitForm(lead: LeadRow(lead), client: client, now: proposal.arrivedAt)
    }

    public func visit(_ lead: LeadRow) -> VisitForm { VisitForm(lead: lead, client: client) }
}
