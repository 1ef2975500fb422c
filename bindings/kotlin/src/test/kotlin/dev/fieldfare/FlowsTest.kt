package dev.fieldfare

import app.cash.turbine.test
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import java.time.Duration
import kotlin.concurrent.thread
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds

class FlowsTest {
    @Test
    fun `changes come in batches, also from another thread`() =
        runBlocking {
            withPhone { phone ->
                phone.changes.test(timeout = PATIENCE) {
                    delay(SETTLE_MS)
                    var added: Lead? = null
                    thread { added = runBlocking { phone.addLead(leadAt("A")) } }.join()
                    val notice = awaitItem()
                    assertEquals(listOf(added!!.id), notice.leads)
                    assertTrue(notice.operations)
                    phone.close()
                    awaitComplete()
                }
            }
        }

    @Test
    fun `a slow collector loses no change`() =
        runBlocking {
            withPhone { phone ->
                val heard = mutableSetOf<LeadId>()
                val wanted = 30
                val collecting =
                    launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) {
                        phone.changes.onEach { delay(20) }.first { notice ->
                            heard += notice.leads
                            heard.size == wanted
                        }
                    }
                delay(SETTLE_MS)
                val added = List(wanted) { phone.addLead(leadAt("Lead $it")).id }
                withTimeout(20_000) { collecting.join() }
                assertEquals(added.toSet(), heard)
            }
        }

    @Test
    fun `a watched question is answered anew when its answer changes`() =
        runBlocking {
            withPhone { phone ->
                val query = NearbyQuery(radiusM = 100.0)
                phone.watch { nearby(HERE, query).leads.map { it.lead.name } }.test(timeout = PATIENCE) {
                    assertEquals(emptyList(), awaitItem())
                    phone.addLead(leadAt("A"))
                    assertEquals(listOf("A"), awaitItem())
                    phone.addLead(leadAt("far", lat = 0.0))
                    expectNoEvents()
                    phone.close()
                    awaitComplete()
                }
            }
        }

    @Test
    fun `a question under way when the engine closes ends the flow, and is no failure`() =
        runBlocking {
            withPhone { phone ->
                val asked = CompletableDeferred<Unit>()
                val isClosed = CompletableDeferred<Unit>()
                phone
                    .watch {
                        asked.complete(Unit)
                        isClosed.await()
                        status()
                    }.test(timeout = PATIENCE) {
                        asked.await()
                        phone.close()
                        isClosed.complete(Unit)
                        awaitComplete()
                    }
            }
        }

    @Test
    fun `a question that fails is a failure of the flow`() =
        runBlocking {
            withPhone { phone ->
                phone.watch { lead(NOBODY) }.test(timeout = PATIENCE) {
                    assertIs<FieldfareException.NotFound>(awaitError())
                }
                phone.watch { throw FieldfareException.Closed() }.test(timeout = PATIENCE) {
                    assertIs<FieldfareException.Closed>(awaitError())
                }
            }
        }

    @Test
    fun `alerts come to whoever listens`() =
        runBlocking {
            withPhone { phone ->
                phone.addLead(leadAt("A"))
                phone.grant(Purpose.PROXIMITY_ALERTS, "1", "en")
                phone.alerts.test(timeout = PATIENCE) {
                    phone.fix(fixNow())
                    assertEquals("A", awaitItem().lead.name)
                    phone.fix(fixNow())
                    expectNoEvents()
                }
            }
        }

    @Test
    fun `the sync's state shows what went wrong`() =
        runBlocking {
            withPhone { phone ->
                phone.syncState.test(timeout = PATIENCE) {
                    assertEquals(SyncState.Idle(null), awaitItem())
                    assertFailsWith<FieldfareException.Offline> { phone.sync() }
                    assertIs<FieldfareException.Offline>(assertIs<SyncState.Failed>(awaitItem()).error)
                }
                assertEquals("offline", phone.status().lastError)
                // The wait is random, and the first ones may be over at once.
                waitUntil("a background sync is told to wait") {
                    val error = assertFailsWith<FieldfareException> { phone.sync(SyncOptions(isBackground = true)) }
                    error is FieldfareException.TryLater && error.retryAfter!!.toMillis() > 0
                }
            }
        }

    @Test
    fun `cancelling the coroutine ends the sync, and the next one is free to run`() =
        runBlocking {
            val client = EnrolsOnly()
            withPhone(client) { phone ->
                client.isSilent.set(true)
                val syncing = async(Dispatchers.Default) { phone.sync() }
                waitUntil("it waits for the server") { client.silentFor > Duration.ZERO }
                assertFailsWith<FieldfareException.Busy> { phone.sync() }
                val began = System.nanoTime()
                syncing.cancelAndJoin()
                waitUntil("it ended") { !phone.status().isSyncing }
                val took = Duration.ofNanos(System.nanoTime() - began)
                assertTrue(took < client.silentFor, "only the request's own timeout ended it")
                client.isSilent.set(false)
                assertFailsWith<FieldfareException.Offline> { phone.sync() }
            }
            Unit
        }

    @Test
    fun `log lines come in batches`() =
        runBlocking {
            val failing =
                object : ChangeListener {
                    override fun changed(notice: ChangeNotice): Unit = error("a customer's name")
                }
            logs(LogLevel.WARN).test(timeout = PATIENCE) {
                withPhone { phone ->
                    val engine = phone.engineForTests()
                    engine.subscribe(failing).use { phone.addLead(leadAt("A")) }
                }
                val lines = awaitItem().map { it.message }
                assertContains(lines, "a change listener failed")
                assertTrue(lines.none { it.contains("customer") })
                cancelAndIgnoreRemainingEvents()
            }
        }
}

/** How long an item may take on a busy machine. */
private val PATIENCE = 60.seconds

/** Long enough for a collector on another thread to begin. */
private const val SETTLE_MS = 200L

private fun Fieldfare.engineForTests(): FieldfareEngine {
    val field = Fieldfare::class.java.getDeclaredField("engine")
    field.isAccessible = true
    return field.get(this) as FieldfareEngine
}
