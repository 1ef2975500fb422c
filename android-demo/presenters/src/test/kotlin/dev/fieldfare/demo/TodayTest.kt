package dev.fieldfare.demo

import dev.fieldfare.EngineConfig
import dev.fieldfare.Fieldfare
import dev.fieldfare.Fix
import dev.fieldfare.LatLng
import dev.fieldfare.LeadId
import dev.fieldfare.MemoryVault
import dev.fieldfare.waitUntil
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import java.time.Duration
import java.time.Instant
import java.time.ZoneOffset
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.io.path.createTempDirectory
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The presenter of the day by itself, with plans that do as they are told. */
class TodayTest {
    @Test
    fun `a day is planned only from a known place, then followed to its end`() =
        onPhone { presenter, plans, intake ->
            presenter.plan()
            waitUntil("it says why not") { presenter.state.value.problem != null }
            intake.take(Fix(LatLng(44.0, -73.0), Instant.now(), 5.0))
            waitUntil("the place is known") { presenter.state.value.here != null }
            presenter.plan()
            waitUntil("it is planned") { presenter.state.value.isPlanned }
            val state = presenter.state.value
            assertEquals(listOf(1, 2), state.stops.map { it.number })
            assertEquals("2 visits · 3.0 km · done by 10:00", state.summary)
            assertEquals("08:30", state.stops.first().arrival)

            presenter.follow()
            waitUntil("it is followed") {
                presenter.state.value.follow
                    ?.distance == "250 m"
            }
            assertEquals(
                "a",
                presenter.state.value.follow
                    ?.stop
                    ?.lead,
            )
            plans.says = plans.says.copy(arrivedAt = "a")
            intake.take(Fix(LatLng(44.1, -73.0), Instant.now(), 5.0))
            waitUntil("it arrives") {
                presenter.state.value.follow
                    ?.arrived
                    ?.lead == "a"
            }
            plans.says = plans.says.copy(arrivedAt = null, nextStop = "b", offRouteM = 80.0)
            intake.take(Fix(LatLng(44.2, -73.0), Instant.now(), 5.0))
            waitUntil("it goes on") {
                presenter.state.value.follow
                    ?.stop
                    ?.lead == "b"
            }
            assertNull(
                presenter.state.value.follow
                    ?.arrived,
            )
            assertEquals(
                "80 m off the route",
                presenter.state.value.follow
                    ?.warning,
            )
            presenter.stopFollowing()
            assertNull(presenter.state.value.follow)
            waitUntil("it is ended") { plans.isEnded }
        }

    @Test
    fun `stops are taken out and leads fitted in`() =
        onPhone { presenter, plans, _ ->
            plans.plan(LatLng(44.0, -73.0))
            waitUntil("it is planned") { presenter.state.value.isPlanned }
            presenter.findOnTheWay()
            waitUntil("one fits") { presenter.state.value.onTheWay.size == 1 }
            presenter.add("c")
            waitUntil("it is fitted in") { plans.asked.contains("added c") }
            waitUntil("the offer is gone") {
                presenter.state.value.onTheWay
                    .isEmpty()
            }
            presenter.cancel("a")
            waitUntil("it is taken out") { plans.asked.contains("cancelled a") }
        }

    @Test
    fun `it is at work until all that was asked for is done`() =
        onPhone { presenter, plans, _ ->
            val turns = Channel<Unit>()
            plans.turns = turns
            presenter.cancel("a")
            presenter.cancel("b")
            waitUntil("both are asked for") { plans.asked.size == 2 }
            turns.send(Unit)
            waitUntil("one is done") { presenter.state.value.underWay == 1 }
            assertTrue(presenter.state.value.isWorking)
            turns.send(Unit)
            waitUntil("both are done") { !presenter.state.value.isWorking }
        }

    private fun onPhone(test: suspend (TodayPresenter, ToldPlans, FixIntake) -> Unit) =
        runBlocking {
            val folder = createTempDirectory("fieldfare-today-").toFile()
            val scope = CoroutineScope(Dispatchers.Default)
            val config = EngineConfig(dir = "$folder/phone", serverUrl = "https://sync.example.com")
            Fieldfare.open(config, MemoryVault()).use { phone ->
                val plans = ToldPlans()
                val intake = FixIntake(phone)
                val presenter = TodayPresenter(plans, intake, scope, ZoneOffset.UTC).also { it.start() }
                test(presenter, plans, intake)
                scope.cancel()
            }
            folder.deleteRecursively()
            Unit
        }
}

private class ToldPlans : DayPlans {
    private val day = MutableStateFlow<PlannedDay?>(null)
    val asked = CopyOnWriteArrayList<String>()

    /** Planning anew waits for one of these, if there are any. */
    @Volatile
    var turns: Channel<Unit>? = null

    @Volatile
    var isEnded = false

    @Volatile
    var says =
        FollowUpdate(
            nextStop = "a",
            toStopM = 250.0,
            eta = Instant.EPOCH,
            leftM = 3_000.0,
            stopsLeft = 2,
            instruction = null,
            offRouteM = null,
            arrivedAt = null,
            isOver = false,
        )

    override fun today() = day

    override suspend fun plan(from: LatLng) {
        day.value =
            PlannedDay(
                stops = listOf(stop("a", 30), stop("b", 60)),
                visited = 0,
                leftOut = emptyList(),
                line = listOf(from, LatLng(44.1, -73.0), from),
                drivingM = 3_000.0,
                over = Instant.parse("2026-11-25T10:00:00Z"),
                note = "",
            )
    }

    override suspend fun replan(
        here: LatLng?,
        cancelled: LeadId?,
        added: LeadId?,
    ) {
        asked += listOfNotNull(cancelled?.let { "cancelled $it" }, added?.let { "added $it" })
        turns?.receive()
    }

    override suspend fun onTheWay(here: LatLng?) = listOf(OnTheWay("c", "C", "", Duration.ofMinutes(4)))

    override suspend fun follow(here: LatLng?): Follow =
        object : Follow {
            override val isByRoad = true
            override val line = emptyList<LatLng>()

            override suspend fun update(
                fix: Fix,
                courseDeg: Double?,
            ): FollowUpdate = says

            override suspend fun skip() = Unit

            override suspend fun end() {
                isEnded = true
            }
        }

    private fun stop(
        lead: LeadId,
        minutes: Long,
    ): PlannedStop {
        val arrival = Instant.parse("2026-11-25T08:00:00Z").plusSeconds(minutes * 60)
        return PlannedStop(lead, lead, "", LatLng(44.1, -73.0), arrival, Duration.ofMinutes(5), 900.0)
    }
}
