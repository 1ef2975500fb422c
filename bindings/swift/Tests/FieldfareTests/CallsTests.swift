import Fieldfare
import Foundation
import Testing

/// Every call, without a connection.
@Suite struct CallsTests {
    @Test func theVersionIsThePackages() {
        #expect(FieldfareClient.version == "0.1.0")
    }

    @Test func aNewPhoneReportsNewFilesAndKnowsNobodyUntilItIsEnrolled() async throws {
        try await withPhone(enrolled: false) { phone in
            let report = try await phone.openReport()
            #expect(report.cache == .created && report.outbox == .created && report.salvage == nil)
            #expect(try await phone.enrolment() == nil)
            #expect(await failure { try await phone.rep() } == .notEnrolled)
            let enrolment = try await phone.enrol(code: "CODE", deviceName: "Phone")
            #expect(enrolment.repName == "Robin")
            #expect(try await phone.enrolment() == enrolment)
            #expect(try await phone.rep().id == enrolment.rep)
        }
    }

    @Test func leadsAreAddedReadEditedListedSearchedAndFoundOnTheMap() async throws {
        try await withPhone { phone in
            let added = try await phone.addLead(
                NewLead(
                    name: "Brandt Bäckerei", kind: .company,
                    address: Address(street: "1 Main Street", city: "Boston"), position: here,
                    phone: "555", email: "a@example.com", website: "example.com", tier: 2,
                    notes: "ring twice", contactHours: "Mo-Fr 09:00-17:00"))
            #expect(added.isPending)
            #expect(try await phone.lead(added.id) == added)
            #expect(try await phone.leads([nobody, added.id]) == [added])

            let due = Date(timeIntervalSince1970: 1_800_000_000.123)
            let edited = try await phone.editLead(
                added.id, .name(value: "Brandt"), .street(value: "2 Main Street"), .unit(value: "4"),
                .city(value: "Cambridge"), .region(value: "MA"), .postalCode(value: "02138"),
                .country(value: "US"), .phone(value: nil), .email(value: "b@example.com"),
                .website(value: nil), .status(value: .qualified), .tier(value: 1), .owner(value: "7"),
                .notes(value: "rang once"), .contactHours(value: ""), .alertRadius(value: 300),
                .nextVisitDue(value: due))
            let address = Address(
                street: "2 Main Street", unit: "4", city: "Cambridge", region: "MA", postalCode: "02138",
                country: "US")
            #expect(edited.address == address)
            #expect(abs((edited.nextVisitDue ?? .distantPast).timeIntervalSince(due)) < 0.0005)
            #expect(edited.phone == nil && edited.alertRadiusM == 300)

            #expect(try await phone.search("bran").map(\.id) == [added.id])
            #expect(try await phone.leadsPage(LeadFilter(tiers: [1])).leads.map(\.id) == [added.id])
            #expect(try await phone.leadsPage(LeadFilter(tiers: [2])).leads.isEmpty)
            let map = try await phone.viewport(
                southWest: LatLng(lat: 42, lon: -72), northEast: LatLng(lat: 43, lon: -71))
            let pin = LeadPin(id: added.id, position: here, status: .qualified, tier: 1, score: nil)
            #expect(map.pins == [pin])
            #expect(try await phone.territories().isEmpty)
        }
    }

    @Test func aSequenceOfAllLeadsAsksPageByPage() async throws {
        try await withPhone { phone in
            let names = (100..<250).map { "Lead \($0)" }
            for name in names {
                try await phone.addLead(leadAt(name))
            }
            var read: [String] = []
            for try await lead in phone.allLeads() {
                read.append(lead.name)
            }
            #expect(read == names)
            let page = try await phone.leadsPage(order: .changed, limit: 149)
            #expect(try await phone.leadsPage(order: .changed, after: page.next).leads.count == 1)
        }
    }

    @Test func whatIsNearComesNearestFirstWithItsDistance() async throws {
        try await withPhone { phone in
            for n in 0..<5 {
                try await phone.addLead(leadAt("Lead \(n)", lat: here.lat + Double(n) * 0.001))
            }
            let near = try await phone.nearby(here, NearbyQuery(radiusM: 250))
            #expect(near.leads.map(\.lead.name) == ["Lead 0", "Lead 1", "Lead 2"])
            #expect(near.total == 3)
            #expect(abs(near.leads[1].distanceM - 111.2) < 0.1)
            #expect(try await phone.nearby(here, NearbyQuery(limit: 2)).leads.count == 2)
            let ids = try await phone.nearbyIds(here, NearbyQuery(radiusM: 250))
            #expect(ids == near.leads.map { NearbyId(lead: $0.lead.id, distanceM: $0.distanceM) })
        }
    }

    @Test func aVisitMovesTheLeadOnAndWaitsForTheServer() async throws {
        try await withPhone { phone in
            let lead = try await phone.addLead(leadAt("A"))
            let start = Date(timeIntervalSince1970: 1_790_000_000)
            let visit = try await phone.recordVisit(
                NewVisit(
                    lead: lead.id, outcome: .order, note: "ten loaves", startedAt: start,
                    endedAt: start + 60, followUpAt: start + 3600, position: here, status: .customer))
            #expect(visit.position == nil, "a place was kept without consent")
            #expect(try await phone.visits(to: lead.id) == [visit])
            #expect(try await phone.visits() == [visit])
            #expect(try await phone.lead(lead.id).status == .customer)
            let pending = try await phone.pending()
            #expect(pending.map(\.entity) == ["lead", "visit", "lead"])
            let status = pending[2].fields.first { $0.column == "status" }
            #expect(status?.after == .number(value: 4))
            #expect(try await phone.status().pending == 3)
            #expect(try await phone.exportMyData().contains("ten loaves"))
            #expect(try await phone.refused().isEmpty)
            #expect(try await phone.conflicts().isEmpty)
        }
    }

    @Test func consentOpensTheGateAndClosesIt() async throws {
        try await withPhone { phone in
            try await phone.addLead(leadAt("A"))
            let denied = try await phone.fix(fixNow())
            #expect(denied.next == .stop && denied.alerts.isEmpty)

            let entry = try await phone.grant(
                .proximityAlerts, textVersion: "2026-11", language: "en",
                validUntil: Date(timeIntervalSinceNow: 86_400))
            #expect(entry.sequence == 1)
            let outcome = try await phone.fix(fixNow())
            #expect(outcome.alerts.map(\.lead.name) == ["A"])
            #expect(outcome.fences != nil && !outcome.isPingStored)
            guard case .after = outcome.next else {
                Issue.record("\(outcome.next)")
                return
            }
            #expect(try await phone.fences(here, limit: 5).areas.count == 1)
            #expect(try await phone.fixes([fixNow(), fixNow()]).count == 2)

            try await phone.withdraw(.proximityAlerts)
            let refused = await failure { try await phone.fences(here) }
            #expect(refused == .consentRequired(purpose: .proximityAlerts))
            let state = try await phone.consentState()
            #expect(state.ledger == .whole && state.purposes.allSatisfy { !$0.isGranted })
            #expect(try await phone.consents().map(\.action) == [.grant, .withdraw])
        }
    }

    @Test func settingsReachTheEngine() async throws {
        let usual = defaultProximityConfig()
        #expect(usual.coolDown == 4 * 3600)
        let wrong = ProximityConfig(
            defaultRadiusM: usual.defaultRadiusM, maxRadiusM: usual.maxRadiusM, minScore: 0, dwell: 0,
            exitFactor: 0.5, coolDown: 0, maxAccuracyM: 100, maxUncertaintyM: 1_000,
            maxAlertsPerFix: 3, fallbackZone: nil)
        let dir = try temporaryDirectory()
        let config = EngineConfig(
            dir: dir.path, serverUrl: "https://sync.example", proximity: wrong)
        let error = await failure { try await FieldfareClient.open(config, keyVault: MemoryVault()) }
        #expect(error?.localizedDescription == "location setting exit_factor must be 1 or more")
    }

    @Test func theAppsClockIsTheEngines() async throws {
        let noon = Date(timeIntervalSince1970: 1_790_000_000)
        try await withPhone(clock: StoppedClock(noon)) { phone in
            try await phone.addLead(leadAt("A"))
            #expect(try await phone.pending().map(\.at) == [noon])
        }
    }

    @Test func keysChangeFilesCloseAndOpenAgain() async throws {
        try await withPhone { phone in
            let lead = try await phone.addLead(leadAt("A"))
            try await phone.rotateKey()
            try await phone.suspend()
            try await phone.suspend()
            #expect(await failure { try await phone.lead(lead.id) } == .closed)
            #expect(try await phone.resume()?.cache == .opened)
            #expect(try await phone.resume() == nil)
            #expect(try await phone.lead(lead.id).name == "A")
            #expect(await failure { try await phone.erase() } == .unsentWork(operations: 1))
            try await phone.erase(force: true)
            #expect(await failure { try await phone.status() } == .closed)
        }
    }

    @Test func recordsSurviveCodable() async throws {
        try await withPhone { phone in
            let lead = try await phone.addLead(leadAt("A"))
            let json = try JSONEncoder().encode(lead)
            #expect(try JSONDecoder().decode(Lead.self, from: json) == lead)
        }
    }
}
