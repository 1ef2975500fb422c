package dev.fieldfare.demo.desktop

import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.createComposeRule
import kotlinx.coroutines.runBlocking
import org.junit.Rule
import org.junit.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Today's route, planned and followed by the real engine. */
class TodayTest {
    @get:Rule
    val rule = createComposeRule()

    @Test
    fun `the day is planned, changed, followed to a stop and ended`() =
        runBlocking { Stage.open().also { it.settle() } }.use { stage ->
            runBlocking { stage.walk.take(Step(TOWN_WALK.first(), 90.0)) }
            val app = stage.app()
            rule.show(app)
            rule.click("tab Today")
            rule.await(hasText("No route for today yet"))
            rule.awaitThat("the place is known") { app.today.state.value.here != null }
            rule.click("plan")
            rule.await(hasTestTag("stop"))
            val planned = app.today.state.value.stops
            assertTrue(planned.size >= 5, "only ${planned.size} stops")
            assertEquals(List(planned.size) { it + 1 }, planned.map { it.number })

            val gone = planned[1]
            rule.clickDescribed("Not today: ${gone.name}")
            rule.awaitThat("it is taken out") {
                app.today.state.value.stops
                    .none { it.lead == gone.lead }
            }
            rule.click("replan")
            rule.awaitThat("it stays out") {
                app.today.state.value.run {
                    !isWorking &&
                        stops.none { it.lead == gone.lead }
                }
            }

            rule.click("follow")
            rule.await(hasTestTag("guidance"))
            val first =
                app.today.state.value.stops
                    .first()
            val way = listOf(TOWN_WALK.first(), first.position)
            runBlocking { stepsAlong(way, 15.0).forEach { stage.walk.take(it) } }
            rule.await(hasText(first.name))
            runBlocking { repeat(6) { stage.walk.take(Step(first.position, 0.0)) } }
            rule.await(hasTestTag("arrived"))
            rule.clickText("Record visit")
            rule.clickText("Met")
            rule.click("save visit")
            rule.awaitThat("it counts") { app.today.state.value.visited == 1 }
            rule.click("end")
            rule.await(hasTestTag("summary"))
            assertTrue(
                app.today.state.value.stops
                    .none { it.lead == first.lead },
            )
        }
}
