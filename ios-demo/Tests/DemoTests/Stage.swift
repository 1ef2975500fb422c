import DemoModels
import Fieldfare
import Foundation

/// Fixes a test hands out, and what was asked for.
@MainActor final class Walk: LocationSource {
    let fixes: AsyncStream<[Fix]>
    private let deliver: AsyncStream<[Fix]>.Continuation
    private(set) var wish = FixWish.nothing
    private(set) var fences: Fences?
    private(set) var asked: [Bool] = []

    init() {
        (fixes, deliver) = AsyncStream.makeStream()
    }

    func want(_ wish: FixWish) { self.wish = wish }
    func watch(_ fences: Fences) { self.fences = fences }
    func askPermission(always: Bool) { asked.append(always) }

    func go(to position: LatLng, at time: Date = Date(), accuracyM: Double = 5) {
        deliver.yield([Fix(position: position, at: time, accuracyM: accuracyM)])
    }
}

final class Told: Notifier, @unchecked Sendable {
    private let lock = NSLock()
    private var all: [LeadAlert] = []

    var alerts: [LeadAlert] { lock.withLock { all } }

    func tell(_ alert: LeadAlert) async { lock.withLock { all.append(alert) } }
}

final class Said: Speaker, @unchecked Sendable {
    private let lock = NSLock()
    private var all: [String] = []

    var words: [String] { lock.withLock { all } }

    func say(_ text: String, language: String) async { lock.withLock { all.append(text) } }
}

final class Asked: BackgroundScheduler, @unchecked Sendable {
    private let lock = NSLock()
    private var all: [Date] = []

    var times: [Date] { lock.withLock { all } }

    func schedule(earliest: Date) throws { lock.withLock { all.append(earliest) } }
}

/// An app on a phone of its own.
@MainActor struct Stage {
    let walk = Walk()
    let told = Told()
    let said = Said()
    let asked = Asked()
    let vault = MemoryVault()
    let app: AppModel

    init(_ config: EngineConfig, httpClient: (any HTTPClient)? = EnrolsOnly(), stoppedAt time: Date? = nil) {
        var surroundings = Surroundings(
            config: config, vault: vault, location: walk, notifier: told, speaker: said, scheduler: asked)
        surroundings.httpClient = httpClient
        if let time {
            surroundings.clock = StoppedClock(time)
            surroundings.now = { time }
        }
        app = AppModel(surroundings)
    }

    func signedIn() async throws -> Workday {
        await app.start()
        if app.workday == nil {
            await app.signIn(code: "CODE", deviceName: "Phone")
        }
        guard let day = app.workday else { throw WaitedInVain(what: "signing in: \(app.phase)") }
        return day
    }
}

/// An app of its own folder, closed and deleted at the end.
@MainActor func withApp(
    httpClient: any HTTPClient = EnrolsOnly(), stoppedAt time: Date? = nil,
    _ body: (Stage) async throws -> Void
) async throws {
    let dir = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: dir) }
    let stage = Stage(offline(dir), httpClient: httpClient, stoppedAt: time)
    try await body(stage)
    try? await stage.app.workday?.client.close()
}

/// Runs what a screen runs while it is shown.
@MainActor func whileShown(
    _ follow: @escaping @MainActor () async -> Void, _ body: () async throws -> Void
) async throws {
    let task = Task { await follow() }
    try await body()
    task.cancel()
    await task.value
}

/// Random numbers that can be had again from their seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
