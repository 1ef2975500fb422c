package dev.fieldfare.demo

import dev.fieldfare.EngineConfig
import dev.fieldfare.Fieldfare
import dev.fieldfare.FieldfareException
import dev.fieldfare.KeyVault
import dev.fieldfare.LatLng
import dev.fieldfare.LeadEdit
import dev.fieldfare.LeadId
import dev.fieldfare.MemoryVault
import dev.fieldfare.NearbyLead
import dev.fieldfare.NearbyQuery
import dev.fieldfare.NewVisit
import dev.fieldfare.VisitOutcome
import dev.fieldfare.World
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import kotlin.io.path.createTempDirectory
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The code of docs/android.md, run against a real server. */
class GettingStartedTest {
    suspend fun start(
        config: EngineConfig,
        vault: KeyVault,
        code: String,
    ): Fieldfare {
        val phone = Fieldfare.open(config, vault)
        if (phone.enrolment() == null) phone.enrol(code, deviceName = "My phone")
        phone.sync()
        return phone
    }

    suspend fun printNearby(
        phone: Fieldfare,
        here: LatLng,
    ) {
        val near = phone.nearby(here, NearbyQuery(radiusM = 2_000.0))
        for (lead in near.leads) {
            println("${lead.lead.name} ${lead.distanceM.toInt()} m")
        }
    }

    fun watchNearby(
        phone: Fieldfare,
        here: LatLng,
    ): Flow<List<NearbyLead>> {
        val query = NearbyQuery(radiusM = 2_000.0, limit = 50)
        return phone.watch { nearby(here, query) }.map { it.leads }
    }

    suspend fun record(
        phone: Fieldfare,
        lead: LeadId,
    ) {
        phone.recordVisit(NewVisit(lead, VisitOutcome.MET, note = "They want the blue one"))
        phone.editLead(lead, LeadEdit.Phone("+1 802 555 0199"))
    }

    suspend fun syncAndExplain(phone: Fieldfare): String =
        try {
            val report = phone.sync()
            "${report.rows} rows, ${report.refused} changes refused"
        } catch (_: FieldfareException.Offline) {
            "No connection. Everything is kept."
        } catch (_: FieldfareException.Revoked) {
            "This phone was signed out and is empty now."
        } catch (e: FieldfareException) {
            e.explanation()
        }

    @Test
    fun `from nothing to the first lead nearby, and back to the server`() =
        runBlocking {
            World().use { world ->
                world.plantTown(40)
                val folder = createTempDirectory("fieldfare-guide-").toFile()
                val config =
                    EngineConfig(dir = "$folder/phone", serverUrl = world.url, allowInsecureLoopback = true)
                start(config, MemoryVault(), world.code("Ada")).use { phone ->
                    val here = LatLng(44.4767, -73.2126)
                    printNearby(phone, here)
                    val near = watchNearby(phone, here).first()
                    assertTrue(near.size in 20..50)
                    record(phone, near.first().lead.id)
                    world.stopServer()
                    assertEquals("No connection. Everything is kept.", syncAndExplain(phone))
                    world.startServer()
                    assertTrue(syncAndExplain(phone).endsWith(" rows, 0 changes refused"))
                    assertTrue(phone.pending().isEmpty())
                }
                folder.deleteRecursively()
            }
            Unit
        }
}
