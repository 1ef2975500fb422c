import Fieldfare
import Foundation

// The code of docs/ios.md. GuideTests runs it, and sees to it that the page shows just this.

func start(config: EngineConfig, vault: any KeyVault, code: String) async throws -> FieldfareClient {
    let phone = try await FieldfareClient.open(config, keyVault: vault)
    if try await phone.enrolment() == nil {
        try await phone.enrol(code: code, deviceName: "My iPhone")
    }
    try await phone.sync()
    return phone
}

func printNearby(_ phone: FieldfareClient, here: LatLng) async throws {
    let near = try await phone.nearby(here, NearbyQuery(radiusM: 2_000))
    for lead in near.leads {
        print(lead.lead.name, Int(lead.distanceM), "m")
    }
}

func watchNearby(_ phone: FieldfareClient, here: LatLng, show: ([NearbyLead]) -> Void) async throws {
    let query = NearbyQuery(radiusM: 2_000, limit: 50)
    for try await leads in phone.watch({ try await $0.nearby(here, query).leads }) {
        show(leads)
    }
}

func record(_ phone: FieldfareClient, visitTo lead: LeadId) async throws {
    try await phone.recordVisit(NewVisit(lead: lead, outcome: .met, note: "They want the blue one"))
    try await phone.editLead(lead, .phone(value: "+1 802 555 0199"))
}

func syncAndExplain(_ phone: FieldfareClient) async -> String {
    do {
        let report = try await phone.sync()
        return "\(report.rows) rows, \(report.refused) changes refused"
    } catch .offline {
        return "No connection. Everything is kept."
    } catch .revoked {
        return "This phone was signed out and is empty now."
    } catch {
        return error.localizedDescription
    }
}

func planAndDrive(
    _ phone: FieldfareClient, day: CalendarDate, leads: [LeadId], fixes: AsyncStream<Fix>
) async throws -> Trip {
    let wishes = leads.map { StopWish(lead: $0) }
    try await phone.planDay(PlanDay(date: day, wishes: wishes))
    let drive = try await phone.follow(day)
    for await fix in fixes {
        let update = try await drive.update(fix)
        for case .speak(_, let text, _) in update.events { print(text) }
        if update.phase == .complete { break }
    }
    return try await drive.end()
}
