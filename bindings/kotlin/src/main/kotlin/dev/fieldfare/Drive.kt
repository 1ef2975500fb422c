package dev.fieldfare

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.withContext
import java.time.LocalDate

/**
 * A drive along the route of a day; see [Fieldfare.follow]. The route stays in the library: a fix goes in, a small
 * record comes out.
 *
 * Give every fix to [Fieldfare.fix] too, which alone alerts and stores positions.
 */
public class Drive internal constructor(
    internal val session: RouteSession,
    private val dispatcher: CoroutineDispatcher,
) : AutoCloseable {
    private val mutableUpdates =
        MutableSharedFlow<RouteUpdate>(extraBufferCapacity = BUFFER, onBufferOverflow = BufferOverflow.DROP_OLDEST)

    /** The answers to the fixes, as [update] gives them, for whoever else looks. */
    public val updates: SharedFlow<RouteUpdate> = mutableUpdates.asSharedFlow()

    /** Takes a fix in, and its direction in degrees clockwise from north where the platform gives it. */
    public suspend fun update(
        fix: Fix,
        courseDeg: Double? = null,
    ): RouteUpdate = call { update(fix, courseDeg) }.also { mutableUpdates.tryEmit(it) }

    /** The last update, without its events: for a screen that is shown again. */
    public suspend fun lastUpdate(): RouteUpdate? = call { lastUpdate() }

    /** The route to draw and to list. Read it again when an update has another [RouteUpdate.routeVersion]. */
    public suspend fun map(): RouteMap = call { map() }

    /** The day that is followed. */
    public suspend fun date(): LocalDate = call { date() }

    /** Where it stands. */
    public suspend fun phase(): RoutePhase = call { phase() }

    /** The trip so far. */
    public suspend fun trip(): Trip = call { trip() }

    /** Halts following: fixes are looked at, but nothing is said and nothing counts. */
    public suspend fun pause(): Unit = call { pause() }

    /** Goes on after a pause, from wherever the driver is. */
    public suspend fun resume(): Unit = call { resume() }

    /** Ends the current step by hand. */
    public suspend fun advance(): List<RouteEvent> = call { advance() }

    /** Leaves the next stop out and goes on to the one after it. */
    public suspend fun skipStop(): List<RouteEvent> = call { skipStop() }

    /** Ends the trip; what was saved of it is deleted. */
    public suspend fun end(): Trip = call { end() }

    /** Says whether a routing service can be asked now; not, until it is said. */
    public suspend fun setConnected(isConnected: Boolean): Unit = call { setConnected(isConnected) }

    /** What to ask a routing service for. Null before the first fix and after the last stop. */
    public suspend fun routeQuery(): RouteQuery? = call { routeQuery() }

    /**
     * Takes the [answer] to [RouteAdvice.AskForRoute]: OSRM's or Valhalla's JSON for the places of [routeQuery]. Says
     * whether the route is followed: not if the driver is back on the old one, or the request is not the last.
     */
    public suspend fun answer(
        request: Int,
        answer: ByteArray,
    ): Boolean = call { answer(request, answer) }

    /** The request failed; another is made later. */
    public suspend fun answerFailed(request: Int): Unit = call { answerFailed(request) }

    /**
     * Adds routes to choose from without a connection: OSRM's or Valhalla's JSON, or the bytes of a route. The newest
     * eight are kept. Says how many were new.
     */
    public suspend fun addAlternatives(answer: ByteArray): Int = call { addAlternatives(answer) }

    /** The routes at hand, the best for where the driver is now first. Empty before the first fix. */
    public suspend fun alternatives(): List<RouteAlternative> = call { alternatives() }

    /** Follows another of the routes at hand, by its [RouteAlternative.index]. */
    public suspend fun useAlternative(index: Int): Unit = call { useAlternative(index) }

    /** Begins to keep every fix in memory, to replay the drive later. Needs consent for navigation. */
    public suspend fun record(): Unit = call { record() }

    /** Ends the recording and gives it; redacted it says no more where and when it was. Null if there is none. */
    public suspend fun takeRecording(redacted: Boolean = true): ByteArray? = call { takeRecording(redacted) }

    /** Lets go of the drive without ending the trip. Again is fine. */
    override fun close() {
        session.destroy()
    }

    private suspend fun <T> call(block: RouteSession.() -> T): T =
        try {
            withContext(dispatcher) { session.block() }
        } catch (e: CancellationException) {
            throw e
        } catch (_: IllegalStateException) {
            throw FieldfareException.Closed()
        } catch (e: InternalException) {
            throw FieldfareException.Internal().initCause(e)
        }

    private companion object {
        const val BUFFER = 64
    }
}
