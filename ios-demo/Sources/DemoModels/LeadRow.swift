import Fieldfare

/// A lead as lists show it.
public struct LeadRow: Identifiable, Hashable, Sendable {
    public let id: LeadId
    public let name: String
    public let address: String
    /// How far, where that is known.
    public let distance: String?
    public let status: LeadStatus
    public let tier: Int?
    public let position: LatLng?
    /// Whether a change of it waits for the server.
    public let isPending: Bool

    public init(_ lead: Lead, distanceM: Double? = nil) {
        id = lead.id
        name = lead.name
        address = lead.address.line
        distance = distanceM.map(distanceText)
        status = lead.status
        tier = lead.tier.map(Int.init)
        position = lead.geocode.position
        isPending = lead.isPending
    }
}
