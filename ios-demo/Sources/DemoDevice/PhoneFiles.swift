import Foundation

/// The folder of the engine's files.
public enum PhoneFiles {
    /// Makes the folder if it is not there. It stays out of backups, as its key never leaves this phone
    /// and a copy could not be opened; and it is readable from the first unlock on, as a sync in the
    /// background needs it.
    public static func prepare(in parent: URL) throws -> URL {
        var dir = parent.appendingPathComponent("Fieldfare", isDirectory: true)
        try FileManager.default.createDirectory(
            at: dir, withIntermediateDirectories: true, attributes: protection)
        try FileManager.default.setAttributes(protection, ofItemAtPath: dir.path)
        try excludeFromBackup(&dir)
        return dir
    }

    /// The usual place.
    public static func prepare() throws -> URL {
        let support = try FileManager.default.url(
            for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
        return try prepare(in: support)
    }

    #if canImport(Darwin)
        private static var protection: [FileAttributeKey: Any] {
            [.protectionKey: FileProtectionType.completeUntilFirstUserAuthentication]
        }

        private static func excludeFromBackup(_ dir: inout URL) throws {
            var values = URLResourceValues()
            values.isExcludedFromBackup = true
            try dir.setResourceValues(values)
        }
    #else
        private static var protection: [FileAttributeKey: Any] { [.posixPermissions: 0o700] }

        private static func excludeFromBackup(_ dir: inout URL) throws {}
    #endif
}
