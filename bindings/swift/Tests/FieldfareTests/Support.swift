import Fieldfare
import Foundation

/// A vault in memory. Its cipher is a toy: Linux has no CryptoKit. It keeps the contract, not secrets.
final class MemoryVault: KeyVault, @unchecked Sendable {
    private let lock = NSLock()
    private var made: Int32 = 0
    private var key: [UInt8]?
    private var failing: (any Error)?

    /// The next calls fail with this.
    var failure: (any Error)? {
        get { lock.withLock { failing } }
        set { lock.withLock { failing = newValue } }
    }

    func generation() throws -> Int32 {
        try lock.withLock {
            try check()
            return key == nil ? 0 : made
        }
    }

    func wrap(key data: Data) throws -> Data {
        try lock.withLock {
            try check()
            return Data(zip(data, wrappingKey()).map { $0 ^ $1 }) + tag()
        }
    }

    func unwrap(wrapped: Data) throws -> Data {
        try lock.withLock {
            try check()
            guard let key else { throw VaultError.keyLost }
            guard wrapped.suffix(4) == tag() else { throw VaultError.rejected }
            return Data(zip(wrapped.dropLast(4), key).map { $0 ^ $1 })
        }
    }

    func destroyKey() throws {
        try lock.withLock {
            try check()
            key = nil
        }
    }

    private func check() throws {
        if let failing { throw failing }
    }

    private func wrappingKey() -> [UInt8] {
        if let key { return key }
        let fresh = (0..<32).map { _ in UInt8.random(in: 0...255) }
        key = fresh
        made += 1
        return fresh
    }

    private func tag() -> Data { Data((key ?? []).prefix(4).map { ~$0 }) }
}

/// Enrols every device; for everything else there is no connection.
final class EnrolsOnly: HTTPClient, @unchecked Sendable {
    private let lock = NSLock()
    private var silent = false

    var isSilent: Bool {
        get { lock.withLock { silent } }
        set { lock.withLock { silent = newValue } }
    }

    func send(_ request: HttpRequest) async throws -> HttpResponse {
        if isSilent {
            try await Task.sleep(nanoseconds: 60_000_000_000)
        }
        guard request.url.hasSuffix("/v1/enrol") else { throw TransportError.offline }
        return HttpResponse(status: 200, headers: [], body: Data(Self.enrolled.utf8))
    }

    private static let enrolled = """
        {"tenant": "0190a000-0000-7000-8000-000000000001",
         "device": "0190a000-0000-7000-8000-000000000002",
         "rep": {"id": "0190a000-0000-7000-8000-000000000003", "name": "Robin"},
         "refresh_token": "r", "access_token": "a", "expires_in": 900}
        """
}

/// Answers every request the same way.
struct Answers: HTTPClient {
    let answer: @Sendable () throws -> HttpResponse

    func send(_ request: HttpRequest) async throws -> HttpResponse { try answer() }
}

final class StoppedClock: WallClock {
    let time: Date

    init(_ time: Date) { self.time = time }

    func now() throws -> Date { time }
}

let here = LatLng(lat: 42.36, lon: -71.06)
let nobody: LeadId = "0190a000-0000-7000-8000-00000000ffff"

func leadAt(_ name: String, lat: Double = here.lat, lon: Double = here.lon) -> NewLead {
    NewLead(name: name, position: LatLng(lat: lat, lon: lon))
}

func fixNow() -> Fix { Fix(position: here, at: Date(), accuracyM: 5) }

func temporaryDirectory() throws -> URL {
    let dir = FileManager.default.temporaryDirectory.appendingPathComponent("fieldfare-\(UUID())")
    try FileManager.default.createDirectory(at: dir, withIntermediateDirectories: true)
    return dir
}

func offline(_ dir: URL) -> EngineConfig {
    EngineConfig(dir: dir.appendingPathComponent("phone").path, serverUrl: "https://sync.example")
}

/// An engine of its own folder, enrolled, without a connection, closed and deleted at the end.
func withPhone(
    client: any HTTPClient = EnrolsOnly(),
    vault: MemoryVault = MemoryVault(),
    enrolled: Bool = true,
    clock: (any WallClock)? = nil,
    isolation: isolated (any Actor)? = #isolation,
    _ body: (FieldfareClient) async throws -> Void
) async throws {
    let dir = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: dir) }
    let phone = try await FieldfareClient.open(
        offline(dir), keyVault: vault, httpClient: client, clock: clock)
    if enrolled {
        try await phone.enrol(code: "CODE", deviceName: "Phone")
    }
    try await body(phone)
    try await phone.close()
}

/// Looks again and again until `check` says yes.
func waitUntil(
    _ what: String, isolation: isolated (any Actor)? = #isolation, _ check: () async throws -> Bool
) async throws {
    let end = Date(timeIntervalSinceNow: 60)
    while try await !check() {
        guard Date() < end else { throw WaitedInVain(what: what) }
        try await Task.sleep(nanoseconds: 50_000_000)
    }
}

struct WaitedInVain: Error {
    let what: String
}

/// The error a call failed with; nil if it did not.
func failure<T: Sendable>(
    isolation: isolated (any Actor)? = #isolation, _ call: () async throws -> T
) async -> FieldfareError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error as? FieldfareError
    }
}
