import Fieldfare
import Foundation
import Observation

/// The rep's day: what is planned, what lies near it, and the drive.
@MainActor @Observable public final class TodayModel {
    /// A stop of the day.
    public struct Stop: Identifiable, Equatable, Sendable {
        public let lead: LeadRow
        public let arrival: Date
        /// When the visit begins, which is later than the arrival where the rep must wait.
        public let start: Date
        /// How much later the rep may come with the rest of the day still on time.
        public let slack: TimeInterval

        public var id: LeadId { lead.id }
    }

    /// A lead that can be visited beside what is planned.
    public struct Detour: Identifiable, Equatable, Sendable {
        public let lead: LeadRow
        public let minutes: Int

        public var id: LeadId { lead.id }
    }

    /// A lead that did not fit.
    public struct LeftOut: Identifiable, Equatable, Sendable {
        public let lead: LeadRow
        public let reason: String

        public var id: LeadId { lead.id }
    }

    public private(set) var plan: DayPlan?
    public private(set) var stops: [Stop] = []
    public private(set) var leftOut: [LeftOut] = []
    public private(set) var detours: [Detour] = []
    /// The drive under way.
    public private(set) var drive: DriveModel?
    public private(set) var problem: Problem?
    public private(set) var isPlanning = false

    private let client: FieldfareClient
    private let speaker: any Speaker
    private let now: @MainActor () -> Date

    init(client: FieldfareClient, speaker: any Speaker, now: @escaping @MainActor () -> Date) {
        self.client = client
        self.speaker = speaker
        self.now = now
    }

    /// The day on the calendar where the rep is.
    public var date: CalendarDate { calendarDate(now()) }

    /// "5 visits, 42 km of driving"; nil without a plan.
    public var headline: String? {
        plan.map {
            "\(counted(Int($0.totals.visits), "visit")), \(distanceText(Double($0.totals.metres))) of driving"
        }
    }

    /// What the rep should know about the travel times; nil if they are as good as they get.
    public var caution: String? {
        guard let travel = plan?.travel, travel.estimated > 0 else { return nil }
        return travel.estimated == travel.ways
            ? "Travel times are estimates." : "Some travel times are estimates."
    }

    /// Shows the day as it is, until the task is cancelled.
    public func follow() async {
        let date = self.date
        do {
            for try await answer in client.watch({ try await Answer(of: date, $0) }) {
                show(answer)
            }
        } catch {
            problem = Problem.isSilent(error) ? nil : Problem(error)
        }
    }

    /// Plans the day on this phone. Without hours of the company's: eight to six from where the rep is.
    public func planDay(from position: LatLng?) async {
        await work {
            var work: WorkHours?
            if try await client.workHours() == nil {
                guard let position else {
                    problem = Problem(
                        title: "Your position is needed", advice: "The day begins where you are.")
                    return
                }
                work = WorkHours(
                    hours: "Mo-Su 08:00-18:00", timeZone: TimeZone.current.identifier, start: position)
            }
            try await client.planDay(PlanDay(date: date, work: work))
        }
    }

    /// Plans the rest of the day anew, from where the rep is.
    public func replan(from position: LatLng?, _ events: DayEvent...) async {
        await work { try await client.replanDay(date, DayUpdate(position: position, events: events)) }
    }

    /// Looks for leads near the rest of the day.
    public func findDetours(from position: LatLng?) async {
        await work {
            let near = try await client.leadsNearDay(date, NearDayQuery(position: position, limit: 20))
            detours = near.leads.map {
                Detour(lead: LeadRow($0.lead), minutes: Int(($0.detour / 60).rounded(.up)))
            }
        }
    }

    /// Begins the drive.
    public func start(from position: LatLng?) async {
        await work {
            let names = Dictionary(uniqueKeysWithValues: stops.map { ($0.id, $0.lead.name) })
            drive = try await DriveModel(
                client.follow(date, from: position), client: client, names: names, speaker: speaker)
        }
    }

    /// Takes up a drive that the end of the app cut off.
    func resume() async {
        guard let cut = try? await client.resumeFollowing(maxAge: 15 * 60) else { return }
        drive = try? await DriveModel(cut, client: client, names: [:], speaker: speaker)
    }

    /// Ends the drive.
    public func end() async {
        await drive?.end()
        drive = nil
    }

    private func work(_ work: () async throws -> Void) async {
        isPlanning = true
        defer { isPlanning = false }
        problem = nil
        do {
            try await work()
        } catch {
            problem = Problem(error)
        }
    }

    private func show(_ answer: Answer) {
        plan = answer.plan
        stops = answer.stops
        leftOut = answer.leftOut
        detours = []
    }

    fileprivate struct Answer: Equatable, Sendable {
        var plan: DayPlan?
        var stops: [Stop] = []
        var leftOut: [LeftOut] = []
    }
}

extension TodayModel.Answer {
    fileprivate init(of date: CalendarDate, _ client: FieldfareClient) async throws {
        guard try await client.plannedDates().contains(date) else { return }
        let plan = try await client.day(date)
        let ids = plan.steps.compactMap(\.lead) + plan.leftOut.map(\.lead)
        let leads = try await client.leads(Array(ids.prefix(200)))
        let rows = Dictionary(uniqueKeysWithValues: leads.map { ($0.id, LeadRow($0)) })
        self.plan = plan
        stops = plan.steps.compactMap { step in
            step.lead.flatMap { rows[$0] }.map {
                TodayModel.Stop(lead: $0, arrival: step.arrival, start: step.start, slack: step.slack)
            }
        }
        leftOut = plan.leftOut.compactMap { left in
            rows[left.lead].map { TodayModel.LeftOut(lead: $0, reason: left.reason.words) }
        }
    }
}

extension LeftOutReason {
    /// As the rep reads it.
    var words: String {
        switch self {
        case .notForRep: "It is not for you"
        case .unreachable: "There is no way there"
        case .noHoursFit: "Its hours do not fit"
        case .shiftEnds: "The day is too short for the way"
        case .lowerPriority: "Other visits matter more"
        case .detourTooLong: "The detour is too long"
        }
    }
}
