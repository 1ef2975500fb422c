#if canImport(Security) && canImport(CryptoKit)
    import CryptoKit
    import Foundation
    import Security

    /// The Keychain, items of one service.
    public struct Keychain: SecretItems {
        private let service: String

        public init(service: String) {
            self.service = service
        }

        public func read(_ name: String) throws -> Data? {
            var query = item(name)
            query[kSecReturnData as String] = true
            query[kSecMatchLimit as String] = kSecMatchLimitOne
            var found: CFTypeRef?
            let status = SecItemCopyMatching(query as CFDictionary, &found)
            if status == errSecItemNotFound { return nil }
            try check(status)
            return found as? Data
        }

        public func write(_ name: String, _ secret: Data) throws {
            let values: [String: Any] = [
                kSecValueData as String: secret,
                kSecAttrAccessible as String: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
            ]
            let status = SecItemUpdate(item(name) as CFDictionary, values as CFDictionary)
            guard status == errSecItemNotFound else { return try check(status) }
            let new = item(name).merging(values) { _, value in value }
            try check(SecItemAdd(new as CFDictionary, nil))
        }

        public func delete(_ name: String) throws {
            let status = SecItemDelete(item(name) as CFDictionary)
            if status != errSecItemNotFound { try check(status) }
        }

        private func item(_ name: String) -> [String: Any] {
            [
                kSecClass as String: kSecClassGenericPassword,
                kSecAttrService as String: service,
                kSecAttrAccount as String: name,
                kSecAttrSynchronizable as String: false,
                kSecUseDataProtectionKeychain as String: true,
            ]
        }

        private func check(_ status: OSStatus) throws {
            guard status == errSecSuccess else { throw KeychainFailure(status: status) }
        }
    }

    /// AES-256 in GCM mode; the nonce goes with the sealed bytes.
    public struct AESGCM: Cipher {
        public init() {}

        public func newKey() -> Data {
            SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        }

        public func seal(_ secret: Data, with key: Data) throws -> Data {
            let sealed = try AES.GCM.seal(secret, using: SymmetricKey(data: key))
            guard let combined = sealed.combined else { throw KeychainFailure(status: errSecParam) }
            return combined
        }

        public func open(_ sealed: Data, with key: Data) -> Data? {
            guard let box = try? AES.GCM.SealedBox(combined: sealed) else { return nil }
            return try? AES.GCM.open(box, using: SymmetricKey(data: key))
        }
    }

    extension KeychainVault {
        /// The vault of the app of this name.
        public convenience init(service: String) {
            self.init(items: Keychain(service: service), cipher: AESGCM())
        }
    }
#endif
