import Fieldfare
import Foundation
import Testing

/// What only a real server can show.
@Suite struct ServerTests {
    /// More leads than go into one chunk.
    private let town = 5_000

    @Test func aSyncStopsAtItsLimitAndTheNextOneGoesOnFromThere() async throws {
        try await withServer { phone in
            for wrong in [SyncOptions(maxBytes: -1), SyncOptions(maxSeconds: -1)] {
                #expect(await failure { try await phone.sync(wrong) }?.code() == "invalid")
            }
            let first = try await phone.sync(SyncOptions(maxBytes: 1))
            #expect(!first.isComplete && first.frames == 1 && first.head == 0)
            #expect(try await !phone.sync(SyncOptions(pullBudget: 1, maxSeconds: 0)).isComplete)
            #expect(try await phone.status().lastSyncAt == nil)
            let rest = try await phone.sync()
            #expect(rest.isComplete)
            #expect(rest.rows > 0 && rest.head > 0)
            #expect(try await phone.status().counts.leads == Int64(120 + town))
            #expect(rest.repairedScopes == 0 && rest.lost == 0)
            #expect(try await phone.sync(SyncOptions(maxBytes: 1_000_000, maxSeconds: 60)).isComplete)
        }
    }

    @Test func newsAreWaitedForUntilThereAreSomeTheTimeIsOverOrNobodyWaits() async throws {
        try await withServer { phone in
            #expect(try await phone.waitForNews(), "nothing was fetched yet")
            try await phone.sync()
            #expect(await failure { try await phone.waitForNews(maxSeconds: -1) }?.code() == "invalid")
            #expect(try await !phone.waitForNews(maxSeconds: 1))
            let waiting = Task { await failure { try await phone.waitForNews() } }
            try await Task.sleep(for: .milliseconds(300))
            waiting.cancel()
            #expect(await waiting.value == .cancelled)
            #expect(try await !phone.waitForNews(maxSeconds: 0), "the wait that was given up is in the way")
        }
    }

    @Test func anotherRoadRouteComesFromTheServerAndIsFollowed() async throws {
        try await withServer { phone in
            try await phone.grant(.navigation, textVersion: "2026-11", language: "en")
            let (date, leads) = try await helsinkiDay(phone)
            let drive = try await phone.follow(date)
            try await drive.setConnected(true)
            let update = try await drive.update(Fix(position: helsinki[0], at: Date(), accuracyM: 5))
            guard case .askForRoute(let request) = update.advice else {
                Issue.record("no route was asked for: \(update.advice)")
                return
            }
            #expect(try await phone.fetchRoute(drive, request))
            let map = try await drive.map()
            #expect(map.kind == .road)
            #expect(map.stops.compactMap(\.lead) == leads)
            #expect(try await !phone.fetchRoute(drive, request), "it is answered already")
        }
    }

    private func withServer(_ body: (FieldfareClient) async throws -> Void) async throws {
        let world = try World()
        defer { world.end() }
        try world.plantTown(leads: town)
        let dir = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: dir) }
        let config = EngineConfig(
            dir: dir.appendingPathComponent("phone").path, serverUrl: world.url,
            allowInsecureLoopback: true)
        let phone = try await FieldfareClient.open(config, keyVault: MemoryVault())
        try await phone.enrol(code: world.code(for: "Ada"), deviceName: "Ada's phone")
        try await body(phone)
        try await phone.close()
    }
}
