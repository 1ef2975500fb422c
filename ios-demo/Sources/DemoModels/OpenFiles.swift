import Fieldfare

/// Keeps the engine's files open while the app is in front or somebody works with them, and lets go of
/// them otherwise: iOS ends apps that hold a locked file when they are put to sleep.
@MainActor public final class OpenFiles {
    private let resume: @Sendable () async throws -> Void
    private let suspend: @Sendable () async throws -> Void
    private var isInFront = true
    private var users = 0
    private var last: Task<(any Error)?, Never>?

    public convenience init(client: FieldfareClient) {
        self.init(resume: { try await client.resume() }, suspend: { try await client.suspend() })
    }

    init(
        resume: @escaping @Sendable () async throws -> Void,
        suspend: @escaping @Sendable () async throws -> Void
    ) {
        self.resume = resume
        self.suspend = suspend
    }

    /// Whether files are to be open.
    public var areWanted: Bool { isInFront || users > 0 }

    /// The app came to the front or left it. Done when the files are as they must be.
    public func set(inFront: Bool) async throws {
        isInFront = inFront
        try await settle()
    }

    /// Holds the files open for a piece of work, opening them if need be.
    public func during<T: Sendable>(_ work: () async throws -> T) async throws -> T {
        users += 1
        do {
            try await settle()
            let result = try await work()
            await leave()
            return result
        } catch {
            await leave()
            throw error
        }
    }

    private func leave() async {
        users -= 1
        try? await settle()
    }

    /// One change after the other; each does what is wanted when its turn comes.
    private func settle() async throws {
        let before = last
        let task = Task { () -> (any Error)? in
            _ = await before?.value
            do {
                if self.areWanted {
                    try await self.resume()
                } else {
                    try await self.suspend()
                }
                return nil
            } catch {
                return error
            }
        }
        last = task
        if let error = await task.value { throw error }
    }
}
