import Fieldfare

/// Tells the rep of a lead when the app may not be in front.
public protocol Notifier: Sendable {
    func tell(_ alert: LeadAlert) async
}

/// A lead that is worth a word now.
public struct LeadAlert: Equatable, Sendable, Identifiable {
    public let id: LeadId
    public let title: String
    public let text: String

    init(_ near: NearbyLead) {
        id = near.lead.id
        title = near.lead.name
        let parts = [distanceText(near.distanceM), near.lead.status.title, near.lead.address.line]
        text = parts.filter { !$0.isEmpty }.joined(separator: " · ")
    }
}
