import Fieldfare
import Foundation

/// Keeps the engine's wrapping key in the Keychain, for this device only and from the first unlock on, so
/// that a sync in the background can read it.
///
/// The Keychain outlives the app: after a new install the old wrapping key is found and used on.
public final class KeychainVault: KeyVault {
    private let items: any SecretItems
    private let cipher: any Cipher
    private let lock = NSLock()

    static let keyName = "wrapping-key"
    static let counterName = "wrapping-key-generation"

    public init(items: any SecretItems, cipher: any Cipher) {
        self.items = items
        self.cipher = cipher
    }

    public func generation() throws -> Int32 {
        try locked { try items.read(Self.keyName) == nil ? 0 : try counter() }
    }

    public func wrap(key: Data) throws -> Data {
        try locked { try cipher.seal(key, with: try wrappingKey()) }
    }

    public func unwrap(wrapped: Data) throws -> Data {
        try locked {
            guard let key = try items.read(Self.keyName) else { throw VaultError.keyLost }
            guard let opened = cipher.open(wrapped, with: key) else { throw VaultError.rejected }
            return opened
        }
    }

    public func destroyKey() throws {
        try locked { try items.delete(Self.keyName) }
    }

    private func wrappingKey() throws -> Data {
        if let key = try items.read(Self.keyName) { return key }
        // Counted first: a number that goes unused does no harm, a key under an old number would.
        try items.write(Self.counterName, Data("\(try counter() + 1)".utf8))
        let key = cipher.newKey()
        try items.write(Self.keyName, key)
        return key
    }

    /// How many wrapping keys there have been.
    private func counter() throws -> Int32 {
        let data = try items.read(Self.counterName) ?? Data()
        return Int32(String(decoding: data, as: UTF8.self)) ?? 0
    }

    private func locked<T>(_ work: () throws -> T) throws -> T {
        lock.lock()
        defer { lock.unlock() }
        do {
            return try work()
        } catch let failure as KeychainFailure {
            throw failure.vaultError
        }
    }
}

/// Small secrets by name.
public protocol SecretItems: Sendable {
    func read(_ name: String) throws -> Data?
    func write(_ name: String, _ secret: Data) throws
    /// Deleting what is not there succeeds.
    func delete(_ name: String) throws
}

/// Seals with a key so that nobody without it can read or change what is sealed.
public protocol Cipher: Sendable {
    func newKey() -> Data
    func seal(_ secret: Data, with key: Data) throws -> Data
    /// Nil if it was not sealed with this key.
    func open(_ sealed: Data, with key: Data) -> Data?
}

/// A status of the Keychain's that is not success.
public struct KeychainFailure: Error, Equatable {
    public let status: Int32

    public init(status: Int32) {
        self.status = status
    }

    /// What it means to the engine. Before the first unlock nothing is lost.
    var vaultError: VaultError {
        let interactionNotAllowed: Int32 = -25308
        let notAvailable: Int32 = -25291
        switch status {
        case interactionNotAllowed, notAvailable: return .unavailable
        default: return .failed(platformCode: status)
        }
    }
}
