import Foundation

public struct SymmetricKeySize: Sendable {
    public static var bits256: SymmetricKeySize { fatalError() }
}
public struct SymmetricKey: Sendable {
    public init(size: SymmetricKeySize) { fatalError() }
    public init(data: some ContiguousBytes) { fatalError() }
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        fatalError()
    }
}
public enum AES {
    public enum GCM {
        public struct SealedBox: Sendable {
            public var combined: Data? { fatalError() }
            public init(combined: some DataProtocol) throws { fatalError() }
        }
        public static func seal(_ message: some DataProtocol, using key: SymmetricKey) throws -> SealedBox {
            fatalError()
        }
        public static func open(_ box: SealedBox, using key: SymmetricKey) throws -> Data { fatalError() }
    }
}
