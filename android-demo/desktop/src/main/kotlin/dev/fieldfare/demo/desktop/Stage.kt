package dev.fieldfare.demo.desktop

import dev.fieldfare.EngineConfig
import dev.fieldfare.Fieldfare
import dev.fieldfare.FieldfareException
import dev.fieldfare.MemoryVault
import dev.fieldfare.Purpose
import dev.fieldfare.World
import dev.fieldfare.demo.ConsentPresenter
import dev.fieldfare.demo.DemoApp
import dev.fieldfare.demo.EngineDayPlans
import dev.fieldfare.demo.FixIntake
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import java.io.File
import java.time.InstantSource
import java.time.ZoneId
import kotlin.io.path.createTempDirectory

/** A real server, a CRM and a phone of the rep Ada, all on this machine. */
class Stage private constructor(
    val world: World,
    val phone: Fieldfare,
    private val folder: File,
) : AutoCloseable {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    val intake = FixIntake(phone)
    private val clock = InstantSource.system()
    val walk = Walk(intake, clock)

    /** The app on this phone. */
    fun app(): DemoApp =
        DemoApp(phone, intake, EngineDayPlans(phone, ZONE, clock), scope, "Ada's phone", clock, ZONE).also {
            it.start()
        }

    /** The phone as it is after its first morning: enrolled, synced, with consent for alerts. */
    suspend fun settle(consents: List<Purpose> = listOf(Purpose.PROXIMITY_ALERTS)) {
        phone.enrol(world.code("Ada"), "Ada's phone")
        phone.sync()
        consents.forEach { phone.grant(it, ConsentPresenter.TEXT_VERSION, "en") }
    }

    /** What the rep changed last and did not send is deleted in the office, so that the server refuses it. */
    suspend fun deleteChangedInOffice() {
        val row = phone.pending().lastOrNull { it.entity == "lead" }?.row ?: return
        val company = phone.lead(row).crmId ?: return
        world.delete(company)
        world.catchUp()
    }

    /** Syncs; without a connection nothing happens. */
    suspend fun syncIfOnline() {
        try {
            phone.sync()
        } catch (_: FieldfareException) {
            // Shown by the app.
        }
    }

    override fun close() {
        scope.cancel()
        phone.close()
        world.close()
        folder.deleteRecursively()
    }

    companion object {
        private const val TOWN = 90

        /** The zone in which the working morning of this demo is now, so that there is a day to plan at any hour. */
        val ZONE: ZoneId = morningZone(InstantSource.system())

        /** Starts it all; some seconds. */
        suspend fun open(): Stage {
            val world = World()
            world.plantTown(TOWN)
            val folder = createTempDirectory("fieldfare-demo-").toFile()
            val config =
                EngineConfig(dir = File(folder, "phone").path, serverUrl = world.url, allowInsecureLoopback = true)
            return Stage(world, Fieldfare.open(config, MemoryVault()), folder)
        }
    }
}

private const val MORNING = 9

/** An Etc zone in which it is about nine o'clock. */
fun morningZone(clock: InstantSource): ZoneId {
    val hour = clock.instant().atZone(ZoneId.of("UTC")).hour
    val east = Math.floorMod(MORNING - hour + 11, 24) - 11
    return ZoneId.of(if (east >= 0) "Etc/GMT-$east" else "Etc/GMT+${-east}")
}
