package dev.fieldfare.demo.desktop

import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.test.assertIsEnabled
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.assertIsOff
import androidx.compose.ui.test.assertIsOn
import androidx.compose.ui.test.click
import androidx.compose.ui.test.hasContentDescription
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.isOff
import androidx.compose.ui.test.isOn
import androidx.compose.ui.test.junit4.createComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performScrollToIndex
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import dev.fieldfare.LatLng
import dev.fieldfare.LeadEdit
import dev.fieldfare.LeadFilter
import dev.fieldfare.NearbyQuery
import dev.fieldfare.Purpose
import dev.fieldfare.VisitOutcome
import dev.fieldfare.demo.DemoApp
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.AfterClass
import org.junit.Before
import org.junit.BeforeClass
import org.junit.Rule
import org.junit.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Clicks through every screen, on the real engine and a real server. */
class ScreensTest {
    @get:Rule
    val rule = createComposeRule()

    private lateinit var app: DemoApp

    @Before
    fun open() {
        app = stage.app()
        runBlocking { stage.walk.take(CORNER) }
    }

    @After
    fun backToQuiet() {
        app.close()
    }

    @Test
    fun `leads near me are listed, filtered, searched and opened`() {
        rule.show(app)
        rule.await(hasTestTag("lead"))
        rule.await(hasText("leads within 1.0 km", substring = true))
        rule.click("radius")
        rule.await(hasText("leads within 2.0 km", substring = true))
        rule.click("radius")
        rule.await(hasText("within 250 m", substring = true))
        val near = runBlocking { stage.phone.nearby(CORNER.position, NearbyQuery(radiusM = 250.0)).total }
        assertEquals(near, app.nearMe.state.value.total)

        rule.click("status Customer")
        rule.awaitThat("only customers are left") {
            app.nearMe.state.value.rows
                .all { it.status == dev.fieldfare.LeadStatus.CUSTOMER }
        }
        rule.click("status Customer")
        rule.tag("search").performTextInput("aldrich")
        rule.await(hasText("found", substring = true))
        rule.awaitThat("all are Aldriches") {
            app.nearMe.state.value.rows
                .run { isNotEmpty() && all { it.name.startsWith("Aldrich") } }
        }
        rule.click("lead")
        rule.await(hasText("Record a visit"))
        rule.click("close")
        rule.onNodeWithContentDescription("Clear the search").performClick()
        rule.await(hasText("within 250 m", substring = true))
    }

    @Test
    fun `the map is moved, zoomed, tapped and comes back`() {
        rule.show(app, isDark = true)
        rule.await(hasContentDescription("Map with", substring = true))
        rule.awaitThat("pins are there") {
            app.nearMe.state.value.pins
                .isNotEmpty()
        }
        rule.tag("map").performTouchInput {
            down(center)
            repeat(8) { moveBy(Offset(12f, 9f)) }
            up()
        }
        rule.click("recentre")
        rule.awaitGone(hasTestTag("recentre"))
        // A lead right where the rep stands is in the middle of the map.
        val lead =
            runBlocking {
                stage.phone
                    .nearby(CORNER.position, NearbyQuery(limit = 1))
                    .leads
                    .single()
                    .lead
            }
        runBlocking { stage.walk.take(Step(lead.geocode.position!!, 0.0)) }
        // Several leads take more than one tap: each goes nearer.
        for (tap in 1..8) {
            rule.waitForIdle()
            if (app.nearMe.state.value.selected != null) break
            rule.tag("map").performTouchInput { click(center + Offset(0f, LOWER_PX)) }
        }
        rule.awaitThat("a lead is chosen") { app.nearMe.state.value.selected != null }
    }

    @Test
    fun `an alert comes, leads to the lead and goes`() {
        runBlocking { stage.phone.grant(Purpose.PROXIMITY_ALERTS, "t", "en") }
        rule.show(app)
        rule.await(hasTestTag("map"))
        val leads = runBlocking { stage.phone.allLeads(LeadFilter()).toList() }
        // No lead was alerted before in this corner of the town.
        val lead = leads.first { it.address.street?.endsWith("Flynn Avenue") == true }
        runBlocking { stage.walk.take(Step(lead.geocode.position!!, 0.0)) }
        rule.await(hasTestTag("alert"))
        rule.clickText("Look")
        rule.await(hasText("Record a visit"))
        rule.click("close")
        rule.onNodeWithContentDescription("Dismiss the alert").performClick()
        rule.awaitGone(hasTestTag("alert"))
    }

    @Test
    fun `a lead is edited and the change waits until it is sent`() {
        rule.show(app)
        rule.click("lead")
        rule.click("edit")
        rule.tag("edit phone").performTextReplacement("+1 802 555 7777")
        rule.tag("edit notes").performTextReplacement("Ask for the manager")
        rule.click("save edit")
        rule.await(hasText("Not sent yet"))
        rule.await(hasText("Ask for the manager"))
        rule.click("close")
        rule.click("tab Sync")
        rule.await(hasText("Phone: +1 802 555", substring = true))
        rule.await(hasText("→ +1 802 555 7777", substring = true))
        rule.click("sync now")
        rule.await(hasText("Nothing waits to be sent"))
        rule.await(hasText("Up to date"))
    }

    @Test
    fun `a visit is recorded`() {
        rule.show(app)
        rule.click("lead")
        rule.click("visit")
        rule.await(hasTestTag("save visit"))
        rule.tag("save visit").assertIsNotEnabled()
        rule.clickText("Order")
        rule.tag("note").performTextInput("ten loaves")
        rule.clickText("In a week")
        rule.tag("save visit").assertIsEnabled()
        rule.click("save visit")
        rule.await(hasTestTag("tab Sync"))
        val visit = runBlocking { stage.phone.visits().first() }
        assertEquals(VisitOutcome.ORDER, visit.outcome)
        assertEquals("ten loaves", visit.note)
        assertTrue(visit.followUpAt != null)
        app.openLead(visit.lead)
        rule.await(hasText("ten loaves"))
    }

    @Test
    fun `consent is given and withdrawn, and shown in the ledger`() {
        rule.show(app)
        rule.click("tab Privacy")
        val switch = "consent ${Purpose.LIVE_TRACKING}"
        rule.await(hasTestTag(switch))
        rule.tag(switch).performScrollTo().assertIsOff()
        rule.tag(switch).performClick()
        rule.await(hasTestTag(switch) and isOn())
        assertTrue(isGranted(Purpose.LIVE_TRACKING))
        rule.tag(switch).assertIsOn()
        rule.tag(switch).performClick()
        rule.await(hasTestTag(switch) and isOff())
        assertTrue(!isGranted(Purpose.LIVE_TRACKING))
        rule.await(hasText("Withdrew: My position for the office"))
        rule.tag("export").performScrollTo().performClick()
        rule.await(hasTestTag("exported"))
        rule.click("close export")
        rule.awaitGone(hasTestTag("exported"))
    }

    @Test
    fun `a refused change is shown and put away`() {
        rule.show(app)
        rule.click("tab Sync")
        val doomed =
            runBlocking {
                stage.phone
                    .allLeads(LeadFilter())
                    .toList()
                    .first { it.crmId != null }
            }
        runBlocking { stage.phone.editLead(doomed.id, LeadEdit.Notes("will be gone")) }
        rule.awaitThat("it waits") {
            app.sync.state.value.pending
                .any { it.title == doomed.name }
        }
        rule.tag("sync").performScrollToNode(hasText(doomed.name))
        runBlocking { stage.deleteChangedInOffice() }
        rule.tag("sync").performScrollToIndex(0)
        rule.click("sync now")
        rule.await(hasTestTag("refused"))
        rule.await(hasText("The lead was deleted in the office."))
        rule.clickText("Put away")
        rule.awaitGone(hasTestTag("refused"))
    }

    @Test
    fun `without a connection it says so, and works again with one`() {
        rule.show(app)
        rule.click("tab Sync")
        stage.world.stopServer()
        rule.click("sync now")
        rule.await(hasText("Not synced"))
        rule.await(hasText("No connection.", substring = true))
        stage.world.startServer()
        rule.click("sync now")
        rule.await(hasText("Up to date"))
    }

    private fun isGranted(purpose: Purpose): Boolean =
        runBlocking {
            stage.phone
                .consentState()
                .purposes
                .single { it.purpose == purpose }
                .isGranted
        }

    internal companion object {
        val CORNER = Step(LatLng(44.4767, -73.2126), 90.0)
        lateinit var stage: Stage

        @BeforeClass
        @JvmStatic
        fun begin() {
            stage = runBlocking { Stage.open().also { it.settle(consents = emptyList()) } }
        }

        @AfterClass
        @JvmStatic
        fun end() = stage.close()
    }
}

/** The middle of the map lies lower than that of its place, as the search covers the top. */
private const val LOWER_PX = 56f
