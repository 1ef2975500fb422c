import Fieldfare
import Foundation
import Observation

/// What the app stands on; everything of the platform's comes in here.
@MainActor public struct Surroundings {
    public var config: EngineConfig
    public var vault: any KeyVault
    public var location: any LocationSource
    public var notifier: any Notifier
    public var speaker: any Speaker
    public var scheduler: any BackgroundScheduler
    public var httpClient: (any HTTPClient)?
    /// Tells the time, for tests.
    public var clock: (any WallClock)?
    /// Whether the phone saves battery.
    public var savesBattery: @MainActor () -> Bool = { false }
    public var now: @MainActor () -> Date = { Date() }

    public init(
        config: EngineConfig, vault: any KeyVault, location: any LocationSource, notifier: any Notifier,
        speaker: any Speaker, scheduler: any BackgroundScheduler
    ) {
        self.config = config
        self.vault = vault
        self.location = location
        self.notifier = notifier
        self.speaker = speaker
        self.scheduler = scheduler
    }
}

/// The app from its start to signing out.
@MainActor @Observable public final class AppModel {
    /// What there is to show.
    public enum Phase {
        case opening
        /// Nobody is signed in; a code is needed.
        case signedOut
        case ready(Workday)
        /// The files cannot be opened now.
        case failed(Problem)
    }

    public private(set) var phase = Phase.opening
    /// Why signing in or out did not work.
    public private(set) var problem: Problem?

    public let surroundings: Surroundings
    private var client: FieldfareClient?
    private var running: [Task<Void, Never>] = []
    private var opening: Task<Void, Never>?

    public init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    public var workday: Workday? {
        if case .ready(let day) = phase { day } else { nil }
    }

    /// Opens the files. Again is fine, and what to do after a failure; several at once are one.
    public func start() async {
        if let opening { return await opening.value }
        guard client == nil else { return }
        let task = Task { await open() }
        opening = task
        await task.value
        opening = nil
    }

    /// Signs in with the code the company gave out, then fetches the rep's leads.
    public func signIn(code: String, deviceName: String) async {
        guard let client else { return }
        do {
            try await client.enrol(
                code: code.trimmingCharacters(in: .whitespacesAndNewlines), deviceName: deviceName)
            problem = nil
            try await begin(client)
        } catch {
            problem = Problem(error)
        }
        await workday?.sync.sync()
    }

    /// Makes everything on this phone unreadable and gone. Refuses while work is not sent, unless forced.
    public func signOut(force: Bool = false) async {
        guard let client else { return }
        do {
            try await client.erase(force: force)
            problem = nil
            await reopen()
        } catch {
            problem = Problem(error)
        }
    }

    /// The app left the front: files are let go of unless a use of location goes on.
    public func leftFront() async {
        guard let workday else { return }
        BackgroundSync(scheduler: surroundings.scheduler).scheduleSoon(now: surroundings.now())
        try? await workday.files.set(inFront: false)
    }

    /// The app came to the front.
    public func cameToFront() async {
        await start()
        guard let workday else { return }
        do {
            try await workday.files.set(inFront: true)
        } catch {
            await shut()
            phase = .failed(Problem(error))
        }
    }

    /// What the platform wakes the app for. Cancel the task when time is up.
    public func backgroundSync() async -> Bool {
        await start()
        guard let workday else { return true }
        let sync = BackgroundSync(scheduler: surroundings.scheduler)
        let now = surroundings.now()
        return (try? await workday.files.during { await sync.run(workday.client, now: now) }) ?? false
    }

    private func open() async {
        do {
            let client = try await FieldfareClient.open(
                surroundings.config, keyVault: surroundings.vault, httpClient: surroundings.httpClient,
                clock: surroundings.clock)
            self.client = client
            if try await client.enrolment() == nil {
                phase = .signedOut
            } else {
                try await begin(client)
            }
        } catch {
            await shut()
            phase = .failed(Problem(error))
        }
    }

    private func begin(_ client: FieldfareClient) async throws {
        let name = try await client.enrolment()?.repName ?? ""
        let day = Workday(client: client, repName: name, surroundings: surroundings)
        phase = .ready(day)
        running = [
            Task { await day.run() },
            Task { [weak self] in await self?.watchForRevocation(client) },
        ]
    }

    /// A phone that was revoked has erased itself: start over.
    private func watchForRevocation(_ client: FieldfareClient) async {
        for await state in client.syncStates where state == .failed(.revoked) {
            problem = Problem(FieldfareError.revoked)
            await reopen()
            return
        }
    }

    private func reopen() async {
        await shut()
        phase = .opening
        await start()
    }

    private func shut() async {
        let client = self.client
        self.client = nil
        for task in running { task.cancel() }
        running = []
        try? await client?.close()
    }
}
