import Fieldfare
import Foundation
import Testing

@testable import DemoModels

/// From the phone's positioning to the engine and back.
@MainActor @Suite struct LocationTests {
    @Test func withoutConsentNoFixIsWantedUnlessAScreenShowsWhereTheRepIs() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            try await day.client.addLead(leadAt("A"))
            #expect(stage.walk.wish == .nothing)
            day.tracker.isOnScreen = true
            #expect(stage.walk.wish != .nothing)
            let time = Date()
            stage.walk.go(to: here, at: time)
            try await waitUntil("it arrived") { day.tracker.position == here && day.nearby.position == here }
            try await waitUntil("the next is wanted") { stage.walk.wish == .at(time + 5, accuracyM: 50) }
            #expect(stage.told.alerts.isEmpty && !day.tracker.isShared && stage.walk.fences == nil)
            day.tracker.isOnScreen = false
            #expect(stage.walk.wish == .nothing)
        }
    }

    @Test func alertsAreToldOnceAndRegionsAreWatched() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            let lead = try await day.client.addLead(leadAt("Bakery"))
            await day.set(.proximityAlerts, granted: true)
            #expect(stage.walk.wish != .nothing, "agreeing starts the fixes")
            stage.walk.go(to: here)
            try await waitUntil("the rep is told") { !stage.told.alerts.isEmpty }
            stage.walk.go(to: here, at: Date() + 60)
            try await waitUntil("a region is watched") { stage.walk.fences != nil }
            #expect(stage.told.alerts.map(\.title) == ["Bakery"] && day.tracker.alerts.map(\.id) == [lead.id])
            #expect(stage.told.alerts[0].text == "0 m · New")
            await day.set(.proximityAlerts, granted: false)
            #expect(stage.walk.wish == .nothing, "taking it back ends the fixes")
        }
    }

    @Test func aFixThatComesWhileTheAppIsAwayIsUsedAndTheFilesAreClosedAgain() async throws {
        try await withApp { stage in
            let day = try await stage.signedIn()
            try await day.client.addLead(leadAt("Bakery"))
            await day.set(.proximityAlerts, granted: true)
            await stage.app.leftFront()
            #expect(await failure { try await day.client.status() } == .closed)
            stage.walk.go(to: here)
            try await waitUntil("the rep is told") { stage.told.alerts.count == 1 }
            try await waitUntil("the files are closed") {
                await failure { try await day.client.status() } == .closed
            }
            #expect(stage.asked.times.count == 1, "leaving asks for a sync in the background")
            await stage.app.cameToFront()
            #expect(try await day.client.status().counts.leads == 1)
        }
    }

    @Test func wishesAreTheSoonerAndTheBetter() {
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        let soon = FixWish.at(now + 5, accuracyM: 100)
        let good = FixWish.at(now + 60, accuracyM: 10)
        #expect(soon.and(good) == .at(now + 5, accuracyM: 10))
        #expect(soon.and(.nothing) == soon && FixWish.nothing.and(good) == good)
        #expect(FixWish(.stop, after: now) == .nothing)
        #expect(FixWish(.after(delay: 30, accuracyM: 25), after: now) == .at(now + 30, accuracyM: 25))
        #expect(
            FixWish(.onMotion(atLatest: 600, accuracyM: 25), after: now) == .at(now + 600, accuracyM: 25))
    }

    @Test func thePlatformIsAskedCoarselyUntilShortlyBefore() {
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        let duty = FixDuty(.at(now + 60, accuracyM: 25))
        #expect(duty.accuracyM(now: now) == 3_000)
        #expect(duty.changes(after: now) == now + 50)
        #expect(duty.accuracyM(now: now + 50) == 25)
        #expect(duty.changes(after: now + 50) == nil)
        #expect(!duty.takes(at: now + 30, accuracyM: 5), "too early")
        #expect(duty.takes(at: now + 60, accuracyM: 40))
        #expect(!duty.takes(at: now + 61, accuracyM: 3_000), "too coarse")
        #expect(duty.takes(at: now + 80, accuracyM: 3_000), "nothing better comes")
        let none = FixDuty(.nothing)
        #expect(none.accuracyM(now: now) == nil && !none.takes(at: now, accuracyM: 1))
        #expect(FixDuty(.at(now + 60, accuracyM: 5_000)).accuracyM(now: now) == 5_000)
    }

    /// Whoever works with the files finds them open, and nobody leaves them open in the background,
    /// however leaving, coming back and working overlap, and however long opening and closing take.
    @Test(arguments: 0..<10) func filesAreOpenExactlyWhileTheyAreNeeded(seed: Int) async throws {
        var random = Seeded(UInt64(seed))
        let slow = SlowFiles()
        let pauses = (0..<200).map { _ in Int.random(in: 0..<9, using: &random) }
        let files = OpenFiles(
            resume: { try await slow.set(open: true, pauses) },
            suspend: { try await slow.set(open: false, pauses) })
        var tasks: [Task<Void, any Error>] = []
        for pause in pauses.prefix(12) {
            let inFront = Int.random(in: 0..<5, using: &random) == 0
            let start = Int.random(in: 0..<120, using: &random)
            tasks.append(Task { try await after(120 - start) { try await files.set(inFront: inFront) } })
            tasks.append(
                Task {
                    try await after(start) {
                        try await files.during {
                            #expect(await slow.isOpen, "seed \(seed)")
                            try await after(pause) {}
                            #expect(await slow.isOpen, "seed \(seed)")
                        }
                    }
                })
        }
        for task in tasks { try await task.value }
        try await files.set(inFront: false)
        #expect(await !slow.isOpen, "seed \(seed)")
        try await files.set(inFront: true)
        #expect(await slow.isOpen, "seed \(seed)")
    }

    @Test func workThatFailsLetsGoOfTheFiles() async throws {
        try await withPhone { phone in
            let files = OpenFiles(client: phone)
            try await files.set(inFront: false)
            let error = await failure { try await files.during { try await phone.lead(nobody) } }
            #expect(error == .notFound(what: "lead"))
            #expect(await failure { try await phone.status() } == .closed)
        }
    }

    private func after(_ milliseconds: Int, _ work: () async throws -> Void) async throws {
        try await Task.sleep(nanoseconds: UInt64(milliseconds) * 1_000_000)
        try await work()
    }
}

/// Files that take their time.
private actor SlowFiles {
    private(set) var isOpen = true
    private var turn = 0

    func set(open: Bool, _ pauses: [Int]) async throws {
        turn += 1
        try await Task.sleep(nanoseconds: UInt64(pauses[turn % pauses.count]) * 1_000_000)
        isOpen = open
    }
}
