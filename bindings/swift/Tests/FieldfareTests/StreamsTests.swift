import Foundation
import Testing

@testable import Fieldfare

@Suite struct StreamsTests {
    @Test func changesComeInBatchesAlsoFromAnotherThread() async throws {
        try await withPhone { phone in
            var changes = phone.changes.makeAsyncIterator()
            let added = try await Task.detached { try await phone.addLead(leadAt("A")) }.value
            let notice = await changes.next()
            #expect(notice?.leads == [added.id])
            #expect(notice?.operations == true)
            try await phone.close()
            #expect(await changes.next() == nil)
            var late = phone.changes.makeAsyncIterator()
            #expect(await late.next() == nil)
        }
    }

    @Test func aSlowReaderLosesNoChange() async throws {
        try await withPhone { phone in
            let changes = phone.changes
            var added: Set<LeadId> = []
            for n in 0..<30 {
                added.insert(try await phone.addLead(leadAt("Lead \(n)")).id)
            }
            var heard: Set<LeadId> = []
            for await notice in changes {
                heard.formUnion(notice.leads)
                if heard.count == added.count { break }
            }
            #expect(heard == added)
        }
    }

    @Test func aWatchedQuestionIsAnsweredAnewWhenItsAnswerChanges() async throws {
        try await withPhone { phone in
            let query = NearbyQuery(radiusM: 100)
            let answers = phone.watch { try await $0.nearby(here, query).leads.map(\.lead.name) }
            var names = answers.makeAsyncIterator()
            #expect(try await names.next() == [])
            try await phone.addLead(leadAt("A"))
            #expect(try await names.next() == ["A"])
            try await phone.addLead(leadAt("far", lat: 0))
            try await phone.addLead(leadAt("B"))
            #expect(try await names.next()?.sorted() == ["A", "B"])
            try await phone.close()
            #expect(try await names.next() == nil)
        }
    }

    @Test func aWatchedQuestionUnderWayWhenTheEngineClosesEndsTheStream() async throws {
        try await withPhone { phone in
            let answers = phone.watch { phone in
                try await phone.close()
                return try await phone.status().pending
            }
            for try await answer in answers { Issue.record("\(answer)") }
        }
        try await withPhone { phone in
            try await phone.suspend()
            let answers = phone.watch { try await $0.status().pending }
            let error = await failure { for try await _ in answers {} }
            #expect(error == .closed, "a suspended engine is not at its end")
        }
    }

    @Test func alertsComeToWhoeverListens() async throws {
        try await withPhone { phone in
            try await phone.addLead(leadAt("A"))
            try await phone.grant(.proximityAlerts, textVersion: "1", language: "en")
            var first = phone.alerts.makeAsyncIterator()
            var second = phone.alerts.makeAsyncIterator()
            try await phone.fix(fixNow())
            #expect(await first.next()?.lead.name == "A")
            #expect(await second.next()?.lead.name == "A")
        }
    }

    @Test func theSyncsStateShowsWhatWentWrong() async throws {
        try await withPhone { phone in
            var states = phone.syncStates.makeAsyncIterator()
            #expect(await states.next() == .idle(last: nil))
            #expect(await failure { try await phone.sync() } == .offline)
            #expect(await states.next() == .failed(.offline))
            let status = try await phone.status()
            #expect(status.lastError == "offline")
            // The wait is random, and the first ones may be over at once.
            try await waitUntil("a background sync is told to wait") {
                await failure { try await phone.sync(SyncOptions(isBackground: true)) }?.code() == "try_later"
            }
        }
    }

    @Test func cancellingTheTaskEndsTheSyncAndTheNextOneIsFreeToRun() async throws {
        let client = EnrolsOnly()
        try await withPhone(client: client) { phone in
            client.isSilent = true
            let syncing = Task { await failure { try await phone.sync() } }
            try await waitUntil("it runs") { try await phone.status().isSyncing }
            #expect(await failure { try await phone.sync() } == .busy)
            let began = Date()
            syncing.cancel()
            #expect(await syncing.value == .cancelled)
            #expect(Date().timeIntervalSince(began) < 5)
            try await waitUntil("it ended") { try await !phone.status().isSyncing }
            client.isSilent = false
            #expect(await failure { try await phone.sync() } == .offline)
        }
    }

    @Test func logLinesComeInBatches() async throws {
        var lines = logs(.warn).makeAsyncIterator()
        try await withPhone { phone in
            let subscription = try phone.engine.subscribe(listener: Fails())
            try await phone.addLead(leadAt("A"))
            subscription.cancel()
        }
        let messages = await lines.next()?.map(\.message)
        #expect(messages?.contains("a change listener failed") == true)
    }
}

private final class Fails: ChangeListener {
    func changed(notice: ChangeNotice) throws { throw CocoaError(.fileNoSuchFile) }
}
