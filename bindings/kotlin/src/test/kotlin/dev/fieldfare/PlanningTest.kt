package dev.fieldfare

import app.cash.turbine.test
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import java.time.Duration
import java.time.Instant
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds

/** Planning a day and following it, without a connection. */
class PlanningTest {
    private val date = tomorrow()

    @Test
    fun `a day is planned, planned anew, and says what changed`() =
        runBlocking {
            withPhone { phone ->
                val leads = someLeads(phone, 4)
                assertNull(phone.workHours())
                assertTrue(phone.plannedDates().isEmpty())
                phone.setWorkHours(WORK_HOURS)
                val noted = phone.workHours()!!
                phone.setWorkHours(noted)
                assertEquals(noted, phone.workHours())
                assertEquals(WORK_HOURS.copy(hours = noted.hours), noted)

                val wishes = leads.take(3).map { StopWish(it) }
                phone.changes.test(timeout = 60.seconds) {
                    val planned = phone.planDay(PlanDay(date, wishes = wishes, addsDueLeads = false))
                    assertEquals(planned, phone.day(date))
                    assertTrue(awaitItem().days)
                }
                val day = phone.day(date)
                assertEquals(leads.take(3).toSet(), day.steps.mapNotNull { it.lead }.toSet())
                assertEquals(DaySource.PHONE, day.source)
                assertEquals(date, day.date)
                assertEquals(3, day.totals.visits)
                assertEquals("great_circle", day.travel.provider)
                assertTrue(day.steps.all { it.arrival <= it.start && it.start < it.departure })
                assertEquals(listOf(date), phone.plannedDates())

                val near = phone.leadsNearDay(date)
                assertEquals(listOf(leads[3]), near.leads.map { it.lead.id })
                assertTrue(near.isComplete)
                assertTrue(near.leads[0].detour > Duration.ZERO)

                val first = day.steps.first().lead!!
                val events =
                    listOf(
                        DayEvent.Cancelled(first),
                        DayEvent.Added(StopWish(leads[3], isMandatory = true)),
                    )
                val anew = phone.replanDay(date, DayUpdate(events = events))
                assertContains(anew.changes, DayChange.Added(leads[3]))
                assertEquals(listOf(first), anew.day.cancelled)
                val stops = anew.day.steps.mapNotNull { it.lead }
                assertEquals(leads.toSet() - first, stops.toSet())
            }
        }

    @Test
    fun `what does not fit is left out, with its reason`() =
        runBlocking {
            withPhone { phone ->
                val wishes = someLeads(phone, 3).map { StopWish(it) }
                val short = WORK_HOURS.copy(hours = "Mo-Su 09:00-10:00", visitMinutes = 25)
                val request = PlanDay(date, short, wishes, addsDueLeads = false, DayObjective.FinishEarly)
                val day = phone.planDay(request)
                assertEquals(3, day.steps.size + day.leftOut.size)
                val left = day.leftOut.first()
                assertEquals(LeftOutReason.LOWER_PRIORITY, left.reason)
                assertTrue(left.displaces.isNotEmpty() && left.remedies.isNotEmpty())
            }
        }

    @Test
    fun `what cannot be planned is refused`() =
        runBlocking {
            withPhone { phone ->
                val lead = someLeads(phone, 1).single()
                val unplanned =
                    listOf<suspend () -> Any>(
                        { phone.day(date) },
                        { phone.useServerDay(date) },
                        { phone.follow(date) },
                        { phone.leadsNearDay(date) },
                        { phone.replanDay(date) },
                        { plan(phone, StopWish(NOBODY)) },
                    )
                unplanned.forEach { assertFailsWith<FieldfareException.NotFound> { it() } }
                assertNull(phone.resumeFollowing(Duration.ofMinutes(1)))
                val wrong =
                    listOf<suspend () -> Any>(
                        { plan(phone, StopWish(lead, minutes = 481)) },
                        { plan(phone, StopWish(lead, minutes = -1)) },
                        { plan(phone, StopWish(lead), WORK_HOURS.copy(hours = "whenever")) },
                        { plan(phone, StopWish(lead), WORK_HOURS.copy(timeZone = "Nowhere")) },
                        { phone.setWorkHours(WORK_HOURS.copy(visitMinutes = 0)) },
                        { phone.leadsNearDay(date, NearDayQuery(limit = -1)) },
                    )
                wrong.forEach { assertFailsWith<FieldfareException.Invalid> { it() } }
            }
        }

    private suspend fun plan(
        phone: Fieldfare,
        wish: StopWish,
        work: WorkHours = WORK_HOURS,
    ) = phone.planDay(PlanDay(date, work, listOf(wish), addsDueLeads = false))

    @Test
    fun `a drive is followed by the crow, and then by road`() =
        runBlocking {
            withPhone { phone ->
                val leads = planHelsinki(phone, date)
                phone.follow(date).use { drive ->
                    val crow = drive.map()
                    assertEquals(RouteKind.CROW, crow.kind)
                    assertEquals(1, crow.version)
                    assertEquals(HELSINKI[0], crow.points.first())
                    assertEquals(date, drive.date())
                    assertEquals(RoutePhase.JOINING, drive.phase())
                    assertNull(drive.lastUpdate())
                    assertNull(drive.routeQuery())

                    drive.setConnected(true)
                    val start = Instant.now()
                    drive.updates.test(timeout = 60.seconds) {
                        val first = drive.update(Fix(HELSINKI[0], start, accuracyM = 5.0))
                        assertEquals(first, awaitItem())
                        val request = assertIs<RouteAdvice.AskForRoute>(first.advice).request
                        assertFailsWith<FieldfareException.Invalid> { drive.answer(request, "no".toByteArray()) }
                    }
                    assertEquals(listOf(null, leads[0], leads[1], null), drive.routeQuery()!!.places.map { it.lead })
                    assertTrue(drive.answer(askedAgain(drive, start), osrmAnswer()))
                    val road = drive.map()
                    assertEquals(RouteKind.ROAD, road.kind)
                    assertEquals(2, road.version)
                    assertEquals(leads, road.stops.mapNotNull { it.lead })
                    driveIt(drive, leads, start.plusSeconds(200))
                }
            }
        }

    /** Fixes a minute later, so that the session asks once more. */
    private suspend fun askedAgain(
        drive: Drive,
        start: Instant,
    ): Int =
        (1..3).firstNotNullOf { minute ->
            val fix = Fix(HELSINKI[0], start.plusSeconds(61L * minute), accuracyM = 5.0)
            (drive.update(fix).advice as? RouteAdvice.AskForRoute)?.request
        }

    private suspend fun driveIt(
        drive: Drive,
        leads: List<LeadId>,
        start: Instant,
    ) {
        val events = driveAlong(drive, stepM = 12.0, secondsAStep = 1, start)
        assertEquals(leads, visitsProposed(events))
        assertTrue(events.any { it is RouteEvent.Speak && it.text.isNotEmpty() })
        assertTrue(events.any { it is RouteEvent.Completed })
        val trip = drive.trip()
        assertTrue(trip.drivenM > 1_000)
        assertEquals(0, trip.deviations)
        assertEquals(RoutePhase.COMPLETE, drive.phase())
    }

    @Test
    fun `a drive is halted, stops are skipped, and it ends`() =
        runBlocking {
            withPhone { phone ->
                val leads = planHelsinki(phone, date)
                val drive = phone.follow(date, HELSINKI[0])
                val start = Instant.now()
                drive.update(Fix(HELSINKI[0], start, accuracyM = 5.0), courseDeg = 180.0)
                drive.pause()
                assertEquals(RoutePhase.PAUSED, drive.phase())
                drive.resume()
                val joined = drive.update(Fix(HELSINKI[0], start.plusSeconds(1), accuracyM = 5.0))
                assertEquals(leads[0], joined.progress?.nextLead)
                drive.skipStop()
                assertEquals(listOf(leads[1]), drive.routeQuery()!!.places.mapNotNull { it.lead })
                drive.advance()
                assertEquals(emptyList(), drive.lastUpdate()?.events)
                assertEquals(1, drive.alternatives().size)
                val added = drive.addAlternatives(osrmAnswer())
                assertEquals(added + 1, drive.alternatives().size)
                assertEquals(0, drive.addAlternatives(osrmAnswer()), "it is known")
                assertFailsWith<FieldfareException.Invalid> { drive.addAlternatives("no".toByteArray()) }
                assertFailsWith<FieldfareException.NotFound> { drive.useAlternative(9) }
                assertFailsWith<FieldfareException.Invalid> { drive.useAlternative(-1) }
                drive.useAlternative(1)
                assertEquals(2, drive.map().version)
                drive.answerFailed(1)
                assertNotNull(drive.end().endedAt)
                assertEquals(RoutePhase.COMPLETE, drive.phase())
                drive.close()
                drive.close()
                assertFailsWith<FieldfareException.Closed> { drive.phase() }
            }
        }

    @Test
    fun `a drive outlives the process only with consent`() =
        runBlocking {
            val dir = temporaryDirectory()
            val vault = MemoryVault()
            val age = Duration.ofHours(1)
            val leads =
                Fieldfare.open(offline(dir), vault, EnrolsOnly()).use { phone ->
                    phone.enrol("CODE", "Phone")
                    val leads = planHelsinki(phone, date)
                    val drive = phone.follow(date, HELSINKI[0])
                    val refused = assertFailsWith<FieldfareException.ConsentRequired> { drive.record() }
                    assertEquals(Purpose.NAVIGATION, refused.purpose)
                    assertFailsWith<FieldfareException.ConsentRequired> { phone.fetchRoute(drive, 0) }
                    phone.grant(Purpose.NAVIGATION, "2026-11", "en")
                    drive.record()
                    drive.update(Fix(HELSINKI[0], Instant.now(), accuracyM = 5.0))
                    assertFailsWith<FieldfareException.Offline> { phone.fetchRoute(drive, 0) }
                    assertFailsWith<FieldfareException.Invalid> { phone.fetchRoute(drive, -1) }
                    assertFalse(drive.takeRecording()!!.isEmpty())
                    leads
                }
            Fieldfare.open(offline(dir), vault, EnrolsOnly()).use { phone ->
                val resumed = assertNotNull(phone.resumeFollowing(age))
                assertEquals(leads, resumed.map().stops.mapNotNull { it.lead })
                phone.withdraw(Purpose.NAVIGATION)
            }
            Fieldfare.open(offline(dir), vault, EnrolsOnly()).use { assertNull(it.resumeFollowing(age)) }
            deleteAll(dir)
        }
}
