import Fieldfare
import Foundation
import Testing

@testable import DemoModels

/// What each screen shows and does, on the real engine without a connection.
@MainActor @Suite struct ScreensTests {
    @Test func theListFollowsTheRepTheRadiusAndTheLeads() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            let nearby = day.nearby
            #expect(nearby.isWaitingForPosition)
            for n in 0..<3 {
                try await day.client.addLead(leadAt("Lead \(n)", lat: here.lat + Double(n) * 0.01))
            }
            nearby.moved(to: here)
            #expect(!nearby.isWaitingForPosition)
            try await whileShown(nearby.follow) {
                try await waitUntil("two are near") { nearby.rows.map(\.name) == ["Lead 0", "Lead 1"] }
                #expect(nearby.rows.map(\.distance) == ["0 m", "1.1 km"] && nearby.total == 2)
                try await day.client.addLead(leadAt("Closer", lat: here.lat + 0.001))
                try await waitUntil("the new one shows") { nearby.rows.count == 3 }
                #expect(nearby.rows[1].name == "Closer" && nearby.rows[1].isPending)
            }
            let before = nearby.question
            nearby.radius = .near
            #expect(nearby.question != before, "the view would not ask again")
            try await whileShown(nearby.follow) {
                try await waitUntil("one is left") { nearby.rows.map(\.name) == ["Lead 0", "Closer"] }
            }
            nearby.text = "closer"
            try await whileShown(nearby.follow) {
                try await waitUntil("the words count") { nearby.rows.map(\.name) == ["Closer"] }
                #expect(nearby.rows[0].distance == nil)
            }
        }
    }

    @Test func theMapShowsItsPart() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            let lead = try await day.client.addLead(leadAt("A"))
            try await day.client.addLead(leadAt("far", lat: 10))
            await day.nearby.look(
                southWest: LatLng(lat: 42, lon: -72), northEast: LatLng(lat: 43, lon: -71))
            #expect(day.nearby.pins.map(\.id) == [lead.id] && day.nearby.problem == nil)
            await day.nearby.look(
                southWest: LatLng(lat: 43, lon: -72), northEast: LatLng(lat: 42, lon: -71))
            #expect(day.nearby.problem?.title == "Please check what you entered")
        }
    }

    @Test func aLeadsFormSendsOnlyWhatWasTouched() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            let id = try await day.client.addLead(leadAt("A")).id
            let model = day.lead(id)
            try await whileShown(model.follow) {
                try await waitUntil("it shows") { model.lead != nil }
                model.startEditing()
                await model.save()
                #expect(try await day.client.pending().count == 1, "nothing was touched")
                model.startEditing()
                model.form?.notes = "Ring twice"
                model.form?.phone = "  "
                await model.save()
                #expect(model.form == nil && model.lead?.notes == "Ring twice")
                let change = try #require(try await day.client.pending().last)
                #expect(change.fields.map(\.column) == ["notes"])
                model.startEditing()
                model.form?.email = "a@example.com"
                try await day.client.suspend()
                await model.save()
                #expect(model.form?.email == "a@example.com", "what was typed is lost")
                #expect(model.problem != nil)
                try await day.client.resume()
                await model.save()
                #expect(model.form == nil && model.lead?.email == "a@example.com" && model.problem == nil)
            }
        }
    }

    @Test func aLeadThatIsNotHereSaysSo() async throws {
        try await withApp { stage in
            let model = try await stage.signedIn().lead(nobody)
            await model.follow()
            #expect(model.problem?.title == "It is not here any more")
        }
    }

    @Test func aVisitNeedsAnOutcomeAndIsSavedOnce() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            let lead = LeadRow(try await day.client.addLead(leadAt("A")))
            let start = Date(timeIntervalSince1970: 1_790_000_000)
            let form = VisitForm(lead: lead, client: day.client, now: start)
            #expect(!form.canSave)
            await form.save(at: here)
            #expect(form.saved == nil)
            form.outcome = .order
            #expect(form.status == .customer)
            form.note = "Ten loaves"
            form.followUpAt = start + 86_400
            await form.save(at: here, now: start + 600)
            await form.save(at: here, now: start + 700)
            let visits = try await day.client.visits(to: lead.id)
            let visit = try #require(visits.first)
            #expect(visits.count == 1 && form.saved == visit && !form.canSave)
            #expect(visit.startedAt == start && visit.endedAt == start + 600)
            #expect(visit.position == nil, "a place was kept without consent")
            #expect(try await day.client.lead(lead.id).status == .customer)
        }
    }

    @Test(arguments: [
        (VisitOutcome.met, LeadStatus.new, LeadStatus.contacted), (.met, .customer, .customer),
        (.followUp, .open, .contacted), (.noAnswer, .new, .new), (.order, .qualified, .customer),
        (.notInterested, .open, .lost), (.closed, .customer, .lost),
    ])
    func anOutcomeSuggestsAStatus(outcome: VisitOutcome, before: LeadStatus, after: LeadStatus) async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            let id = try await day.client.addLead(leadAt("A")).id
            let lead = try await day.client.editLead(id, .status(value: before))
            let form = day.visit(LeadRow(lead))
            form.outcome = outcome
            #expect(form.status == after)
            form.outcome = nil
            #expect(form.status == before)
        }
    }

    @Test func consentIsGivenAndTakenBackOneByOne() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            let consent = day.consent
            try await whileShown(consent.follow) {
                try await waitUntil("all show") { consent.items.count == 4 }
                #expect(consent.items.allSatisfy { !$0.isGranted && !$0.text.isEmpty })
                await day.set(.visitCheckIn, granted: true, location: stage.walk)
                #expect(consent.items.filter(\.isGranted).map(\.purpose) == [.visitCheckIn])
                await day.set(.visitCheckIn, granted: false, location: stage.walk)
                #expect(consent.items.allSatisfy { !$0.isGranted } && consent.isTrusted)
            }
            let entries = try await day.client.consents()
            #expect(entries.map(\.textVersion) == [ConsentModel.textVersion, ConsentModel.textVersion])
            #expect(stage.walk.asked == [true], "the platform is asked when the rep agrees, not before")
        }
    }

    @Test func theSyncScreenSaysWhatWaits() async throws {
        let client = EnrolsOnly()
        try await withApp(httpClient: client) { stage in
            let day = try await stage.signedIn()
            let sync = day.sync
            try await whileShown(sync.follow) {
                try await waitUntil("it is offline") { sync.headline == "No connection" }
                #expect(sync.detail == "Everything you see is on this phone." && sync.problem == nil)
                try await day.client.addLead(leadAt("A"))
                try await waitUntil("one waits") { sync.detail == "1 change to send" }
                client.isSilent = true
                let syncing = Task { await sync.sync() }
                try await waitUntil("it runs") { sync.isSyncing && sync.headline == "Syncing" }
                syncing.cancel()
                await syncing.value
                #expect(sync.problem == nil, "a cancelled sync is no problem")
                try await waitUntil("it says what waits") { sync.headline == "Not sent yet" }
            }
        }
    }

    @Test(arguments: [
        (0, "0 m"), (44, "40 m"), (994, "990 m"), (995, "1.0 km"), (1_249, "1.2 km"), (9_949, "9.9 km"),
        (9_950, "10 km"), (31_400, "31 km"),
    ])
    func distancesReadWell(metres: Double, text: String) {
        #expect(distanceText(metres) == text)
    }

    @Test func anAddressIsOneLine() {
        let address = Address(street: "1 Main Street", unit: "4", city: "Boston", postalCode: "02108")
        #expect(address.line == "1 Main Street 4, Boston, 02108")
        #expect(Address().line.isEmpty)
    }

    @Test func everyProblemSaysWhatToDo() {
        let errors: [FieldfareError] = [
            .notEnrolled, .alreadyEnrolled, .consentRequired(purpose: .liveTracking), .notFound(what: "lead"),
            .invalid(what: "x"), .busy, .cancelled, .offline, .tryLater(retryAfter: nil), .unauthorized,
            .revoked, .upgradeRequired, .server(detail: "x"), .unsentWork(operations: 2), .closed,
            .key(detail: "x"), .diskFull, .damaged(detail: "x"), .storage(detail: "x"), .internal,
        ]
        for error in errors {
            let problem = Problem(error)
            #expect(!problem.title.isEmpty && !problem.advice.isEmpty, "\(error.code())")
        }
        #expect(Problem(FieldfareError.unsentWork(operations: 2)).advice == "2 changes would be lost.")
        #expect(Problem(CocoaError(.fileNoSuchFile)).title == "Something went wrong")
    }
}
