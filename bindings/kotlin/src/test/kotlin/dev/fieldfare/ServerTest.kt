package dev.fieldfare

import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.Test
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What only a real server can show. */
class ServerTest {
    @Test
    fun `a sync stops at its limit, and the next one goes on from there`() =
        withServer { phone ->
            assertFailsWith<FieldfareException.Invalid> { phone.sync(SyncOptions(maxBytes = -1)) }
            assertFailsWith<FieldfareException.Invalid> { phone.sync(SyncOptions(maxSeconds = -1)) }
            val first = phone.sync(SyncOptions(maxBytes = 1))
            assertFalse(first.isComplete)
            assertEquals(listOf(1L, 0L), listOf(first.frames, first.head))
            assertFalse(phone.sync(SyncOptions(pullBudget = 1, maxSeconds = 0)).isComplete)
            assertNull(phone.status().lastSyncAt)
            val rest = phone.sync()
            assertTrue(rest.isComplete)
            assertTrue(rest.rows > 0 && rest.head > 0)
            assertEquals(120L + TOWN, phone.status().counts.leads)
            assertEquals(listOf(0L, 0L), listOf(rest.repairedScopes, rest.lost))
            assertTrue(phone.sync(SyncOptions(maxBytes = 1_000_000, maxSeconds = 60)).isComplete)
        }

    @Test
    fun `news are waited for until there are some, the time is over or nobody waits`() =
        withServer { phone ->
            assertTrue(phone.waitForNews(), "nothing was fetched yet")
            phone.sync()
            assertFailsWith<FieldfareException.Invalid> { phone.waitForNews(maxSeconds = -1) }
            assertFalse(phone.waitForNews(maxSeconds = 1))
            assertNull(withTimeoutOrNull(300) { phone.waitForNews() })
            assertFalse(phone.waitForNews(maxSeconds = 0), "the wait that was given up is in the way")
        }

    @Test
    fun `another road route comes from the server and is followed`() =
        withServer { phone ->
            phone.grant(Purpose.NAVIGATION, "2026-11", "en")
            val date = tomorrow()
            val leads = planHelsinki(phone, date)
            phone.follow(date).use { drive ->
                drive.setConnected(true)
                val update = drive.update(Fix(HELSINKI[0], Instant.now(), accuracyM = 5.0))
                val request = assertIs<RouteAdvice.AskForRoute>(update.advice).request
                assertTrue(phone.fetchRoute(drive, request))
                assertEquals(RouteKind.ROAD, drive.map().kind)
                assertEquals(leads, drive.map().stops.mapNotNull { it.lead })
                assertFalse(phone.fetchRoute(drive, request), "it is answered already")
            }
        }

    private fun withServer(block: suspend (Fieldfare) -> Unit): Unit =
        runBlocking {
            World().use { world ->
                world.plantTown(TOWN)
                val dir = temporaryDirectory()
                val config = EngineConfig(dir = "$dir/phone", serverUrl = world.url, allowInsecureLoopback = true)
                Fieldfare.open(config, MemoryVault()).use { phone ->
                    phone.enrol(world.code("Ada"), "Ada's phone")
                    block(phone)
                }
                deleteAll(dir)
            }
        }

    private companion object {
        /** More leads than go into one chunk. */
        const val TOWN = 5_000
    }
}
