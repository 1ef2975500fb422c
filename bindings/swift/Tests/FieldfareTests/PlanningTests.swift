import Fieldfare
import Foundation
import Testing

/// Planning a day and following it, without a connection.
@Suite struct PlanningTests {
    @Test func aDayIsPlannedAnewAndToldWhy() async throws {
        try await withPhone { phone in
            let leads = try await someLeads(phone, 4)
            let date = tomorrow()
            #expect(try await phone.workHours() == nil)
            #expect(try await phone.plannedDates().isEmpty)
            try await phone.setWorkHours(workHours)
            let noted = try #require(try await phone.workHours())
            try await phone.setWorkHours(noted)
            #expect(try await phone.workHours() == noted)
            #expect(noted.timeZone == workHours.timeZone && noted.start == here && noted.visitMinutes == 30)

            var changes = phone.changes.makeAsyncIterator()
            let day = try await phone.planDay(
                PlanDay(date: date, wishes: leads.prefix(3).map { StopWish(lead: $0) }, addsDueLeads: false))
            #expect(await changes.next()?.days == true)
            #expect(Set(day.steps.compactMap(\.lead)) == Set(leads.prefix(3)))
            #expect(day.source == .phone && day.date == date && day.totals.visits == 3)
            #expect(day.travel.estimated == day.travel.ways && day.travel.provider == "great_circle")
            #expect(day.steps.allSatisfy { $0.arrival <= $0.start && $0.start < $0.departure })
            #expect(try await phone.day(date) == day)
            #expect(try await phone.plannedDates() == [date])

            let near = try await phone.leadsNearDay(date)
            #expect(near.leads.map(\.lead.id) == [leads[3]] && near.total == 1 && near.isComplete)
            #expect(near.leads[0].detour > 0 && near.leads[0].later >= near.leads[0].detour)

            let first = try #require(day.steps.first?.lead)
            let anew = try await phone.replanDay(
                date,
                DayUpdate(
                    events: [
                        .cancelled(lead: first), .added(wish: StopWish(lead: leads[3], isMandatory: true)),
                    ]))
            #expect(anew.changes.contains(.added(lead: leads[3])))
            #expect(anew.day.cancelled == [first])
            #expect(Set(anew.day.steps.compactMap(\.lead)) == Set(leads).subtracting([first]))
        }
    }

    @Test func whatDoesNotFitIsLeftOutWithItsReason() async throws {
        try await withPhone { phone in
            let leads = try await someLeads(phone, 3)
            var short = workHours
            short = WorkHours(
                hours: "Mo-Su 09:00-10:00", timeZone: short.timeZone, start: here, visitMinutes: 25)
            let wishes = leads.map { StopWish(lead: $0) }
            let day = try await phone.planDay(
                PlanDay(
                    date: tomorrow(), work: short, wishes: wishes, addsDueLeads: false,
                    objective: .finishEarly))
            #expect(day.steps.count + day.leftOut.count == 3 && !day.leftOut.isEmpty)
            let left = try #require(day.leftOut.first)
            #expect(left.reason == .lowerPriority && !left.displaces.isEmpty)
            #expect(!left.remedies.isEmpty)
        }
    }

    @Test func whatCannotBePlannedIsRefused() async throws {
        try await withPhone { phone in
            let lead = try await someLeads(phone, 1)[0]
            let date = tomorrow()
            #expect(await failure { try await phone.day(date) } == .notFound(what: "planned day"))
            #expect(await failure { try await phone.useServerDay(date) } == .notFound(what: "planned day"))
            #expect(await failure { try await phone.follow(date) } == .notFound(what: "planned day"))
            #expect(await failure { try await phone.leadsNearDay(date) }?.code() == "not_found")
            #expect(await failure { try await phone.replanDay(date) }?.code() == "not_found")
            #expect(try await phone.resumeFollowing(maxAge: 60) == nil)
            func plan(_ wish: StopWish, _ work: WorkHours) async -> FieldfareError? {
                await failure {
                    try await phone.planDay(
                        PlanDay(date: date, work: work, wishes: [wish], addsDueLeads: false))
                }
            }
            #expect(await plan(StopWish(lead: nobody), workHours) == .notFound(what: "lead"))
            #expect(await plan(StopWish(lead: lead, minutes: 481), workHours)?.code() == "invalid")
            #expect(await plan(StopWish(lead: lead, minutes: -1), workHours)?.code() == "invalid")
            let never = WorkHours(hours: "whenever", timeZone: "America/New_York", start: here)
            #expect(await plan(StopWish(lead: lead), never)?.code() == "invalid")
            let nowhere = WorkHours(hours: "Mo-Su 08:00-18:00", timeZone: "Nowhere", start: here)
            #expect(await plan(StopWish(lead: lead), nowhere)?.code() == "invalid")
            #expect(await failure { try await phone.day("tomorrow") }?.code() == "invalid")
            let query = NearDayQuery(limit: -1)
            #expect(await failure { try await phone.leadsNearDay(date, query) }?.code() == "invalid")
        }
    }

    @Test func aDriveIsFollowedByTheCrowAndThenByRoad() async throws {
        try await withPhone { phone in
            let (date, leads) = try await helsinkiDay(phone)
            let drive = try await phone.follow(date)
            var updates = drive.updates.makeAsyncIterator()
            let crow = try await drive.map()
            #expect(crow.kind == .crow && crow.version == 1 && crow.points.first == helsinki[0])
            #expect(try await drive.date() == date)
            #expect(try await drive.phase() == .joining)
            #expect(try await drive.lastUpdate() == nil)
            #expect(try await drive.routeQuery() == nil)

            try await drive.setConnected(true)
            let start = Date()
            let first = try await drive.update(Fix(position: helsinki[0], at: start, accuracyM: 5))
            #expect(await updates.next() == first)
            guard case .askForRoute(let request) = first.advice else {
                Issue.record("\(first)")
                return
            }
            let query = try #require(try await drive.routeQuery())
            #expect(query.places.map(\.lead) == [nil, leads[0], leads[1], nil])
            #expect(await failure { try await drive.answer(request, Data("no".utf8)) }?.code() == "invalid")
            let again = try #require(try await askedAgain(drive, from: start))
            #expect(try await drive.answer(again, try osrmAnswer()))
            let road = try await drive.map()
            #expect(road.kind == .road && road.version == 2 && road.steps.count > 10)
            #expect(road.stops.compactMap(\.lead) == leads)
            try await drivesIt(drive, leads: leads, from: start + 200)
        }
    }

    /// Fixes a minute later, so that the session asks once more.
    private func askedAgain(_ drive: Drive, from start: Date) async throws -> Int32? {
        for minute in 1...3 {
            let fix = Fix(position: helsinki[0], at: start + Double(minute) * 61, accuracyM: 5)
            if case .askForRoute(let request) = try await drive.update(fix).advice { return request }
        }
        return nil
    }

    private func drivesIt(_ drive: Drive, leads: [LeadId], from start: Date) async throws {
        let events = try await driveAlong(drive, stepM: 12, secondsAStep: 1, from: start)
        #expect(visitsProposed(events) == leads)
        #expect(events.contains { if case .speak(_, let text, _) = $0 { !text.isEmpty } else { false } })
        #expect(events.contains { if case .completed = $0 { true } else { false } })
        let trip = try await drive.trip()
        #expect(trip.drivenM > 1_000 && trip.deviations == 0 && trip.endedAt != nil)
        #expect(try await drive.phase() == .complete)
        #expect(try await drive.lastUpdate()?.progress.map { $0.remainingM < 50 } != false)
    }

    @Test func aDriveIsHaltedStopsAreSkippedAndItEnds() async throws {
        try await withPhone { phone in
            let (date, leads) = try await helsinkiDay(phone)
            let drive = try await phone.follow(date, from: helsinki[0])
            let start = Date()
            try await drive.update(Fix(position: helsinki[0], at: start, accuracyM: 5), courseDeg: 180)
            try await drive.pause()
            #expect(try await drive.phase() == .paused)
            try await drive.resume()
            let joined = try await drive.update(Fix(position: helsinki[0], at: start + 1, accuracyM: 5))
            #expect(joined.progress?.nextLead == leads[0])
            try await drive.skipStop()
            #expect(try await drive.routeQuery()?.places.compactMap(\.lead) == [leads[1]])
            try await drive.advance()
            #expect(try await drive.lastUpdate()?.events == [])
            #expect(try await drive.alternatives().count == 1)
            let added = try await drive.addAlternatives(try osrmAnswer())
            #expect(added >= 1)
            #expect(try await drive.alternatives().count == Int(added) + 1)
            #expect(try await drive.addAlternatives(try osrmAnswer()) == 0, "it is known")
            #expect(await failure { try await drive.addAlternatives(Data("no".utf8)) }?.code() == "invalid")
            try await drive.useAlternative(1)
            #expect(try await drive.map().version == 2)
            #expect(await failure { try await drive.useAlternative(9) }?.code() == "not_found")
            #expect(await failure { try await drive.useAlternative(-1) }?.code() == "invalid")
            try await drive.answerFailed(1)
            #expect(try await drive.end().endedAt != nil)
            #expect(try await drive.phase() == .complete)
        }
    }

    @Test func aDriveOutlivesTheProcessOnlyWithConsent() async throws {
        let dir = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: dir) }
        let vault = MemoryVault()
        func phone() async throws -> FieldfareClient {
            try await FieldfareClient.open(offline(dir), keyVault: vault, httpClient: EnrolsOnly())
        }
        let first = try await phone()
        try await first.enrol(code: "CODE", deviceName: "Phone")
        let (date, leads) = try await helsinkiDay(first)
        let drive = try await first.follow(date, from: helsinki[0])
        let refused = await failure { try await drive.record() }
        #expect(refused == .consentRequired(purpose: .navigation))
        #expect(
            await failure { try await first.fetchRoute(drive, 0) } == .consentRequired(purpose: .navigation))
        try await first.grant(.navigation, textVersion: "2026-11", language: "en")
        try await drive.record()
        try await drive.update(Fix(position: helsinki[0], at: Date(), accuracyM: 5))
        #expect(await failure { try await first.fetchRoute(drive, 0) } == .offline)
        #expect(await failure { try await first.fetchRoute(drive, -1) }?.code() == "invalid")
        #expect(try await drive.takeRecording()?.isEmpty == false)
        try await first.close()

        let second = try await phone()
        let resumed = try #require(try await second.resumeFollowing(maxAge: 3_600))
        #expect(try await resumed.map().stops.compactMap(\.lead) == leads)
        try await second.withdraw(.navigation)
        try await second.close()
        let third = try await phone()
        #expect(try await third.resumeFollowing(maxAge: 3_600) == nil)
        try await third.close()
    }

    @Test func aDayOfTheCalendarIsThatOfTheZone() throws {
        let moment = Date(timeIntervalSince1970: 1_790_000_000)
        #expect(calendarDate(moment, in: try #require(TimeZone(identifier: "UTC"))) == "2026-09-21")
        let early = Date(timeIntervalSince1970: 1_767_225_600)
        #expect(
            calendarDate(early, in: try #require(TimeZone(identifier: "America/New_York"))) == "2025-12-31")
    }
}
