package dev.fieldfare.demo.android

import android.Manifest
import android.location.Location
import android.location.LocationManager
import android.os.Looper
import android.os.SystemClock
import dev.fieldfare.EngineConfig
import dev.fieldfare.Fieldfare
import dev.fieldfare.HttpClient
import dev.fieldfare.HttpResponse
import dev.fieldfare.Lead
import dev.fieldfare.NewLead
import dev.fieldfare.Purpose
import dev.fieldfare.TransportException
import kotlinx.coroutines.runBlocking
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import java.io.File
import kotlin.io.path.createTempDirectory

/** The app with a folder of its own and a server that knows only how to enrol. The engine is the real one. */
class TestPhone : PhoneApplication() {
    private val folder = createTempDirectory("fieldfare-android-").toFile()

    override fun onCreate() {
        AndroidKeyStoreProvider.install()
        super.onCreate()
    }

    override fun onTerminate() {
        runBlocking { core().phone.close() }
        folder.deleteRecursively()
        super.onTerminate()
    }

    override fun config() = EngineConfig(dir = File(folder, "phone").path, serverUrl = "https://sync.example.com")

    override fun httpClient() =
        HttpClient { request ->
            if (!request.url.endsWith("/v1/enrol")) throw TransportException.Offline()
            HttpResponse(200, emptyList(), ENROLLED.toByteArray())
        }

    private companion object {
        const val ENROLLED =
            """{"tenant": "0190a000-0000-7000-8000-000000000001",
                "device": "0190a000-0000-7000-8000-000000000002",
                "rep": {"id": "0190a000-0000-7000-8000-000000000003", "name": "Robin"},
                "refresh_token": "r", "access_token": "a", "expires_in": 900}"""
    }
}

internal val application: TestPhone get() = RuntimeEnvironment.getApplication() as TestPhone

internal val HERE = dev.fieldfare.LatLng(44.4767, -73.2126)

/** An enrolled phone with one lead, right here, of which the rep wants to be told. */
internal fun phoneWithLead(): Pair<Fieldfare, Lead> =
    runBlocking {
        val phone = application.core().phone
        phone.enrol("CODE", "Phone")
        phone.grant(Purpose.PROXIMITY_ALERTS, "1", "en")
        phone to phone.addLead(NewLead(name = "Lavoie Books", position = HERE))
    }

internal fun allowLocation(always: Boolean) {
    val shadow = shadowOf(application)
    shadow.grantPermissions(Manifest.permission.ACCESS_FINE_LOCATION)
    if (always) shadow.grantPermissions(Manifest.permission.ACCESS_BACKGROUND_LOCATION)
}

internal fun location(): Location =
    Location(LocationManager.GPS_PROVIDER).apply {
        latitude = HERE.lat
        longitude = HERE.lon
        accuracy = 6f
        time = System.currentTimeMillis()
        elapsedRealtimeNanos = SystemClock.elapsedRealtimeNanos()
    }

/** Lets Android's main thread work until something has come about. */
internal fun awaitThat(
    what: String,
    check: () -> Boolean,
) {
    val end = System.nanoTime() + 60_000_000_000
    while (!check()) {
        check(System.nanoTime() < end) { "waited in vain: $what" }
        shadowOf(Looper.getMainLooper()).idle()
        Thread.sleep(10)
    }
}
