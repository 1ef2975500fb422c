package dev.fieldfare

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import java.nio.file.Files
import java.nio.file.Path
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** Closing, sharing, and not leaking. */
class LifeTest {
    @Test
    fun `closing again is fine, and later calls say so`() =
        runBlocking {
            withPhone { phone ->
                phone.close()
                phone.close()
                assertFailsWith<FieldfareException.Closed> { phone.status() }
                assertFailsWith<FieldfareException.Closed> { phone.sync() }
                assertFailsWith<FieldfareException.Closed> { phone.enrol("C", "P") }
            }
            Unit
        }

    @Test
    fun `closing while busy ends every call with its result or with closed`() =
        runBlocking {
            withPhone { phone ->
                val lead = phone.addLead(leadAt("A"))
                coroutineScope {
                    val callers =
                        List(8) {
                            async(Dispatchers.Default) {
                                var calls = 0
                                try {
                                    while (true) {
                                        phone.lead(lead.id)
                                        calls += 1
                                    }
                                } catch (_: FieldfareException.Closed) {
                                    // As it should.
                                }
                                calls
                            }
                        }
                    delay(200)
                    phone.close()
                    val calls = withTimeout(20_000) { callers.awaitAll() }
                    assertTrue(calls.sum() > 0)
                }
            }
        }

    @Test
    fun `two engines keep apart`() =
        runBlocking {
            withPhone { first ->
                withPhone { second ->
                    val lead = first.addLead(leadAt("A"))
                    assertFailsWith<FieldfareException.NotFound> { second.lead(lead.id) }
                    second.close()
                    assertEquals("A", first.lead(lead.id).name)
                }
            }
            Unit
        }

    @Test
    fun `a hundred thousand calls leak nothing`() =
        runBlocking {
            withPhone { phone ->
                val leads = List(20) { phone.addLead(leadAt("Lead $it")) }
                val call: suspend () -> Unit = { phone.nearby(HERE, NearbyQuery(limit = 1)) }
                val fail: suspend () -> Unit = { runCatching { phone.lead(NOBODY) } }

                suspend fun round(calls: Int) =
                    repeat(calls / 4) {
                        call()
                        fail()
                        phone.lead(leads[it % leads.size].id)
                        phone.fix(fixNow())
                    }
                round(20_000)
                val before = residentBytes()
                round(100_000)
                var grown = 0L
                // The collector of native memory works at its own pace.
                waitUntil("memory goes back to where it was") {
                    grown = residentBytes() - before
                    grown < ALLOWED_GROWTH
                }
            }
        }

    @Test
    fun `engines opened and closed, and listeners come and gone, leak no handle`() =
        runBlocking {
            repeat(20) {
                withPhone { phone ->
                    repeat(20) {
                        phone.engineOf().subscribe(Inbox()).use { subscription -> subscription.cancel() }
                    }
                }
            }
            for (name in listOf("ChangeListener", "KeyVault", "HttpTransport", "SyncListener")) {
                waitUntil("no $name is left") {
                    System.gc()
                    handles(name) == 0
                }
            }
        }
}

/** A call that leaked as little as 300 bytes would show. */
private const val ALLOWED_GROWTH = 30_000_000L

private fun residentBytes(): Long {
    System.gc()
    val pages = Files.readString(Path.of("/proc/self/statm")).split(' ')[1].toLong()
    return pages * 4096
}

private fun Fieldfare.engineOf(): FieldfareEngine {
    val field = Fieldfare::class.java.getDeclaredField("engine")
    field.isAccessible = true
    return field.get(this) as FieldfareEngine
}

/** How many objects of this interface the library holds. */
private fun handles(name: String): Int {
    val converter = Class.forName("dev.fieldfare.FfiConverterType$name")
    val instance = converter.getField("INSTANCE").get(null)
    val getter = converter.methods.first { it.name.startsWith("getHandleMap") }
    val map = getter.invoke(instance)
    return map.javaClass.methods
        .first { it.name == "getSize" }
        .invoke(map) as Int
}
