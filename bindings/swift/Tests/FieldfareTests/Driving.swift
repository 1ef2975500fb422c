import Fieldfare
import Foundation
import Testing

/// Every day from eight to six, from the middle of Boston.
let workHours = WorkHours(
    hours: "Mo-Su 08:00-18:00", timeZone: "America/New_York", start: here, end: nil, visitMinutes: 30,
    candidates: 40, breaks: [])

/// Tomorrow where the rep works, so that nothing of the day is over yet.
func tomorrow() -> CalendarDate {
    calendarDate(Date() + 86_400, in: TimeZone(identifier: "America/New_York") ?? .current)
}

/// Leads a kilometre apart, with hours that suit everybody.
func someLeads(_ phone: FieldfareClient, _ count: Int) async throws -> [LeadId] {
    var ids: [LeadId] = []
    for n in 1...count {
        ids.append(try await phone.addLead(leadAt("Lead \(n)", lat: here.lat + Double(n) * 0.009)).id)
    }
    return ids
}

/// Where a drive through Helsinki begins, its two stops and its end.
let helsinki = [
    LatLng(lat: 60.178566, lon: 24.945248), LatLng(lat: 60.167712, lon: 24.945099),
    LatLng(lat: 60.165474, lon: 24.942325), LatLng(lat: 60.176248, lon: 24.944988),
]

/// A day through Helsinki's two stops in their order.
func helsinkiDay(_ phone: FieldfareClient) async throws -> (CalendarDate, [LeadId]) {
    let date = tomorrow()
    let first = try await phone.addLead(NewLead(name: "First", position: helsinki[1])).id
    let second = try await phone.addLead(NewLead(name: "Second", position: helsinki[2])).id
    let work = WorkHours(
        hours: "Mo-Su 08:00-18:00", timeZone: "America/New_York", start: helsinki[0], end: helsinki[3])
    try await phone.planDay(
        PlanDay(
            date: date, work: work, wishes: [StopWish(lead: first), StopWish(lead: second)],
            addsDueLeads: false))
    try await phone.replanDay(
        date, DayUpdate(events: [.committed(lead: first), .committed(lead: second)]))
    return (date, [first, second])
}

/// What a real OSRM answered for that drive.
func osrmAnswer() throws -> Data {
    let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return try Data(
        contentsOf: root.appendingPathComponent("core/navigator/tests/fixtures/helsinki_osrm.json"))
}

/// Metres, near enough over short ways.
func roughM(_ a: LatLng, _ b: LatLng) -> Double {
    let north = (a.lat - b.lat) * 111_195
    let east = (a.lon - b.lon) * 111_195 * cos(a.lat * .pi / 180)
    return (north * north + east * east).squareRoot()
}

/// Places along a line, a step apart.
func along(_ line: [LatLng], stepM: Double) -> [LatLng] {
    zip(line, line.dropFirst()).flatMap { a, b -> [LatLng] in
        let steps = max(1, Int((roughM(a, b) / stepM).rounded(.up)))
        return (0..<steps).map { n in
            let part = Double(n) / Double(steps)
            return LatLng(lat: a.lat + (b.lat - a.lat) * part, lon: a.lon + (b.lon - a.lon) * part)
        }
    } + line.suffix(1)
}

/// Drives the whole route and stays at each stop for two and a half minutes. What happened.
func driveAlong(
    _ drive: Drive, stepM: Double, secondsAStep: TimeInterval, from start: Date
) async throws -> [RouteEvent] {
    let map = try await drive.map()
    let stops = map.stops.filter { $0.lead != nil }
    var events: [RouteEvent] = []
    var at = start
    func fix(_ place: LatLng, after seconds: TimeInterval) async throws {
        at += seconds
        events += try await drive.update(Fix(position: place, at: at, accuracyM: 5)).events
    }
    for place in along(map.points, stepM: stepM) {
        try await fix(place, after: secondsAStep)
        guard let stop = stops.first(where: { roughM($0.position, place) < 15 }), let lead = stop.lead,
            !visitsProposed(events).contains(lead)
        else { continue }
        for _ in 0..<10 { try await fix(stop.position, after: 15) }
    }
    return events
}

/// The leads at whose stops a visit was proposed.
func visitsProposed(_ events: [RouteEvent]) -> [LeadId] {
    events.compactMap { if case .visitProposed(let stay) = $0 { stay.lead } else { nil } }
}
