package dev.fieldfare.demo.android

import android.app.NotificationManager
import android.content.Intent
import android.content.pm.ServiceInfo
import android.location.LocationManager
import org.junit.After
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowSystemClock
import java.time.Duration
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The service and the receivers, on the real engine. */
@RunWith(RobolectricTestRunner::class)
@Config(manifest = Config.NONE, sdk = [34], application = TestPhone::class)
class LocationServiceTest {
    private val locations = application.getSystemService(LocationManager::class.java)!!
    private val notices = application.getSystemService(NotificationManager::class.java)!!

    @After
    fun hide() {
        LocationService.isShown = false
    }

    @Test
    fun `without permission the service ends and asks for nothing`() {
        LocationService.start(application)
        assertNull(shadowOf(application).nextStartedService)
        val service = Robolectric.buildService(LocationService::class.java).create().startCommand(0, 1)
        assertTrue(shadowOf(service.get()).isStoppedBySelf)
        assertTrue(shadowOf(locations).getLegacyLocationRequests(LocationManager.GPS_PROVIDER).isEmpty())
        service.destroy()
    }

    @Test
    fun `it shows its notice, takes a fix, tells of the lead and follows the engine's wish`() {
        allowLocation(always = false)
        val (_, lead) = phoneWithLead()
        shadowOf(locations).setProviderEnabled(LocationManager.GPS_PROVIDER, true)
        val service = Robolectric.buildService(LocationService::class.java).create().startCommand(0, 1)
        val shadow = shadowOf(service.get())
        assertNotNull(shadow.lastForegroundNotification)
        assertEquals(ServiceInfo.FOREGROUND_SERVICE_TYPE_LOCATION, service.get().foregroundServiceType)
        val first = requestInterval()

        shadowOf(locations).simulateLocation(location())
        awaitThat("the lead is told of") { notices.activeNotifications.any { it.tag == lead.id } }
        val here =
            kotlinx.coroutines.runBlocking {
                application
                    .core()
                    .intake.here.value
            }
        assertEquals(HERE, here?.position)
        val notice = notices.activeNotifications.single { it.tag == lead.id }.notification
        assertEquals("Lavoie Books", shadowOf(notice).contentTitle)
        awaitThat("the engine's own interval is used") { requestInterval() != first }
        // Not allowed while the app is closed: nothing is watched for then.
        assertEquals(0, Rearm.watched(application))

        service.destroy()
        assertTrue(allRequests().isEmpty(), "it still takes fixes")
    }

    @Test
    fun `a fix nobody agreed to use ends the service, unless a screen is shown`() {
        allowLocation(always = false)
        kotlinx.coroutines.runBlocking { application.core().phone.enrol("CODE", "Phone") }
        shadowOf(locations).setProviderEnabled(LocationManager.GPS_PROVIDER, true)
        LocationService.isShown = true
        val service = Robolectric.buildService(LocationService::class.java).create().startCommand(0, 1)
        shadowOf(locations).simulateLocation(location())
        awaitThat(
            "the fix is taken",
        ) {
            kotlinx.coroutines.runBlocking {
                application
                    .core()
                    .intake.here.value
            } != null
        }
        assertTrue(!shadowOf(service.get()).isStoppedBySelf)
        LocationService.isShown = false
        awaitThat("the service ends") {
            // Android gives no fix before the interval is over.
            ShadowSystemClock.advanceBy(Duration.ofSeconds(6))
            shadowOf(locations).simulateLocation(location())
            shadowOf(service.get()).isStoppedBySelf
        }
        service.destroy()
    }

    @Test
    fun `areas are watched, coming to a lead starts the service, and a restart does too`() {
        allowLocation(always = true)
        phoneWithLead()
        shadowOf(locations).setProviderEnabled(LocationManager.GPS_PROVIDER, true)
        val service = Robolectric.buildService(LocationService::class.java).create().startCommand(0, 1)
        shadowOf(locations).simulateLocation(location())
        awaitThat("the lead's area and the large one are watched") { Rearm.watched(application) == 2 }
        service.destroy()

        startedBy(area("lead", isEntering = true), isStart = true)
        startedBy(area("lead", isEntering = false), isStart = false)
        startedBy(area("rearm", isEntering = false), isStart = true)
        startedBy(area("rearm", isEntering = true), isStart = false)

        drainStarts()
        BootReceiver().onReceive(application, Intent("something else"))
        assertNull(nextStart())
        BootReceiver().onReceive(application, Intent(Intent.ACTION_BOOT_COMPLETED))
        awaitThat("the service starts") { nextStart() != null }

        Rearm.clear(application)
        BootReceiver().onReceive(application, Intent(Intent.ACTION_BOOT_COMPLETED))
        assertNull(nextStart())
    }

    private fun startedBy(
        intent: Intent,
        isStart: Boolean,
    ) {
        drainStarts()
        RearmReceiver().onReceive(application, intent)
        assertEquals(isStart, nextStart() != null)
    }

    private fun area(
        name: String,
        isEntering: Boolean,
    ) = Intent(application, RearmReceiver::class.java)
        .putExtra("area", name)
        .putExtra(LocationManager.KEY_PROXIMITY_ENTERING, isEntering)

    private fun nextStart(): Intent? = shadowOf(application).nextStartedService

    private fun drainStarts() {
        while (nextStart() != null) continue
    }

    private fun allRequests() = locations.allProviders.flatMap { shadowOf(locations).getLegacyLocationRequests(it) }

    private fun requestInterval(): Long = allRequests().single().intervalMillis
}
