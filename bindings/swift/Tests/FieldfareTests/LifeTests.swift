import Foundation
import Testing

@testable import Fieldfare

/// Closing, sharing, and not leaking.
@Suite(.serialized) struct LifeTests {
    @Test func closingAgainIsFineAndLaterCallsSaySo() async throws {
        try await withPhone { phone in
            try await phone.close()
            try await phone.close()
            #expect(await failure { try await phone.status() } == .closed)
            #expect(await failure { try await phone.sync() } == .closed)
        }
    }

    @Test func closingWhileBusyEndsEveryCallWithItsResultOrWithClosed() async throws {
        try await withPhone { phone in
            let lead = try await phone.addLead(leadAt("A"))
            let calls = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var calls = 0
                        while true {
                            do {
                                _ = try await phone.lead(lead.id)
                                calls += 1
                            } catch FieldfareError.closed {
                                return calls
                            }
                        }
                    }
                }
                try await Task.sleep(nanoseconds: 200_000_000)
                try await phone.close()
                return try await group.reduce(0, +)
            }
            #expect(calls > 0)
        }
    }

    @Test func twoEnginesKeepApart() async throws {
        try await withPhone { first in
            try await withPhone { second in
                let lead = try await first.addLead(leadAt("A"))
                #expect(await failure { try await second.lead(lead.id) } == .notFound(what: "lead"))
                try await second.close()
                #expect(try await first.lead(lead.id).name == "A")
            }
        }
    }

    @Test func aHundredThousandCallsLeakNothing() async throws {
        try await withPhone { phone in
            var leads: [LeadId] = []
            for n in 0..<20 {
                leads.append(try await phone.addLead(leadAt("Lead \(n)")).id)
            }
            func round(_ calls: Int) async throws {
                for n in 0..<(calls / 4) {
                    _ = try await phone.nearby(here, NearbyQuery(limit: 1))
                    _ = await failure { try await phone.lead(nobody) }
                    _ = try await phone.lead(leads[n % leads.count])
                    try await phone.fix(fixNow())
                }
            }
            try await round(20_000)
            let before = try residentBytes()
            try await round(100_000)
            let grown = try residentBytes() - before
            // A call that leaked as little as 300 bytes would show.
            #expect(grown < 30_000_000, "grew by \(grown) bytes in 100,000 calls")
        }
    }

    @Test func anEngineThatNobodyHoldsLetsGoOfWhatItWasGiven() async throws {
        weak var forgotten: MemoryVault?
        weak var closed: MemoryVault?
        do {
            let vault = MemoryVault()
            forgotten = vault
            let dir = try temporaryDirectory()
            let phone = try await FieldfareClient.open(offline(dir), keyVault: vault)
            #expect(try await phone.enrolment() == nil)
        }
        do {
            let vault = MemoryVault()
            closed = vault
            try await withPhone(vault: vault) { phone in
                let changes = phone.changes
                try await phone.addLead(leadAt("A"))
                for await _ in changes { break }
            }
        }
        try await waitUntil("both vaults are gone") { forgotten == nil && closed == nil }
    }
}

private func residentBytes() throws -> Int {
    let sizes = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (Int(sizes[1]) ?? 0) * 4096
}
