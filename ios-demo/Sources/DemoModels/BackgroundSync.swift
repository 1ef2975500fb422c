import Fieldfare
import Foundation

/// Asks the platform to wake the app later.
public protocol BackgroundScheduler: Sendable {
    /// Asks for one more run, not before `earliest`, in place of what was asked before.
    func schedule(earliest: Date) throws
}

/// A sync while the app is not in front.
public struct BackgroundSync: Sendable {
    /// The task's name, as in the app's `Info.plist`.
    public static let identifier = "dev.fieldfare.demo.sync"
    static let usual: TimeInterval = 30 * 60

    let scheduler: any BackgroundScheduler

    public init(scheduler: any BackgroundScheduler) {
        self.scheduler = scheduler
    }

    /// Syncs and asks for the next run. The next run is asked for first, so that the chain does not end
    /// with an app that is killed. Answers whether there is nothing to worry about: having no connection
    /// is usual. Cancel the task when the platform says that time is up.
    public func run(_ client: FieldfareClient, now: Date = Date()) async -> Bool {
        schedule(now + Self.usual)
        do {
            try await client.sync(SyncOptions(isBackground: true))
            return true
        } catch .tryLater(let delay) {
            schedule(now + max(delay ?? 0, 60))
            return true
        } catch .offline, .busy {
            return true
        } catch {
            return false
        }
    }

    /// Asks for a run as soon as the platform likes, for when the app leaves the front.
    public func scheduleSoon(now: Date = Date()) {
        schedule(now + 60)
    }

    /// A platform that refuses is no reason to fail: the next start syncs.
    private func schedule(_ earliest: Date) {
        try? scheduler.schedule(earliest: earliest)
    }
}
