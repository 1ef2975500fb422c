package dev.fieldfare.demo.desktop

import androidx.compose.runtime.Composable
import androidx.compose.ui.ImageComposeScene
import androidx.compose.ui.unit.Density
import dev.fieldfare.LeadFilter
import dev.fieldfare.LeadOrder
import dev.fieldfare.LeadStatus
import dev.fieldfare.NearbyQuery
import dev.fieldfare.Purpose
import dev.fieldfare.VisitOutcome
import dev.fieldfare.demo.DemoApp
import dev.fieldfare.demo.FollowUp
import dev.fieldfare.demo.Tab
import dev.fieldfare.demo.ui.AppScreen
import dev.fieldfare.demo.ui.DemoTheme
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.jetbrains.skia.EncodedImageFormat
import java.io.File

/** Photographs the screens, light and dark, into the folder named by the first argument. */
fun main(args: Array<String>) {
    val folder = File(args.single()).also { it.mkdirs() }
    runBlocking {
        Stage.open().use { stage ->
            stage.settle()
            Photographer(stage, stage.app(), folder).all()
        }
    }
}

private class Photographer(
    private val stage: Stage,
    private val app: DemoApp,
    private val folder: File,
) {
    suspend fun all() {
        walkAWhile()
        nearMe()
        lead()
        visit()
        today()
        privacy()
        sync()
    }

    private suspend fun walkAWhile() {
        stepsAlong(TOWN_WALK.take(3), 25.0).forEach { stage.walk.take(it) }
        until("leads are shown") {
            app.nearMe.state.value
                .run { rows.isNotEmpty() && pins.size > 100 }
        }
    }

    private suspend fun nearMe() {
        app.nearMe.setRadius(500)
        until("the radius counts") { app.nearMe.state.value.wish.radiusM == 500 }
        shoot("near-me")
        app.nearMe.dismissAlert()
    }

    private suspend fun lead() {
        val near =
            stage.phone
                .nearby(TOWN_WALK[2], NearbyQuery(limit = 20))
                .leads
                .map { it.lead }
        val lead = near.first { it.status == LeadStatus.QUALIFIED || it.status == LeadStatus.CUSTOMER }
        app.openVisit(lead.id)
        app.visit.setOutcome(VisitOutcome.ORDER)
        app.visit.setNote("Twelve loaves a day from Monday, delivered before seven.")
        app.visit.save()
        until("it is saved") { app.visit.state.value.isSaved }
        app.openLead(lead.id)
        until("its visit is shown") {
            app.details.state.value.visits
                .isNotEmpty()
        }
        shoot("lead")
    }

    private suspend fun visit() {
        val lead =
            stage.phone
                .nearby(
                    TOWN_WALK[2],
                    NearbyQuery(limit = 5, statuses = listOf(LeadStatus.NEW)),
                ).leads
                .first()
        app.openVisit(lead.lead.id)
        app.visit.setOutcome(VisitOutcome.FOLLOW_UP)
        app.visit.setNote("Asked for the autumn list. Ms Gagnon decides.")
        app.visit.setFollowUp(FollowUp.NEXT_WEEK)
        app.visit.setStatus(LeadStatus.CONTACTED)
        until("it is named") {
            app.visit.state.value.name
                .isNotEmpty()
        }
        shoot("visit")
        app.visit.save()
        until("it is saved") { app.visit.state.value.isSaved }
        app.closeSheet()
    }

    private suspend fun today() {
        app.open(Tab.TODAY)
        app.today.plan()
        until("it is planned") { !app.today.state.value.isWorking }
        shoot("today")
        if (!app.today.state.value.isPlanned) return
        app.today.follow()
        until("it is followed") { app.today.state.value.follow != null }
        val line = app.today.state.value.line
        stepsAlong(line.take(2), 12.0).dropLast(4).forEach { stage.walk.take(it) }
        until("the way is known") {
            app.today.state.value.follow
                ?.distance
                .orEmpty()
                .isNotEmpty()
        }
        shoot("follow")
        app.today.stopFollowing()
    }

    private suspend fun privacy() {
        app.open(Tab.PRIVACY)
        app.consent.decide(Purpose.VISIT_CHECK_IN, true)
        app.consent.decide(Purpose.LIVE_TRACKING, true)
        until("it is granted") { app.consent.state.value.ledger.size == 3 }
        app.consent.decide(Purpose.LIVE_TRACKING, false)
        until("it is withdrawn") { app.consent.state.value.ledger.size == 4 }
        shoot("privacy")
    }

    /** One change refused, one merged, one still waiting. */
    private suspend fun sync() {
        val (gone, shared) = crmLeads()
        app.open(Tab.SYNC)
        app.openLead(gone)
        stage.phone.editLead(gone, dev.fieldfare.LeadEdit.Phone("+1 802 555 0199"))
        stage.deleteChangedInOffice()
        stage.phone.editLead(shared, dev.fieldfare.LeadEdit.Phone("+1 802 555 0142"))
        stage.world.edit(stage.phone.lead(shared).crmId!!, "phone", "+1 802 555 0000")
        stage.world.catchUp()
        stage.syncIfOnline()
        stage.world.stopServer()
        stage.phone.editLead(shared, dev.fieldfare.LeadEdit.Notes("Closed on Mondays"))
        app.closeSheet()
        app.sync.syncNow()
        until("it shows") {
            app.sync.state.value.run {
                refused.size == 1 && pending.isNotEmpty() &&
                    headline == "Not synced"
            }
        }
        shoot("sync")
    }

    private suspend fun crmLeads(): List<String> {
        val all = stage.phone.allLeads(LeadFilter(), LeadOrder.NAME).toList()
        return all.filter { it.crmId != null }.take(2).map { it.id }
    }

    private suspend fun shoot(name: String) {
        for (isDark in listOf(false, true)) {
            val file = File(folder, "$name-${if (isDark) "dark" else "light"}.png")
            file.writeBytes(picture { DemoTheme(isDark) { AppScreen(app) } })
            println(file)
        }
    }

    private suspend fun until(
        what: String,
        check: () -> Boolean,
    ) = dev.fieldfare.waitUntil(what) { check() }
}

private const val WIDTH = 412
private const val HEIGHT = 880
private const val SCALE = 1.5f
private const val FRAMES = 40
private const val FRAME_MS = 16L

/** A PNG of this content once it has come to rest. */
suspend fun picture(content: @Composable () -> Unit): ByteArray {
    val scene = ImageComposeScene((WIDTH * SCALE).toInt(), (HEIGHT * SCALE).toInt(), Density(SCALE), content = content)
    try {
        var image = scene.render(0)
        for (frame in 1..FRAMES) {
            delay(FRAME_MS)
            image = scene.render(frame * FRAME_MS * 1_000_000)
        }
        val data = image.encodeToData(EncodedImageFormat.PNG) ?: error("no picture was made")
        return data.bytes
    } finally {
        scene.close()
    }
}
