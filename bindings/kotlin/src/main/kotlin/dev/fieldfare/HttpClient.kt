package dev.fieldfare

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout

/**
 * Carries requests to the server in place of the library's own HTTPS: for an app that needs its platform's proxies,
 * certificates or pinning.
 */
public fun interface HttpClient {
    /**
     * Sends one request and waits for the response. Any status is a response. Do not follow redirects, keep no cookies,
     * log neither headers nor bodies. The coroutine is cancelled when nobody waits any more.
     *
     * @throws TransportException if no response came
     */
    public suspend fun send(request: HttpRequest): HttpResponse
}

internal class ClientTransport(
    private val client: HttpClient,
) : HttpTransport,
    AutoCloseable {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.IO)

    override fun start(
        request: HttpRequest,
        exchange: HttpExchange,
    ) {
        scope.launch { exchange.use { answer(request, it) } }
    }

    override fun close() {
        scope.cancel()
    }

    private suspend fun answer(
        request: HttpRequest,
        exchange: HttpExchange,
    ) {
        try {
            val response = withTimeout(request.timeout.toMillis()) { sendWhileAwaited(request, exchange) }
            exchange.respond(response)
        } catch (_: TimeoutCancellationException) {
            exchange.fail(TransportException.Timeout())
        } catch (e: CancellationException) {
            exchange.fail(TransportException.Offline())
            throw e
        } catch (e: TransportException) {
            exchange.fail(e)
        } catch (_: Exception) {
            exchange.fail(TransportException.Broken())
        }
    }

    private suspend fun sendWhileAwaited(
        request: HttpRequest,
        exchange: HttpExchange,
    ): HttpResponse =
        coroutineScope {
            val watch =
                launch {
                    // Cancelled with the answer there, it must end in `delay`, not fall through to the cancel.
                    while (!exchange.isAbandoned()) {
                        delay(ABANDONED_CHECK_MS)
                    }
                    this@coroutineScope.cancel()
                }
            client.send(request).also { watch.cancel() }
        }

    private companion object {
        const val ABANDONED_CHECK_MS = 200L
    }
}
