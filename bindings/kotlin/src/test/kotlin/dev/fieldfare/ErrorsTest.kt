package dev.fieldfare

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull

/** What goes wrong is an exception of its own class, with a stable code and nothing personal in it. */
class ErrorsTest {
    @Test
    fun `errors have classes, codes and advice`() =
        runBlocking {
            withPhone { phone ->
                val missing = assertFailsWith<FieldfareException.NotFound> { phone.lead(NOBODY) }
                assertEquals("not_found", missing.code())
                assertEquals("no such lead on this phone", missing.message)
                assertEquals("lead", missing.what)
                val again = assertFailsWith<FieldfareException.AlreadyEnrolled> { phone.enrol("C", "P") }
                assertEquals("already_enrolled", again.code())
                val denied =
                    assertFailsWith<FieldfareException.ConsentRequired> {
                        phone.nearby(HERE, NearbyQuery(limit = 1, purpose = Purpose.LIVE_TRACKING))
                    }
                assertEquals(Purpose.LIVE_TRACKING, denied.purpose)
            }
        }

    @Test
    fun `bad arguments are refused and say why`() =
        runBlocking {
            withPhone { phone ->
                val wrong =
                    listOf<suspend () -> Any>(
                        { phone.lead("Brandt Bakery") },
                        { phone.nearby(LatLng(91.0, 0.0), NearbyQuery(limit = 1)) },
                        { phone.nearby(LatLng(Double.NaN, 0.0), NearbyQuery(limit = 1)) },
                        { phone.nearby(HERE, NearbyQuery()) },
                        { phone.nearby(HERE, NearbyQuery(limit = -1)) },
                        { phone.search("a", 0) },
                        { phone.search("a", Int.MAX_VALUE) },
                        { phone.leadsPage(LeadFilter(minScore = 256)) },
                        { phone.leadsPage(after = "made up") },
                        { phone.addLead(NewLead(name = "  ")) },
                        { phone.addLead(NewLead(name = "A", contactHours = "always")) },
                        { phone.viewport(LatLng(2.0, 0.0), LatLng(1.0, 0.0)) },
                        { phone.grant(Purpose.NEAR_ME, "1", "en") },
                        { phone.grant(Purpose.LIVE_TRACKING, "", "en") },
                    )
                for (call in wrong) {
                    val error = assertFailsWith<FieldfareException.Invalid> { call() }
                    assertFalse(error.explanation().contains("Brandt"), "it quotes the argument")
                }
            }
        }

    @Test
    fun `a vault that fails is told apart from a damaged file`() =
        runBlocking {
            val dir = temporaryDirectory()
            val vault = MemoryVault()
            Fieldfare.open(offline(dir), vault, EnrolsOnly()).use { it.enrol("CODE", "Phone") }
            vault.failure = VaultException.Unavailable()
            val locked = assertFailsWith<FieldfareException.Key> { Fieldfare.open(offline(dir), vault) }
            assertEquals("key", locked.code())
            vault.failure = IllegalArgumentException("the keystore's own text")
            val broken = assertFailsWith<FieldfareException.Key> { Fieldfare.open(offline(dir), vault) }
            assertFalse(broken.explanation().contains("own text"))
            vault.failure = null
            assertFailsWith<FieldfareException.Key> { Fieldfare.open(offline(dir), MemoryVault()) }
            Fieldfare.open(offline(dir), vault).use { assertNotNull(it.enrolment()) }
            deleteAll(dir)
        }

    @Test
    fun `a clock that fails is stood in for`() =
        runBlocking {
            val clock =
                object : WallClock {
                    override fun now(): Instant = error("no time")
                }
            withPhone(clock = clock) { phone ->
                val before = Instant.now().minusSeconds(1)
                phone.addLead(leadAt("A"))
                assert(phone.pending().single().at > before)
            }
        }

    @Test
    fun `an own transport's errors become the engine's`() =
        runBlocking {
            val cases =
                mapOf(
                    TransportException.Offline() to "offline",
                    TransportException.Timeout() to "offline",
                    TransportException.Tls() to "server",
                    TransportException.TooLarge() to "server",
                    TransportException.Insecure() to "invalid",
                    TransportException.Broken() to "server",
                    IllegalArgumentException("a customer's name") to "server",
                )
            for ((failure, code) in cases) {
                withPhone(client = { throw failure }, isEnrolled = false) { phone ->
                    val error = assertFailsWith<FieldfareException> { phone.enrol("CODE", "Phone") }
                    assertEquals(code, error.code())
                    assertFalse(error.explanation().contains("customer"))
                }
            }
            val refusals = mapOf(401 to "unauthorized", 426 to "upgrade_required", 500 to "server", -3 to "server")
            for ((status, code) in refusals) {
                val client = HttpClient { HttpResponse(status, emptyList(), ByteArray(0)) }
                withPhone(client = client, isEnrolled = false) { phone ->
                    val error = assertFailsWith<FieldfareException> { phone.enrol("CODE", "Phone") }
                    assertEquals(code, error.code())
                }
            }
        }
}
