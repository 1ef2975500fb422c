import Fieldfare
import Foundation
import Testing

@testable import DemoModels

/// The day's screen and the drive.
@MainActor @Suite struct TodayTests {
    /// A Monday, seven in the morning UTC.
    private let morning = Date(timeIntervalSince1970: 1_789_974_000)

    @Test func aDayIsPlannedFromWhereTheRepIsAndDetoursAreAdded() async throws {
        try await withApp(stoppedAt: morning) { stage in
            let day = try await stage.signedIn()
            let today = day.today
            try await whileShown(today.follow) {
                await today.planDay(from: nil)
                #expect(today.problem?.title == "Your position is needed" && today.headline == nil)
                let near = try await someLeads(day.client, 2)
                let work = WorkHours(hours: "Mo-Su 08:00-18:00", timeZone: "UTC", start: here)
                try await day.client.setWorkHours(work)
                await today.planDay(from: here)
                try await waitUntil("the visits show") { today.stops.count == 2 }
                #expect(today.headline?.hasPrefix("2 visits, ") == true && today.problem == nil)
                #expect(today.caution == "Travel times are estimates." && today.leftOut.isEmpty)
                #expect(Set(today.stops.map(\.id)) == Set(near))
                #expect(zip(today.stops, today.stops.dropFirst()).allSatisfy { $0.start < $1.start })

                await today.replan(from: nil, .cancelled(lead: near[0]), .cancelled(lead: near[1]))
                try await waitUntil("they are gone") { today.stops.isEmpty }
                #expect(today.problem == nil && today.date == "2026-09-21")
            }
        }
    }

    @Test func leadsOnTheWayAreFoundAndAdded() async throws {
        try await withApp(stoppedAt: morning) { stage in
            let day = try await stage.signedIn()
            let leads = try await someLeads(day.client, 2)
            let work = WorkHours(hours: "Mo-Su 08:00-18:00", timeZone: "UTC", start: here)
            try await day.client.planDay(
                PlanDay(
                    date: day.today.date, work: work, wishes: [StopWish(lead: leads[0])], addsDueLeads: false)
            )
            try await whileShown(day.today.follow) {
                try await waitUntil("one shows") { day.today.stops.count == 1 }
                await day.today.findDetours(from: nil)
                #expect(day.today.detours.map(\.id) == [leads[1]] && day.today.detours[0].minutes > 0)
            }
        }
    }

    @Test func theDriveSaysWhatComesAsksAboutTheVisitAndEnds() async throws {
        try await withApp(stoppedAt: morning) { stage in
            let day = try await stage.signedIn()
            let leads = try await helsinkiLeads(day)
            try await whileShown(day.today.follow) {
                try await waitUntil("both show") { day.today.stops.map(\.id) == leads }
                await day.startDrive()
                let drive = try #require(day.today.drive)
                #expect(!drive.isByRoad && drive.line.first == helsinki[0])
                #expect(stage.walk.wish != .nothing, "a drive takes fixes without any consent")

                let start = morning
                stage.walk.go(to: helsinki[0], at: start)
                stage.walk.go(to: helsinki[0], at: start + 1)
                try await waitUntil("it knows the way") { drive.nextStop == "First" }
                #expect(drive.instruction == "Towards First" && drive.distance == "1.2 km")
                #expect(drive.warning == nil && drive.doneAt != nil)

                var at = start + 1
                for place in along([helsinki[0], helsinki[1]], stepM: 20) {
                    at += 2
                    stage.walk.go(to: place, at: at)
                }
                for _ in 0..<8 {
                    at += 15
                    stage.walk.go(to: helsinki[1], at: at)
                }
                try await waitUntil("the visit is proposed") { drive.proposal?.lead == leads[0] }
                let proposal = try #require(drive.proposal)
                let form = try #require(await day.visit(proposal))
                form.outcome = .met
                await form.save(at: nil, now: at)
                #expect(form.saved?.lead == leads[0])
                drive.isAsking = false
                #expect(drive.proposal == nil)

                await drive.skipStop()
                await day.endDrive()
                #expect(day.today.drive == nil && drive.isComplete && stage.walk.wish == .nothing)
            }
        }
    }

    /// Helsinki's two stops, today.
    private func helsinkiLeads(_ day: Workday) async throws -> [LeadId] {
        let first = try await day.client.addLead(NewLead(name: "First", position: helsinki[1])).id
        let second = try await day.client.addLead(NewLead(name: "Second", position: helsinki[2])).id
        let work = WorkHours(
            hours: "Mo-Su 08:00-18:00", timeZone: "UTC", start: helsinki[0], end: helsinki[3])
        try await day.client.planDay(
            PlanDay(
                date: day.today.date, work: work, wishes: [StopWish(lead: first), StopWish(lead: second)],
                addsDueLeads: false))
        return try await day.client.day(day.today.date).steps.compactMap(\.lead)
    }
}
