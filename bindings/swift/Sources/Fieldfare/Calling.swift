import Dispatch

/// Runs work that blocks away from the caller's actor and Swift's own threads.
func offTheCaller<T: Sendable>(
    _ work: @escaping @Sendable () throws -> T
) async throws(FieldfareError) -> T {
    let result: Result<T, FieldfareError> = await withCheckedContinuation { continuation in
        DispatchQueue.global(qos: .userInitiated).async {
            continuation.resume(returning: Result { try work() }.mapError(asFieldfareError))
        }
    }
    return try result.get()
}

func asFieldfareError<T: Sendable>(
    _ work: @Sendable () async throws -> T
) async throws(FieldfareError) -> T {
    try await asResult(work).get()
}

func asResult<T: Sendable>(
    _ work: @Sendable () async throws -> T
) async -> Result<T, FieldfareError> {
    do {
        return .success(try await work())
    } catch {
        return .failure(asFieldfareError(error))
    }
}

/// What the engine does for `work` ends when the task is cancelled.
func cancellable<T: Sendable>(
    _ work: @Sendable (SyncCancel) async throws -> T
) async -> Result<T, FieldfareError> {
    let cancel = SyncCancel()
    return await withTaskCancellationHandler {
        await asResult { try await work(cancel) }
    } onCancel: {
        cancel.cancel()
    }
}

/// What is no error of the engine's is a fault of the layer between.
private func asFieldfareError(_ error: any Error) -> FieldfareError {
    error as? FieldfareError ?? .`internal`
}
