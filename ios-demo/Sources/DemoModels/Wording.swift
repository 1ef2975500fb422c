import Fieldfare
import Foundation

extension LeadStatus {
    /// As the rep reads it.
    public var title: String {
        switch self {
        case .new: "New"
        case .open: "Open"
        case .contacted: "Contacted"
        case .qualified: "Qualified"
        case .customer: "Customer"
        case .lost: "Lost"
        case .doNotContact: "Do not contact"
        }
    }
}

extension VisitOutcome {
    /// As the rep reads it.
    public var title: String {
        switch self {
        case .met: "Met"
        case .noAnswer: "No answer"
        case .followUp: "Follow up"
        case .order: "Order"
        case .notInterested: "Not interested"
        case .closed: "Closed down"
        }
    }
}

extension Address {
    /// Street and town on one line.
    public var line: String {
        let parts = [[street, unit], [city, region], [postalCode]]
        return parts.map { $0.compactMap(\.self).joined(separator: " ") }
            .filter { !$0.isEmpty }
            .joined(separator: ", ")
    }
}

/// A distance as people say it: "40 m", "850 m", "2.4 km", "31 km".
public func distanceText(_ metres: Double) -> String {
    switch metres {
    case ..<995: "\(Int((metres / 10).rounded()) * 10) m"
    case ..<9_950: "\((metres / 100).rounded() / 10) km"
    default: "\(Int((metres / 1_000).rounded())) km"
    }
}
