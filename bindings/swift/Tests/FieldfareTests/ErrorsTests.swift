import Fieldfare
import Foundation
import Testing

/// What goes wrong is a case of its own, with a stable code and nothing personal in it.
@Suite struct ErrorsTests {
    @Test func errorsHaveCasesCodesAndAdvice() async throws {
        try await withPhone { phone in
            let missing = await failure { try await phone.lead(nobody) }
            #expect(missing == .notFound(what: "lead"))
            #expect(missing?.code() == "not_found")
            #expect(missing?.localizedDescription == "no such lead on this phone")
            let again = await failure { try await phone.enrol(code: "C", deviceName: "P") }
            #expect(again == .alreadyEnrolled)
            let query = NearbyQuery(limit: 1, purpose: .liveTracking)
            let denied = await failure { try await phone.nearby(here, query) }
            #expect(denied == .consentRequired(purpose: .liveTracking))
        }
    }

    @Test func badArgumentsAreRefusedAndSayWhy() async throws {
        try await withPhone { phone in
            let far = LatLng(lat: 91, lon: 0)
            let nowhere = LatLng(lat: .nan, lon: 0)
            let one = NearbyQuery(limit: 1)
            let north = LatLng(lat: 2, lon: 0)
            let south = LatLng(lat: 1, lon: 0)
            let wrong: [() async throws -> Void] = [
                { _ = try await phone.lead("Brandt Bakery") },
                { _ = try await phone.nearby(far, one) },
                { _ = try await phone.nearby(nowhere, one) },
                { _ = try await phone.nearby(here, NearbyQuery()) },
                { _ = try await phone.nearby(here, NearbyQuery(limit: -1)) },
                { _ = try await phone.search("a", limit: 0) },
                { _ = try await phone.search("a", limit: .max) },
                { _ = try await phone.leadsPage(LeadFilter(minScore: 256)) },
                { _ = try await phone.leadsPage(after: "made up") },
                { try await phone.addLead(NewLead(name: "  ")) },
                { try await phone.addLead(NewLead(name: "A", contactHours: "always")) },
                { _ = try await phone.viewport(southWest: north, northEast: south) },
                { try await phone.grant(.nearMe, textVersion: "1", language: "en") },
                { try await phone.grant(.liveTracking, textVersion: "", language: "en") },
            ]
            for (n, call) in wrong.enumerated() {
                let error = await failure(call)
                #expect(error?.code() == "invalid", "call \(n)")
                #expect(error?.explanation().contains("Brandt") == false, "it quotes the argument")
            }
        }
    }

    @Test func aVaultThatFailsIsToldApartFromADamagedFile() async throws {
        let dir = try temporaryDirectory()
        let vault = MemoryVault()
        let first = try await FieldfareClient.open(
            offline(dir), keyVault: vault, httpClient: EnrolsOnly())
        try await first.enrol(code: "CODE", deviceName: "Phone")
        try await first.close()
        for fault in [VaultError.unavailable, CocoaError(.fileNoSuchFile) as any Error] {
            vault.failure = fault
            let error = await failure { try await FieldfareClient.open(offline(dir), keyVault: vault) }
            #expect(error?.code() == "key")
        }
        vault.failure = nil
        let other = await failure {
            try await FieldfareClient.open(offline(dir), keyVault: MemoryVault())
        }
        #expect(other?.code() == "key")
        let again = try await FieldfareClient.open(offline(dir), keyVault: vault)
        #expect(try await again.enrolment() != nil)
        try await again.close()
    }

    @Test func anOwnTransportsErrorsBecomeTheEngines() async throws {
        let cases: [(any Error, String)] = [
            (TransportError.offline, "offline"), (TransportError.timeout, "offline"),
            (TransportError.tls, "server"), (TransportError.tooLarge, "server"),
            (TransportError.insecure, "invalid"), (TransportError.broken, "server"),
            (CocoaError(.fileNoSuchFile), "server"),
        ]
        for (fault, code) in cases {
            try await withPhone(client: Answers { throw fault }, enrolled: false) { phone in
                let error = await failure { try await phone.enrol(code: "C", deviceName: "P") }
                #expect(error?.code() == code)
            }
        }
        for (status, code) in [(401, "unauthorized"), (426, "upgrade_required"), (-3, "server")] {
            let client = Answers { HttpResponse(status: Int32(status), headers: [], body: Data()) }
            try await withPhone(client: client, enrolled: false) { phone in
                let error = await failure { try await phone.enrol(code: "C", deviceName: "P") }
                #expect(error?.code() == code)
            }
        }
    }
}
