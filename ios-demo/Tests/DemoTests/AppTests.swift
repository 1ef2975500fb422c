import Fieldfare
import Foundation
import Testing

@testable import DemoModels

/// From the first start to signing out, and a day against a real server and a CRM.
@MainActor @Suite struct AppTests {
    @Test func aNewPhoneAsksForACodeAndRemembersWhoSignedIn() async throws {
        let dir = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: dir) }
        let stage = Stage(offline(dir))
        async let once: Void = stage.app.start()
        async let twice: Void = stage.app.start()
        _ = await (once, twice)
        guard case .signedOut = stage.app.phase else {
            Issue.record("\(stage.app.phase)")
            return
        }
        let day = try await stage.signedIn()
        #expect(day.repName == "Robin" && stage.app.problem == nil)
        try await day.client.close()

        let next = AppModel(stage.app.surroundings)
        await next.start()
        #expect(next.workday?.repName == "Robin")
        try await next.workday?.client.close()
    }

    @Test func aWrongCodeIsSaidAndMayBeTriedAgain() async throws {
        let refusing = Answers { HttpResponse(status: 401, headers: [], body: Data()) }
        try await withApp(httpClient: refusing) { stage in
            await stage.app.start()
            await stage.app.signIn(code: "wrong", deviceName: "Phone")
            #expect(stage.app.problem != nil && stage.app.workday == nil)
        }
    }

    @Test func aVaultThatIsLockedMayBeTriedAgain() async throws {
        try await withApp { stage in
            stage.vault.failure = VaultError.unavailable
            await stage.app.start()
            guard case .failed = stage.app.phase else {
                Issue.record("\(stage.app.phase)")
                return
            }
            stage.vault.failure = nil
            _ = try await stage.signedIn()
        }
    }

    @Test func signingOutRefusesToLoseWork() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            try await day.client.addLead(leadAt("A"))
            await stage.app.signOut()
            #expect(stage.app.problem?.advice == "1 change would be lost." && stage.app.workday != nil)
            await stage.app.signOut(force: true)
            guard case .signedOut = stage.app.phase else {
                Issue.record("\(stage.app.phase)")
                return
            }
            #expect(await failure { try await day.client.status() } == .closed)
        }
    }

    @Test func aDayInTheApp() async throws {
        let world = try World()
        defer { world.end() }
        let dir = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: dir) }
        let stage = Stage(config(dir, world), httpClient: nil)
        await stage.app.start()
        await stage.app.signIn(code: " \(try world.code(for: "Ada"))\n", deviceName: "Ada's phone")
        let day = try #require(stage.app.workday)
        #expect(day.repName == "Ada" && stage.app.problem == nil)
        try await whileShown(day.sync.follow) {
            try await waitUntil("all is here") { day.sync.headline == "Up to date" }
            try await offlineHours(stage, day, world)
            try await back(stage, day, world)
        }
        try await revoked(stage, day, world)
    }

    /// The world's leads are known by their postal code.
    private func config(_ dir: URL, _ world: World) -> EngineConfig {
        let usual = defaultProximityConfig()
        let anyPlace = ProximityConfig(
            defaultRadiusM: usual.defaultRadiusM, maxRadiusM: usual.maxRadiusM, minScore: 0, dwell: 0,
            exitFactor: usual.exitFactor, coolDown: usual.coolDown, maxAccuracyM: usual.maxAccuracyM,
            maxUncertaintyM: 100_000, maxAlertsPerFix: usual.maxAlertsPerFix, fallbackZone: nil)
        return EngineConfig(
            dir: dir.appendingPathComponent("phone").path, serverUrl: world.url,
            allowInsecureLoopback: true, fenceLimit: 20, proximity: anyPlace)
    }

    private func offlineHours(_ stage: Stage, _ day: Workday, _ world: World) async throws {
        try world.stopServer()
        await day.set(.proximityAlerts, granted: true)
        await day.set(.visitCheckIn, granted: true)
        let first = try #require(try await day.client.leadsPage().leads.first { $0.geocode.position != nil })
        let place = try #require(first.geocode.position)
        stage.walk.go(to: place)
        try await waitUntil("the rep is told") { !stage.told.alerts.isEmpty }
        #expect(stage.walk.fences.map { $0.areas.count <= 19 } == true)
        try await whileShown(day.nearby.follow) {
            try await waitUntil("leads are near") { !day.nearby.rows.isEmpty }
        }
        #expect(day.nearby.rows[0].distance == "0 m")

        let visit = day.visit(try #require(day.nearby.rows.first))
        visit.outcome = .followUp
        visit.note = "They want the blue one"
        await visit.save(at: day.tracker.position)
        #expect(visit.saved?.position == place && visit.problem == nil)

        let doomed = try #require(day.nearby.rows.dropFirst().first ?? day.nearby.rows.last)
        let lead = day.lead(doomed.id)
        try await whileShown(lead.follow) {
            try await waitUntil("it shows") { lead.lead != nil }
            lead.startEditing()
            lead.form?.notes = "Will be gone"
            await lead.save()
        }
        try await waitUntil("it says so") { day.sync.headline == "Not sent yet" && day.sync.pending >= 2 }
        await stage.app.leftFront()
        try world.startServer()
        try world.delete(company: #require(lead.lead?.crmId))
        try world.catchUp()
    }

    private func back(_ stage: Stage, _ day: Workday, _ world: World) async throws {
        #expect(await stage.app.backgroundSync())
        #expect(await failure { try await day.client.status() } == .closed)
        await stage.app.cameToFront()
        let refresh = Task { await day.sync.follow() }
        try await waitUntil("the refusal shows") { day.sync.refusals.count == 1 }
        refresh.cancel()
        let refusal = day.sync.refusals[0]
        #expect(refusal.reason == "The lead was deleted meanwhile." && !refusal.canRetry)
        #expect(refusal.title.hasSuffix(": notes"))
        await day.sync.discard(refusal.id)
        #expect(day.sync.refusals.isEmpty && day.sync.problem == nil)
        let visit = try #require(try await day.client.visits().first)
        let company = try #require(try await day.client.lead(visit.lead).crmId)
        try await waitUntil("the CRM has the task") { try world.company(company).contains("blue one") }
    }

    private func revoked(_ stage: Stage, _ day: Workday, _ world: World) async throws {
        try world.revoke(device: #require(try await day.client.enrolment()).device)
        await day.sync.sync()
        try await waitUntil("a code is asked for") {
            if case .signedOut = stage.app.phase { true } else { false }
        }
        #expect(stage.app.problem?.title == "This phone is not signed in")
    }
}
