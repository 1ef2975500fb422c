import Fieldfare
import Foundation
import Observation

/// Takes fixes from the phone, gives them to the engine, and passes on what comes of them. What a fix may
/// be used for is the engine's to decide.
@MainActor @Observable public final class Tracker {
    /// Where the rep is.
    public private(set) var position: LatLng?
    /// Leads the rep was told of since the app started, latest first.
    public private(set) var alerts: [LeadAlert] = []
    /// Whether the last position was stored to be sent.
    public private(set) var isShared = false
    public private(set) var problem: Problem?

    /// Whether a screen shows where the rep is.
    public var isOnScreen = false {
        didSet { wantNext() }
    }
    /// Whether a route is being followed.
    public var isDriving = false {
        didSet { wantNext() }
    }

    /// Who else wants every fix.
    var onFix: [(Fix) async -> Void] = []

    private let client: FieldfareClient
    private let files: OpenFiles
    private let source: any LocationSource
    private let notifier: any Notifier
    private let savesBattery: @MainActor () -> Bool
    private let now: @MainActor () -> Date
    private var engineWants = FixWish.nothing
    private var lastAt = Date.distantPast

    init(
        client: FieldfareClient, files: OpenFiles, source: any LocationSource, notifier: any Notifier,
        savesBattery: @escaping @MainActor () -> Bool, now: @escaping @MainActor () -> Date
    ) {
        self.client = client
        self.files = files
        self.source = source
        self.notifier = notifier
        self.savesBattery = savesBattery
        self.now = now
    }

    /// What is wanted of the phone now.
    public var wish: FixWish {
        var wish = engineWants
        if isOnScreen { wish = wish.and(.onScreen(after: lastAt)) }
        if isDriving { wish = wish.and(.driving(after: lastAt)) }
        return wish
    }

    /// Takes fixes until the task is cancelled.
    public func run() async {
        await consentChanged()
        for await fixes in source.fixes {
            await take(fixes)
        }
    }

    /// Asks for fixes again wherever a use was just allowed.
    public func consentChanged() async {
        let state = try? await client.consentState()
        let uses: [Purpose] = [.proximityAlerts, .liveTracking]
        let isAllowed = state?.purposes.contains { $0.isGranted && uses.contains($0.purpose) } ?? false
        if isAllowed, engineWants == .nothing {
            engineWants = .at(now(), accuracyM: 50)
        } else if !isAllowed {
            engineWants = .nothing
        }
        wantNext()
    }

    private func take(_ fixes: [Fix]) async {
        guard let last = fixes.last else { return }
        lastAt = last.at
        position = last.position
        do {
            let context = FixContext(batterySaver: savesBattery())
            let outcomes = try await files.during { try await client.fixes(fixes, context: context) }
            await follow(outcomes, last: last)
            problem = nil
        } catch {
            problem = Problem.isSilent(error) ? nil : Problem(error)
        }
        for hear in onFix {
            for fix in fixes { await hear(fix) }
        }
        wantNext()
    }

    private func follow(_ outcomes: [FixOutcome], last: Fix) async {
        if let outcome = outcomes.last {
            engineWants = FixWish(outcome.next, after: last.at)
            isShared = outcome.isPingStored
        }
        if let fences = outcomes.compactMap(\.fences).last {
            source.watch(fences)
        }
        for near in outcomes.flatMap(\.alerts) {
            let alert = LeadAlert(near)
            alerts.insert(alert, at: 0)
            await notifier.tell(alert)
        }
    }

    private func wantNext() {
        source.want(wish)
    }
}
