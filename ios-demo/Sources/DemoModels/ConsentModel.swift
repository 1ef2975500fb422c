import Fieldfare
import Foundation
import Observation

/// The screen on which a rep agrees to uses of location, one by one, and takes it back.
@MainActor @Observable public final class ConsentModel {
    /// One use and where it stands.
    public struct Item: Identifiable, Equatable, Sendable {
        public let purpose: Purpose
        public let title: String
        /// What the rep agrees to.
        public let text: String
        public let isGranted: Bool
        public let decidedAt: Date?

        public var id: Purpose { purpose }
    }

    /// The version of the texts below. A change of a text is a new version, to be agreed to anew.
    public static let textVersion = "2026-11"
    public static let language = "en"

    public private(set) var items: [Item] = []
    /// Whether the phone's record of decisions is whole; if not, nothing is allowed.
    public private(set) var isTrusted = true
    public private(set) var problem: Problem?

    private let client: FieldfareClient

    public init(client: FieldfareClient) {
        self.client = client
    }

    /// Shows the decisions as they are, until the task is cancelled.
    public func follow() async {
        do {
            for try await state in client.watch({ try await $0.consentState() }) {
                show(state)
            }
        } catch {
            problem = Problem.isSilent(error) ? nil : Problem(error)
        }
    }

    /// Agrees, or takes it back. Taking back deletes positions that were not sent yet.
    public func set(_ purpose: Purpose, granted: Bool) async {
        do {
            if granted {
                try await client.grant(
                    purpose, textVersion: Self.textVersion, language: Self.language)
            } else {
                try await client.withdraw(purpose)
            }
            show(try await client.consentState())
            problem = nil
        } catch {
            problem = Problem(error)
        }
    }

    private func show(_ state: ConsentState) {
        isTrusted = state.ledger == .none || state.ledger == .whole
        items = state.purposes.map { purpose in
            let words = Self.words(for: purpose.purpose)
            return Item(
                purpose: purpose.purpose, title: words.title, text: words.text,
                isGranted: purpose.isGranted, decidedAt: purpose.decidedAt)
        }
    }

    private static func words(for purpose: Purpose) -> (title: String, text: String) {
        switch purpose {
        case .nearMe:
            ("Leads near me", "Your position is used on this phone only and not kept.")
        case .proximityAlerts:
            (
                "Tell me about leads nearby",
                "While you work, this phone compares your position with your leads and tells you when one is "
                    + "near. Your position stays on this phone and is not kept."
            )
        case .visitCheckIn:
            (
                "Note where I recorded a visit",
                "A visit you record carries the place where you recorded it. Your company sees it with the visit."
            )
        case .navigation:
            (
                "Keep my place on the route",
                "This phone notes where you are on today's route, so that following goes on when the app was "
                    + "closed. It is deleted at the end of the trip or when you take this back."
            )
        case .liveTracking:
            (
                "Share my position while I work",
                "Your company sees where you are while the app takes your position. Positions that were not "
                    + "sent are deleted when you take this back."
            )
        }
    }
}
