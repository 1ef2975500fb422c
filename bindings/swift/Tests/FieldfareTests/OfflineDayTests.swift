import Fieldfare
import Foundation
import Testing

/// A rep's whole day, against a real server and a CRM: sync, go offline, walk, visit, edit, come back.
@Suite struct OfflineDayTests {
    @Test func aDayOfflineComesBackToTheCRMOnceWithItsConflictAndItsRefusal() async throws {
        let world = try World()
        defer { world.end() }
        let dir = try temporaryDirectory()
        let vault = MemoryVault()
        let config = EngineConfig(
            dir: dir.appendingPathComponent("phone").path, serverUrl: world.url,
            allowInsecureLoopback: true, proximity: anyPlace)
        try await opened(config, vault) { try await morning($0, world) }
        try world.stopServer()
        var day: Day?
        try await opened(config, vault) { day = try await offlineDay($0) }
        let spent = try #require(day)
        try officeMeanwhile(world, spent)
        try await opened(config, vault) { try await evening($0, world, spent) }
    }

    /// The world's leads are known by their postal code.
    private var anyPlace: ProximityConfig {
        let usual = defaultProximityConfig()
        return ProximityConfig(
            defaultRadiusM: usual.defaultRadiusM, maxRadiusM: usual.maxRadiusM, minScore: 0, dwell: 0,
            exitFactor: usual.exitFactor, coolDown: usual.coolDown, maxAccuracyM: usual.maxAccuracyM,
            maxUncertaintyM: 100_000, maxAlertsPerFix: usual.maxAlertsPerFix, fallbackZone: nil)
    }

    private struct Day {
        let visited: Lead
        let edited: Lead
        let doomed: Lead
    }

    private func opened(
        _ config: EngineConfig, _ vault: MemoryVault, _ body: (FieldfareClient) async throws -> Void
    ) async throws {
        let phone = try await FieldfareClient.open(config, keyVault: vault)
        try await body(phone)
        try await phone.close()
    }

    private func morning(_ phone: FieldfareClient, _ world: World) async throws {
        try await phone.enrol(code: world.code(for: "Ada"), deviceName: "Ada's phone")
        let report = try await phone.sync()
        #expect(report.rows >= 120)
        var states = phone.syncStates.makeAsyncIterator()
        #expect(await states.next() == .idle(last: report))
        #expect(try await phone.rep().name == "Ada")
        #expect(try await phone.territories().map(\.name).contains("Vermont"))
        #expect(try await phone.status().counts.leads == 120)
        try await phone.grant(.proximityAlerts, textVersion: "2026-11", language: "en")
        try await phone.grant(.visitCheckIn, textVersion: "2026-11", language: "en")
        try await phone.sync()
        #expect(try await phone.consents().allSatisfy(\.isAcknowledged))
    }

    private func offlineDay(_ phone: FieldfareClient) async throws -> Day {
        #expect(await failure { try await phone.sync() } == .offline)
        var leads: [Lead] = []
        for try await lead in phone.allLeads() where lead.geocode.position != nil {
            leads.append(lead)
        }
        let day = Day(visited: leads[0], edited: leads[1], doomed: leads[2])
        let start = Date()
        var alerts = 0
        for (step, lead) in leads.prefix(10).enumerated() {
            let position = try #require(lead.geocode.position)
            let fix = Fix(position: position, at: start + Double(step) * 60, accuracyM: 8)
            alerts += try await phone.fix(fix).alerts.count
        }
        #expect(alerts > 0, "nobody was alerted")
        try await phone.recordVisit(
            NewVisit(
                lead: day.visited.id, outcome: .followUp, note: "They want the blue one",
                followUpAt: start + 86_400, position: day.visited.geocode.position))
        try await phone.editLead(
            day.edited.id, .phone(value: "+1 802 555 0199"), .notes(value: "Ring twice"))
        try await phone.editLead(day.doomed.id, .notes(value: "Will be gone"))
        let visits = try await phone.visits(to: day.visited.id)
        #expect(visits.map(\.position) == [day.visited.geocode.position])
        #expect(try await phone.search("ring twice").map(\.isPending) == [true])
        #expect(try await phone.pending().count == 3)
        let elsewhere = leads.first { $0.geocode.position != leads[0].geocode.position }
        try await planAndDrive(phone, [day.visited, #require(elsewhere)])
        return day
    }

    /// Tomorrow is planned and driven, all of it on this phone.
    private func planAndDrive(_ phone: FieldfareClient, _ leads: [Lead]) async throws {
        let date = tomorrow()
        let first = try #require(leads[0].geocode.position)
        let begin = LatLng(lat: first.lat + 0.01, lon: first.lon)
        let work = WorkHours(hours: "Mo-Su 06:00-22:00", timeZone: "America/New_York", start: begin)
        let wishes = leads.map { StopWish(lead: $0.id, isMandatory: true) }
        let full = try await phone.planDay(PlanDay(date: date, work: work, wishes: wishes))
        #expect(Set(leads.map(\.id)).isStrictSubset(of: full.steps.compactMap(\.lead)))
        let plan = try await phone.planDay(
            PlanDay(date: date, work: work, wishes: wishes, addsDueLeads: false))
        let stops = plan.steps.compactMap(\.lead)
        #expect(Set(leads.map(\.id)) == Set(stops))
        let drive = try await phone.follow(date, from: begin)
        let events = try await driveAlong(drive, stepM: 300, secondsAStep: 12, from: Date())
        #expect(visitsProposed(events) == stops)
        try await drive.end()
    }

    private func officeMeanwhile(_ world: World, _ day: Day) throws {
        try world.startServer()
        try world.edit(
            company: #require(day.edited.crmId), property: "phone", value: "+1 802 555 0000")
        try world.delete(company: #require(day.doomed.crmId))
        try world.catchUp()
    }

    private func evening(_ phone: FieldfareClient, _ world: World, _ day: Day) async throws {
        let report = try await phone.sync()
        #expect(report.pushed == 3 && report.refused == 1)
        let refused = try #require(try await phone.refused().first)
        #expect(refused.code == .deleted && refused.change.row == day.doomed.id)
        try await phone.retryRefused(refused.change.id)
        #expect(try await phone.refused().isEmpty)
        #expect(try await phone.sync().refused == 1, "it was offered again")
        let again = try #require(try await phone.refused().first)
        #expect(again.change.row == day.doomed.id)
        try await phone.discardRefused(again.change.id)
        #expect(try await phone.refused().isEmpty)

        let visited = try #require(day.visited.crmId)
        try await waitUntil("the CRM has the task") { try world.company(visited).contains("blue one") }
        try world.catchUp()
        try await waitUntil("nothing moves any more") {
            let report = try await phone.sync()
            return report.rows == 0 && report.pushed == 0
        }
        #expect(try await phone.pending().isEmpty)
        #expect(await failure { try await phone.lead(day.doomed.id) } == .notFound(what: "lead"))
        let conflicts = try await phone.conflicts().filter { $0.row == day.edited.id }
        #expect(conflicts.map(\.column) == ["phone"])
        let merged = try await phone.lead(day.edited.id)
        #expect(!merged.isPending && merged.notes == "Ring twice")
        let number = try #require(merged.phone)
        #expect(try world.company(#require(day.edited.crmId)).contains(number))

        try world.revoke(device: #require(try await phone.enrolment()).device)
        #expect(await failure { try await phone.sync() } == .revoked)
        #expect(try await phone.enrolment() == nil)
        #expect(await failure { try await phone.status() } == .closed)
    }
}
