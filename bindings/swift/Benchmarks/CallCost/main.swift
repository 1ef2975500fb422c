import Fieldfare
import Foundation

// What calls cost: scripts/swift-tests --bench. The first argument is a file with what the same calls cost in
// Rust, a line for each: name, tab, nanoseconds. The generated layer is measured; what the hand-written one
// adds, a hop to a queue and back, is in a row of its own.

let here = LatLng(lat: 42.36, lon: -71.06)
let leads = 1_000

/// The least of several rounds: other work only ever adds.
func nanoseconds(_ calls: Int, _ call: () throws -> Void) rethrows -> Double {
    var best = Double.infinity
    for _ in 0..<7 {
        let began = DispatchTime.now().uptimeNanoseconds
        for _ in 0..<calls { try call() }
        best = min(best, Double(DispatchTime.now().uptimeNanoseconds - began) / Double(calls))
    }
    return best
}

func nanosecondsAsync(_ calls: Int, _ call: () async throws -> Void) async rethrows -> Double {
    var best = Double.infinity
    for _ in 0..<7 {
        let began = DispatchTime.now().uptimeNanoseconds
        for _ in 0..<calls { try await call() }
        best = min(best, Double(DispatchTime.now().uptimeNanoseconds - began) / Double(calls))
    }
    return best
}

func openEngine(_ dir: String) async throws -> FieldfareEngine {
    let engine = try FieldfareEngine.open(
        config: EngineConfig(dir: dir, serverUrl: "https://sync.example"), keyVault: PlainVault(),
        transport: EnrolsOnly())
    _ = try await engine.enrol(code: "CODE", deviceName: "Phone")
    for n in 0..<leads {
        let place = LatLng(lat: here.lat + Double(n) * 0.0009, lon: here.lon)
        _ = try engine.addLead(lead: NewLead(name: "Lead \(n)", position: place))
    }
    _ = try engine.grant(purpose: .proximityAlerts, textVersion: "1", language: "en")
    return engine
}

func figures(_ engine: FieldfareEngine) throws -> [(String, Double)] {
    let cancel = SyncCancel()
    let ten = NearbyQuery(limit: 10)
    var at = Date(timeIntervalSince1970: 1_900_000_000)
    func fix() -> Fix {
        at += 1
        return Fix(position: here, at: at, accuracyM: 5)
    }
    return [
        ("a call", nanoseconds(200_000) { _ = cancel.isCancelled() }),
        (
            "a page of 100 leads",
            try nanoseconds(50) {
                _ = try engine.leadsPage(filter: LeadFilter(), order: .name, after: nil, limit: 100)
            }
        ),
        ("the 10 leads nearest", try nanoseconds(500) { _ = try engine.nearby(position: here, query: ten) }),
        (
            "the 10 nearest, ids",
            try nanoseconds(2_000) { _ = try engine.nearbyIds(position: here, query: ten) }
        ),
        (
            "a fix, alerts allowed",
            try nanoseconds(2_000) { _ = try engine.fix(fix: fix(), context: FixContext()) }
        ),
        ("a fix on a route", try drive(engine)),
    ]
}

/// Back and forth over a route of 8 kilometres, ten metres a second.
func drive(_ engine: FieldfareEngine) throws -> Double {
    let far = try engine.nearbyIds(position: here, query: NearbyQuery(radiusM: 8_000)).last?.lead ?? ""
    let work = WorkHours(hours: "Mo-Su 08:00-18:00", timeZone: "America/New_York", start: here)
    let wishes = [StopWish(lead: far)]
    _ = try engine.planDay(
        request: PlanDay(date: "2030-01-07", work: work, wishes: wishes, addsDueLeads: false))
    let session = try engine.followDay(date: "2030-01-07")
    var second = 0
    return try nanoseconds(700) {
        second += 1
        let place = LatLng(lat: here.lat + Double(second % 700) * 0.00009, lon: here.lon)
        let at = Date(timeIntervalSince1970: 1_900_000_000 + Double(second))
        _ = try session.update(fix: Fix(position: place, at: at, accuracyM: 5))
    }
}

/// Measures the calls, not a cipher.
final class PlainVault: KeyVault {
    func generation() throws -> Int32 { 1 }
    func wrap(key: Data) throws -> Data { key }
    func unwrap(wrapped: Data) throws -> Data { wrapped }
    func destroyKey() throws {}
}

final class EnrolsOnly: HttpTransport {
    func start(request: HttpRequest, exchange: HttpExchange) throws {
        let enrolled = """
            {"tenant": "0190a000-0000-7000-8000-000000000001",
             "device": "0190a000-0000-7000-8000-000000000002",
             "rep": {"id": "0190a000-0000-7000-8000-000000000003", "name": "Robin"},
             "refresh_token": "r", "access_token": "a", "expires_in": 900}
            """
        exchange.respond(response: HttpResponse(status: 200, headers: [], body: Data(enrolled.utf8)))
    }
}

func inRust() throws -> [String: Double] {
    guard let path = CommandLine.arguments.dropFirst().first else { return [:] }
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    return Dictionary(
        uniqueKeysWithValues: lines.compactMap { line in
            let parts = line.split(separator: "\t")
            return parts.count == 2 ? Double(parts[1]).map { (String(parts[0]), $0) } : nil
        })
}

func readable(_ nanoseconds: Double) -> String {
    nanoseconds < 1_000 ? "\(Int(nanoseconds)) ns" : "\((nanoseconds / 100).rounded() / 10) µs"
}

let dir = NSTemporaryDirectory() + "fieldfare-\(UUID())"
try FileManager.default.createDirectory(atPath: dir, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: dir) }
let engine = try await openEngine(dir + "/phone")
let rust = try inRust()
print("| Swift | in Swift | in Rust | ratio |")
print("|---|---|---|---|")
for (name, cost) in try figures(engine) {
    let own = rust[name]
    let ratio = own.map { "\((cost / max($0, 1) * 10).rounded() / 10)" } ?? ""
    print("| \(name) | \(readable(cost)) | \(own.map(readable) ?? "") | \(ratio) |")
}
try engine.shutDown()
let client = try await FieldfareClient.open(
    EngineConfig(dir: dir + "/client", serverUrl: "https://sync.example"), keyVault: PlainVault())
let hop = try await nanosecondsAsync(2_000) { _ = try await client.enrolment() }
print("| a call of the package's own class, there and back | \(readable(hop)) | | |")
try await client.close()
