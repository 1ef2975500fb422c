import Fieldfare
import Foundation
import Testing

@testable import DemoDevice
@testable import DemoModels

/// The vault, the files' folder and the background sync, with the platform's parts stood in for.
@Suite struct DeviceTests {
    @Test func theVaultKeepsTheContract() throws {
        let items = MemoryItems()
        let vault = KeychainVault(items: items, cipher: ToyCipher())
        let key = Data((0..<32).map { UInt8($0) })
        #expect(try vault.generation() == 0)
        let sealed = try vault.wrap(key: key)
        #expect(try vault.generation() == 1)
        #expect(sealed != key)
        #expect(try vault.unwrap(wrapped: sealed) == key)
        #expect(try vault.unwrap(wrapped: vault.wrap(key: key)) == key)
        #expect(try vault.generation() == 1, "a second key was made")
        let another = KeychainVault(items: items, cipher: ToyCipher())
        #expect(try another.unwrap(wrapped: sealed) == key, "the next start finds the key")

        #expect(throws: VaultError.rejected) { try vault.unwrap(wrapped: sealed.dropFirst()) }
        let stranger = KeychainVault(items: MemoryItems(), cipher: ToyCipher())
        _ = try stranger.wrap(key: key)
        #expect(throws: VaultError.rejected) { try stranger.unwrap(wrapped: sealed) }

        try vault.destroyKey()
        try vault.destroyKey()
        #expect(try vault.generation() == 0)
        #expect(throws: VaultError.keyLost) { try vault.unwrap(wrapped: sealed) }
        let fresh = try vault.wrap(key: key)
        #expect(try vault.generation() == 2, "a new key has a higher number than every one before")
        #expect(throws: VaultError.rejected) { try vault.unwrap(wrapped: sealed) }
        #expect(try vault.unwrap(wrapped: fresh) == key)
    }

    @Test func aKeyIsCountedBeforeItIsMade() throws {
        let items = MemoryItems()
        let vault = KeychainVault(items: items, cipher: ToyCipher())
        items.failsToWrite = KeychainVault.keyName
        #expect(throws: VaultError.failed(platformCode: -61)) { try vault.wrap(key: Data(count: 32)) }
        #expect(try vault.generation() == 0)
        items.failsToWrite = nil
        _ = try vault.wrap(key: Data(count: 32))
        #expect(try vault.generation() == 2)
    }

    @Test func aLockedPhoneIsNoLoss() throws {
        let items = MemoryItems()
        let vault = KeychainVault(items: items, cipher: ToyCipher())
        let sealed = try vault.wrap(key: Data(count: 32))
        for (status, error) in [
            (-25308, VaultError.unavailable), (-25291, .unavailable), (-34018, .failed(platformCode: -34018)),
        ] {
            items.failure = KeychainFailure(status: Int32(status))
            #expect(throws: error) { try vault.unwrap(wrapped: sealed) }
            #expect(throws: error) { try vault.generation() }
            #expect(throws: error) { try vault.destroyKey() }
        }
    }

    @Test func theEngineOpensItsFilesWithTheVault() async throws {
        let dir = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: dir) }
        let items = MemoryItems()
        let config = EngineConfig(
            dir: try PhoneFiles.prepare(in: dir).path, serverUrl: "https://sync.example")
        func open(_ items: MemoryItems) async throws -> FieldfareClient {
            let vault = KeychainVault(items: items, cipher: ToyCipher())
            return try await FieldfareClient.open(config, keyVault: vault, httpClient: EnrolsOnly())
        }
        let first = try await open(items)
        try await first.enrol(code: "CODE", deviceName: "Phone")
        try await first.rotateKey()
        try await first.close()
        items.failure = KeychainFailure(status: -25308)
        #expect(await failure { try await open(items) }?.code() == "key")
        items.failure = nil
        let again = try await open(items)
        #expect(try await again.enrolment() != nil, "a locked phone lost its files")
        try await again.erase(force: true)
    }

    @Test func theFolderIsMadeOnceAndForTheOwner() throws {
        let parent = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: parent) }
        let dir = try PhoneFiles.prepare(in: parent)
        try Data("x".utf8).write(to: dir.appendingPathComponent("cache.db"))
        #expect(try PhoneFiles.prepare(in: parent) == dir)
        #expect(try FileManager.default.contentsOfDirectory(atPath: dir.path) == ["cache.db"])
        let attributes = try FileManager.default.attributesOfItem(atPath: dir.path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test func aBackgroundSyncAsksForTheNextFirst() async throws {
        let asked = Asked()
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        let sync = BackgroundSync(scheduler: asked)
        try await withPhone { phone in
            #expect(await sync.run(phone, now: now), "no connection is usual")
            #expect(asked.times == [now + 1_800])
            // The wait after a failure is random, and the first ones may be over at once.
            try await waitUntil("it must wait") {
                #expect(await sync.run(phone, now: now), "and so is waiting after a failure")
                return asked.times.last != now + 1_800
            }
            #expect(try #require(asked.times.last) >= now + 60)
        }
        try await withPhone { phone in
            try await phone.close()
            let before = asked.times.count
            #expect(await !sync.run(phone, now: now))
            #expect(asked.times.count == before + 1, "also a failed run asks for the next")
        }
    }

    @Test func aBackgroundSyncEndsWhenTimeIsUp() async throws {
        let client = EnrolsOnly()
        try await withPhone(client: client) { phone in
            client.isSilent = true
            let run = Task { await BackgroundSync(scheduler: Asked()).run(phone) }
            try await waitUntil("it runs") { try await phone.status().isSyncing }
            run.cancel()
            #expect(await !run.value)
            try await waitUntil("it ended") { try await !phone.status().isSyncing }
        }
    }
}

/// A Keychain in memory.
final class MemoryItems: SecretItems, @unchecked Sendable {
    private let lock = NSLock()
    private var items: [String: Data] = [:]
    private var failing: KeychainFailure?
    private var failingName: String?

    var failure: KeychainFailure? {
        get { lock.withLock { failing } }
        set { lock.withLock { failing = newValue } }
    }

    var failsToWrite: String? {
        get { lock.withLock { failingName } }
        set { lock.withLock { failingName = newValue } }
    }

    func read(_ name: String) throws -> Data? {
        try lock.withLock {
            if let failing { throw failing }
            return items[name]
        }
    }

    func write(_ name: String, _ secret: Data) throws {
        try lock.withLock {
            if let failing { throw failing }
            if failingName == name { throw KeychainFailure(status: -61) }
            items[name] = secret
        }
    }

    func delete(_ name: String) throws {
        try lock.withLock {
            if let failing { throw failing }
            items[name] = nil
        }
    }
}

/// Linux has no CryptoKit. It keeps the contract, not secrets.
struct ToyCipher: Cipher {
    func newKey() -> Data { Data((0..<32).map { _ in UInt8.random(in: 0...255) }) }

    func seal(_ secret: Data, with key: Data) throws -> Data {
        Data(zip(secret, key).map { $0 ^ $1 }) + key.prefix(4).map { ~$0 }
    }

    func open(_ sealed: Data, with key: Data) -> Data? {
        guard sealed.count == 36, sealed.suffix(4) == Data(key.prefix(4).map { ~$0 }) else { return nil }
        return Data(zip(sealed.dropLast(4), key).map { $0 ^ $1 })
    }
}
