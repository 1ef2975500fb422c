import Foundation

/// Carries requests to the server in place of the library's own HTTPS: for an app that needs its
/// platform's proxies, certificates or pinning.
public protocol HTTPClient: Sendable {
    /// Sends one request and waits for the response. Any status is a response. Do not follow redirects,
    /// keep no cookies, log neither headers nor bodies. The task is cancelled when nobody waits any more.
    ///
    /// - Throws: ``TransportError`` if no response came.
    func send(_ request: HttpRequest) async throws -> HttpResponse
}

final class ClientTransport: HttpTransport {
    private let client: any HTTPClient

    init(_ client: any HTTPClient) {
        self.client = client
    }

    func start(request: HttpRequest, exchange: HttpExchange) throws {
        let client = self.client
        Task {
            let sending = Task { try await client.send(request) }
            let watching = Task { await Self.giveUp(sending, after: request.timeout, exchange) }
            do {
                exchange.respond(response: try await sending.value)
            } catch let error as TransportError {
                exchange.fail(error: error)
            } catch is CancellationError {
                exchange.fail(error: .timeout)
            } catch {
                exchange.fail(error: .broken)
            }
            watching.cancel()
        }
    }

    /// Cancels the request when its time is over or nobody waits any more.
    private static func giveUp(
        _ sending: Task<HttpResponse, any Error>, after timeout: TimeInterval, _ exchange: HttpExchange
    ) async {
        let end = Date(timeIntervalSinceNow: timeout)
        while !Task.isCancelled, Date() < end, !exchange.isAbandoned() {
            try? await Task.sleep(nanoseconds: 200_000_000)
        }
        if !Task.isCancelled {
            sending.cancel()
        }
    }
}
