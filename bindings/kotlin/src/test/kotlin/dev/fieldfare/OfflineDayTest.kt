package dev.fieldfare

import app.cash.turbine.test
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import java.time.Instant
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds

/** A rep's whole day, against a real server and a CRM: sync, go offline, walk, visit, edit, come back. */
class OfflineDayTest {
    @Test
    fun `a day offline comes back to the CRM, once, with its conflict and its refusal`() =
        runBlocking {
            World().use { world ->
                val dir = temporaryDirectory()
                val vault = MemoryVault()
                Fieldfare.open(online(dir, world), vault).use { morning(it, world) }
                world.stopServer()
                val day = Fieldfare.open(online(dir, world), vault).use { offlineDay(it) }
                officeMeanwhile(world, day)
                Fieldfare.open(online(dir, world), vault).use { evening(it, world, day) }
                deleteAll(dir)
            }
        }

    private suspend fun morning(
        phone: Fieldfare,
        world: World,
    ) {
        phone.enrol(world.code("Ada"), "Ada's phone")
        val report = phone.sync()
        assertTrue(report.rows >= 120)
        assertEquals(SyncState.Idle(report), phone.syncState.value)
        assertEquals("Ada", phone.rep().name)
        assertContains(phone.territories().map { it.name }, "Vermont")
        assertEquals(120, phone.status().counts.leads)
        phone.grant(Purpose.PROXIMITY_ALERTS, "2026-11", "en")
        phone.grant(Purpose.VISIT_CHECK_IN, "2026-11", "en")
        phone.sync()
        assertTrue(phone.consents().all { it.isAcknowledged })
    }

    private suspend fun offlineDay(phone: Fieldfare): Day {
        assertFailsWith<FieldfareException.Offline> { phone.sync() }
        val leads = phone.allLeads(LeadFilter()).toList().filter { it.geocode.position != null }
        val (visited, edited, doomed) = leads
        val start = Instant.now()
        var alerts = 0
        phone.watch { pending().size }.test(timeout = 60.seconds) {
            assertEquals(0, awaitItem())
            leads.take(10).forEachIndexed { step, lead ->
                val at = start.plusMillis(step * 60_000L)
                alerts += phone.fix(Fix(lead.geocode.position!!, at, accuracyM = 8.0)).alerts.size
            }
            phone.recordVisit(
                NewVisit(
                    lead = visited.id,
                    outcome = VisitOutcome.FOLLOW_UP,
                    note = "They want the blue one",
                    followUpAt = start.plusSeconds(86_400),
                    position = visited.geocode.position,
                ),
            )
            phone.editLead(edited.id, LeadEdit.Phone("+1 802 555 0199"), LeadEdit.Notes("Ring twice"))
            phone.editLead(doomed.id, LeadEdit.Notes("Will be gone"))
            while (awaitItem() < 3) continue
        }
        assertTrue(alerts > 0, "nobody was alerted")
        assertEquals(visited.geocode.position, phone.visits(visited.id).single().position)
        assertTrue(phone.search("ring twice").single().isPending)
        assertEquals(3, phone.pending().size)
        val elsewhere = leads.first { it.geocode.position != visited.geocode.position }
        planAndDrive(phone, listOf(visited, elsewhere))
        return Day(visited, edited, doomed)
    }

    /** Tomorrow is planned and driven, all of it on this phone. */
    private suspend fun planAndDrive(
        phone: Fieldfare,
        leads: List<Lead>,
    ) {
        val date = tomorrow()
        val first = leads[0].geocode.position!!
        val work = WORK_HOURS.copy(hours = "Mo-Su 06:00-22:00", start = first.copy(lat = first.lat + 0.01))
        val wishes = leads.map { StopWish(it.id, isMandatory = true) }
        val full = phone.planDay(PlanDay(date, work, wishes))
        assertTrue(full.totals.visits > 2 && full.steps.mapNotNull { it.lead }.containsAll(leads.map { it.id }))
        val stops =
            phone
                .planDay(PlanDay(date, work, wishes, addsDueLeads = false))
                .steps
                .mapNotNull { it.lead }
        assertEquals(leads.map { it.id }.toSet(), stops.toSet())
        phone.follow(date, work.start).use { drive ->
            val events = driveAlong(drive, stepM = 300.0, secondsAStep = 12, Instant.now())
            assertEquals(stops, visitsProposed(events))
            drive.end()
        }
    }

    private fun officeMeanwhile(
        world: World,
        day: Day,
    ) {
        world.startServer()
        world.edit(day.edited.crmId!!, "phone", "+1 802 555 0000")
        world.delete(day.doomed.crmId!!)
        world.catchUp()
    }

    private suspend fun evening(
        phone: Fieldfare,
        world: World,
        day: Day,
    ) {
        val report = phone.sync()
        assertEquals(3, report.pushed)
        assertEquals(1, report.refused)
        val refused = phone.refused().single()
        assertEquals(RejectCode.DELETED, refused.code)
        assertEquals(day.doomed.id, refused.change.row)
        phone.retryRefused(refused.change.id)
        assertTrue(phone.refused().isEmpty())
        assertEquals(1, phone.sync().refused, "it was offered again")
        val again = phone.refused().single()
        assertEquals(day.doomed.id, again.change.row)
        phone.discardRefused(again.change.id)
        assertTrue(phone.refused().isEmpty())

        waitUntil("the CRM has the task") { world.company(day.visited.crmId!!).contains("blue one") }
        world.catchUp()
        waitUntil("nothing moves any more") { phone.sync().run { rows == 0L && pushed == 0L } }
        assertTrue(phone.pending().isEmpty())
        assertFailsWith<FieldfareException.NotFound> { phone.lead(day.doomed.id) }
        val conflict = phone.conflicts().single { it.row == day.edited.id }
        assertEquals("phone", conflict.column)
        val merged = phone.lead(day.edited.id)
        assertFalse(merged.isPending)
        assertEquals("Ring twice", merged.notes)
        assertContains(world.company(day.edited.crmId!!), merged.phone!!)

        world.revoke(phone.enrolment()!!.device)
        assertFailsWith<FieldfareException.Revoked> { phone.sync() }
        assertNull(phone.enrolment())
        assertFailsWith<FieldfareException.Closed> { phone.status() }
    }

    private fun online(
        dir: java.nio.file.Path,
        world: World,
    ) = EngineConfig(
        dir = "$dir/phone",
        serverUrl = world.url,
        allowInsecureLoopback = true,
        // The world's leads are known by their postal code.
        proximity = defaultProximityConfig().copy(maxUncertaintyM = 100_000),
    )

    private class Day(
        val visited: Lead,
        val edited: Lead,
        val doomed: Lead,
    )
}
