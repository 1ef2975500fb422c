import Fieldfare
import Foundation
import Observation

/// Says things aloud.
public protocol Speaker: Sendable {
    func say(_ text: String, language: String) async
}

/// The drive: where the rep is on the route, what comes next, and which visit to ask about.
@MainActor @Observable public final class DriveModel {
    /// A stay long enough to be a visit.
    public struct Proposal: Identifiable, Equatable, Sendable {
        public let lead: LeadId
        public let arrivedAt: Date

        public var id: LeadId { lead }
    }

    /// The route, for the map.
    public private(set) var line: [LatLng] = []
    public private(set) var position: LatLng?
    /// What to do next: the instruction, or the stop ahead where there is no road route.
    public private(set) var instruction = "Looking for your place on the route"
    /// "350 m"; nil while it is not known.
    public private(set) var distance: String?
    public private(set) var nextStop: String?
    public private(set) var nextStopAt: Date?
    public private(set) var doneAt: Date?
    /// What is wrong: off the route, the wrong way.
    public private(set) var warning: String?
    /// The visit to ask about.
    public var proposal: Proposal?
    public private(set) var isComplete = false

    /// Whether there is a visit to ask about. Setting it to false answers no.
    public var isAsking: Bool {
        get { proposal != nil }
        set { if !newValue { proposal = nil } }
    }

    private let drive: Drive
    private let client: FieldfareClient
    private let names: [LeadId: String]
    private let speaker: any Speaker
    private var map: RouteMap

    init(
        _ drive: Drive, client: FieldfareClient, names: [LeadId: String], speaker: any Speaker
    ) async throws {
        self.drive = drive
        self.client = client
        self.names = names
        self.speaker = speaker
        map = try await drive.map()
        line = map.points
        try await drive.setConnected(true)
    }

    /// Whether roads are followed, or straight lines.
    public var isByRoad: Bool { map.kind == .road }

    /// Takes a fix in. One that cannot be taken is lost; the next one comes in a second.
    func take(_ fix: Fix) async {
        guard let update = try? await drive.update(fix) else { return }
        if update.routeVersion != map.version, let newer = try? await drive.map() {
            map = newer
            line = newer.points
        }
        show(update)
        for event in update.events { await react(to: event) }
        if case .askForRoute(let request) = update.advice { askForRoute(request) }
    }

    /// Another route from the server; without a connection or consent the session makes do and asks later.
    private func askForRoute(_ request: Int32) {
        let client = self.client
        let drive = self.drive
        Task { _ = try? await client.fetchRoute(drive, request) }
    }

    /// Leaves the next stop out.
    public func skipStop() async {
        _ = try? await drive.skipStop()
    }

    func end() async {
        _ = try? await drive.end()
        isComplete = true
    }

    private func show(_ update: RouteUpdate) {
        position = update.spot?.position ?? update.position
        warning = Self.warning(update)
        guard let progress = update.progress else { return }
        nextStop = progress.nextLead.map { names[$0] ?? "the next stop" } ?? "the end of the day"
        nextStopAt = progress.stopEta
        doneAt = progress.eta
        if let banner = update.banner {
            instruction = banner.primary.text
            distance = distanceText(progress.toManoeuvreM)
        } else {
            instruction = "Towards \(nextStop ?? "the next stop")"
            distance = distanceText(progress.toStopM)
        }
    }

    private static func warning(_ update: RouteUpdate) -> String? {
        guard let deviation = update.deviation else { return nil }
        let back = update.rejoin.map { ", the route is \(distanceText($0.distanceM)) away" } ?? ""
        return (deviation.kind == .wrongWay ? "You go the wrong way" : "You are off the route") + back
    }

    private func react(to event: RouteEvent) async {
        switch event {
        case .speak(_, let text, _): await speaker.say(text, language: map.language)
        case .visitProposed(let stay):
            if let lead = stay.lead { proposal = Proposal(lead: lead, arrivedAt: stay.arrivedAt) }
        case .completed: isComplete = true
        default: break
        }
    }
}
