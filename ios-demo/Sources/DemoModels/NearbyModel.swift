import Fieldfare
import Observation

/// The list and the map of leads near the rep.
@MainActor @Observable public final class NearbyModel {
    /// How far around the rep to look.
    public enum Radius: Double, CaseIterable, Sendable {
        case near = 500
        case walk = 2_000
        case drive = 10_000
        case far = 50_000
    }

    /// What the list answers. A view that runs ``follow()`` starts it anew when this changes.
    public struct Question: Equatable, Sendable {
        var position: LatLng?
        var radius = Radius.walk
        var text = ""
    }

    public private(set) var question = Question()
    /// Nearest first; while words are typed, those that fit best first.
    public private(set) var rows: [LeadRow] = []
    /// How many leads are in reach, also those the list leaves out.
    public private(set) var total = 0
    /// Leads in the part of the map last looked at.
    public private(set) var pins: [LeadPin] = []
    public private(set) var problem: Problem?

    private let client: FieldfareClient
    private static let shown: Int32 = 100

    public init(client: FieldfareClient) {
        self.client = client
    }

    public var radius: Radius {
        get { question.radius }
        set { question.radius = newValue }
    }

    public var text: String {
        get { question.text }
        set { question.text = newValue }
    }

    public var position: LatLng? { question.position }

    /// Whether there is nothing to answer yet.
    public var isWaitingForPosition: Bool { question.position == nil && question.text.isEmpty }

    public func moved(to position: LatLng) {
        question.position = position
    }

    /// Answers the question now and after every change, until the task is cancelled.
    public func follow() async {
        let question = self.question
        do {
            for try await nearby in client.watch({ try await Self.answer(question, $0) }) {
                rows = nearby.rows
                total = nearby.total
                problem = nil
            }
        } catch {
            problem = Problem.isSilent(error) ? nil : Problem(error)
        }
    }

    /// Fetches the pins for a part of the map.
    public func look(southWest: LatLng, northEast: LatLng) async {
        do {
            pins = try await client.viewport(southWest: southWest, northEast: northEast, limit: 200).pins
        } catch {
            problem = Problem.isSilent(error) ? problem : Problem(error)
        }
    }

    private struct Answer: Equatable, Sendable {
        var rows: [LeadRow] = []
        var total = 0
    }

    private static func answer(_ question: Question, _ client: FieldfareClient) async throws -> Answer {
        if !question.text.isEmpty {
            let found = try await client.search(question.text, limit: Int(shown))
            return Answer(rows: found.map { LeadRow($0) }, total: found.count)
        }
        guard let position = question.position else { return Answer() }
        let query = NearbyQuery(radiusM: question.radius.rawValue, limit: shown)
        let near = try await client.nearby(position, query)
        return Answer(
            rows: near.leads.map { LeadRow($0.lead, distanceM: $0.distanceM) }, total: Int(near.total))
    }
}
