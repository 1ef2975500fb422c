import Fieldfare
import Foundation
import Testing

/// The guide's code runs, and the guide shows the code that runs.
@Suite struct GuideTests {
    @Test func theGuidesCodeLeadsToTheFirstNearbyLead() async throws {
        let world = try World()
        defer { world.end() }
        let dir = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: dir) }
        let config = EngineConfig(
            dir: dir.appendingPathComponent("phone").path, serverUrl: world.url,
            allowInsecureLoopback: true)
        let phone = try await start(config: config, vault: MemoryVault(), code: world.code(for: "Ada"))
        let page = try await phone.leadsPage().leads
        let lead = try #require(page.first { $0.geocode.position != nil })
        let place = try #require(lead.geocode.position)
        try await printNearby(phone, here: place)
        let shown = Shown()
        let watching = Task { try await watchNearby(phone, here: place) { leads in shown.show(leads) } }
        try await waitUntil("it shows") { shown.latest.contains { $0.lead.id == lead.id } }
        try await record(phone, visitTo: lead.id)
        try await waitUntil("it shows the change") {
            shown.latest.contains { $0.lead.id == lead.id && $0.lead.phone == "+1 802 555 0199" }
        }
        watching.cancel()
        #expect(await syncAndExplain(phone).hasSuffix(" 0 changes refused"))
        try world.stopServer()
        #expect(await syncAndExplain(phone) == "No connection. Everything is kept.")
        try world.startServer()
        try world.revoke(device: #require(try await phone.enrolment()).device)
        #expect(await syncAndExplain(phone) == "This phone was signed out and is empty now.")
    }

    @Test func theGuidesCodePlansADayAndDrivesIt() async throws {
        try await withPhone { phone in
            let leads = try await someLeads(phone, 2)
            try await phone.setWorkHours(workHours)
            let start = Date()
            let fixes = AsyncStream<Fix> { continuation in
                for second in 0..<20 {
                    let place = LatLng(lat: here.lat + Double(second) * 0.0001, lon: here.lon)
                    continuation.yield(
                        Fix(position: place, at: start + Double(second), accuracyM: 5))
                }
                continuation.finish()
            }
            let trip = try await planAndDrive(phone, day: tomorrow(), leads: leads, fixes: fixes)
            #expect(trip.drivenM > 100 && trip.endedAt != nil)
            #expect(try await Set(phone.day(tomorrow()).steps.compactMap(\.lead)) == Set(leads))
        }
    }

    @Test func everyPieceOfCodeInTheGuideIsInASourceThatIsCompiled() throws {
        let demo = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let guide = demo.deletingLastPathComponent().appendingPathComponent("docs/ios.md")
        let pieces = try String(contentsOf: guide, encoding: .utf8).components(separatedBy: "```swift\n")
            .dropFirst().map { flat($0.components(separatedBy: "```")[0]) }
        #expect(pieces.count >= 6)
        let sources = try swiftFiles(below: demo).map { flat(try String(contentsOf: $0, encoding: .utf8)) }
        for piece in pieces {
            #expect(sources.contains { $0.contains(piece) }, "nowhere in the demo:\n\(piece)")
        }
    }

    /// Without indentation and empty lines.
    private func flat(_ code: String) -> String {
        code.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func swiftFiles(below folder: URL) throws -> [URL] {
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return (files?.allObjects ?? []).compactMap { $0 as? URL }
            .filter { $0.pathExtension == "swift" && !$0.path.contains("/.build/") }
    }
}

private final class Shown: @unchecked Sendable {
    private let lock = NSLock()
    private var leads: [NearbyLead] = []

    var latest: [NearbyLead] { lock.withLock { leads } }

    func show(_ leads: [NearbyLead]) { lock.withLock { self.leads = leads } }
}
