import Fieldfare
import Foundation

/// Where fixes come from: the phone's positioning, or a walk in a test.
@MainActor public protocol LocationSource: AnyObject, Sendable {
    /// Fixes as the platform delivers them, each batch oldest first. One reader.
    var fixes: AsyncStream<[Fix]> { get }

    /// Says which fix is wanted next, in place of what was wanted before.
    func want(_ wish: FixWish)

    /// Watches these regions in place of those before, and delivers a fix when one is entered or left.
    func watch(_ fences: Fences)

    /// Asks the rep for the platform's permission, also for when the app is not in front.
    func askPermission(always: Bool)
}

/// Which fix is wanted next.
public enum FixWish: Equatable, Sendable {
    /// None.
    case nothing
    /// One at this time or soon after, this accurate in metres.
    case at(Date, accuracyM: Double)

    /// What is wanted while a screen shows where the rep is.
    static func onScreen(after last: Date) -> FixWish { .at(last + 5, accuracyM: 50) }

    /// What is wanted while a route is followed.
    static func driving(after last: Date) -> FixWish { .at(last + 1, accuracyM: 10) }

    /// What the engine asks for after a fix.
    init(_ next: NextFix, after last: Date) {
        switch next {
        case .stop: self = .nothing
        case .after(let delay, let accuracyM): self = .at(last + delay, accuracyM: accuracyM)
        case .onMotion(let atLatest, let accuracyM): self = .at(last + atLatest, accuracyM: accuracyM)
        }
    }

    /// One wish that satisfies both: the sooner and the better.
    func and(_ other: FixWish) -> FixWish {
        switch (self, other) {
        case (.nothing, let wish), (let wish, .nothing): wish
        case (.at(let a, let accuracyA), .at(let b, let accuracyB)):
            .at(min(a, b), accuracyM: min(accuracyA, accuracyB))
        }
    }
}

/// How to ask a platform that delivers fixes without end: coarsely while the next one is far off, which
/// costs little and keeps the app running, and well shortly before.
public struct FixDuty: Equatable, Sendable {
    /// How long before the time the receiver is warmed up.
    static let warmUp: TimeInterval = 10
    /// What is asked for meanwhile, metres.
    static let idleAccuracyM = 3_000.0

    public let wish: FixWish

    public init(_ wish: FixWish) {
        self.wish = wish
    }

    /// The accuracy to ask for now; nil for no fixes at all.
    public func accuracyM(now: Date) -> Double? {
        guard case .at(let due, let accuracyM) = wish else { return nil }
        return now >= due - Self.warmUp ? accuracyM : max(Self.idleAccuracyM, accuracyM)
    }

    /// When the accuracy changes by itself; nil if it does not any more.
    public func changes(after now: Date) -> Date? {
        guard case .at(let due, _) = wish, now < due - Self.warmUp else { return nil }
        return due - Self.warmUp
    }

    /// Whether a fix is what was wished for. One that is too coarse is still taken when a better one
    /// does not come in twice the time of warming up.
    public func takes(at time: Date, accuracyM: Double) -> Bool {
        guard case .at(let due, let wished) = wish, time >= due - 0.5 else { return false }
        return accuracyM <= max(2 * wished, 20) || time >= due + 2 * Self.warmUp
    }
}
