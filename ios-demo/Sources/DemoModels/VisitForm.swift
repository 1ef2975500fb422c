import Fieldfare
import Foundation
import Observation

/// The form in which a rep records a visit.
@MainActor @Observable public final class VisitForm: Identifiable {
    public let lead: LeadRow
    public var outcome: VisitOutcome? {
        didSet { suggestStatus() }
    }
    public var note = ""
    public var status: LeadStatus
    /// When to come back; nil for not at all.
    public var followUpAt: Date?
    public private(set) var saved: Visit?
    public private(set) var problem: Problem?
    public private(set) var isSaving = false

    private let startedAt: Date
    private let client: FieldfareClient

    public init(lead: LeadRow, client: FieldfareClient, now: Date = Date()) {
        self.lead = lead
        self.client = client
        status = lead.status
        startedAt = now
    }

    /// Whether the rep comes back; in a week unless another time is chosen.
    public var comesBack: Bool {
        get { followUpAt != nil }
        set { followUpAt = newValue ? followUpAt ?? startedAt + 7 * 86_400 : nil }
    }

    public var canSave: Bool { outcome != nil && !isSaving && saved == nil }

    /// Records the visit. The place is kept only if the rep agreed to that: the engine sees to it.
    public func save(at position: LatLng?, now: Date = Date()) async {
        guard canSave, let outcome else { return }
        isSaving = true
        defer { isSaving = false }
        let visit = NewVisit(
            lead: lead.id, outcome: outcome, note: note.orNil, startedAt: startedAt,
            endedAt: max(now, startedAt),
            followUpAt: followUpAt, position: position, status: status == lead.status ? nil : status)
        do {
            saved = try await client.recordVisit(visit)
            problem = nil
        } catch {
            problem = Problem(error)
        }
    }

    private func suggestStatus() {
        switch outcome {
        case .order: status = .customer
        case .notInterested, .closed: status = .lost
        case .met, .followUp: status = lead.status == .new || lead.status == .open ? .contacted : lead.status
        case .noAnswer, nil: status = lead.status
        }
    }
}
