package dev.fieldfare.demo.android

import android.Manifest
import android.app.Service
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.content.pm.ServiceInfo
import android.location.Location
import android.location.LocationListener
import android.location.LocationManager
import android.os.Build
import android.os.IBinder
import android.os.Looper
import android.os.PowerManager
import android.os.SystemClock
import dev.fieldfare.FieldfareException
import dev.fieldfare.Fix
import dev.fieldfare.FixContext
import dev.fieldfare.FixOutcome
import dev.fieldfare.LatLng
import dev.fieldfare.NextFix
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import java.time.Duration
import java.time.Instant

/**
 * Takes fixes from the platform's own LocationManager while the rep is out, with the notice Android asks for. Each fix
 * goes to the engine, which says when it wants the next one and how good it must be; that is all the sampling there is
 * here.
 */
class LocationService : Service() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val incoming = Channel<Location>(Channel.UNLIMITED)
    private val listener = LocationListener { incoming.trySend(it) }
    private val manager: LocationManager by lazy { getSystemService(LocationManager::class.java)!! }
    private val motion by lazy { Motion(this) { wokenByMotion() } }

    @Volatile
    private var asked: Request? = null

    @Volatile
    private var isWokenByMotion = false

    override fun onCreate() {
        super.onCreate()
        scope.launch { for (location in incoming) take(location) }
    }

    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(
        intent: Intent?,
        flags: Int,
        startId: Int,
    ): Int {
        if (!mayLocate(this)) {
            stopSelf()
            return START_NOT_STICKY
        }
        showNotice()
        ask(FIRST)
        return START_STICKY
    }

    override fun onDestroy() {
        manager.removeUpdates(listener)
        motion.cancel()
        scope.cancel()
        super.onDestroy()
    }

    private fun showNotice() {
        val notice = Notices.running(this)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
            startForeground(Notices.SERVICE_ID, notice, ServiceInfo.FOREGROUND_SERVICE_TYPE_LOCATION)
        } else {
            startForeground(Notices.SERVICE_ID, notice)
        }
    }

    private suspend fun take(location: Location) {
        try {
            val core = (application as PhoneApplication).core()
            val context = FixContext(batterySaver = isSavingPower(), wokenByMotion = isWokenByMotion)
            isWokenByMotion = false
            val outcome = core.intake.take(fixOf(location), courseOf(location), context)
            outcome.alerts.forEach { Notices.alert(this, it) }
            outcome.fences?.let { Rearm.watch(this, it) }
            follow(outcome)
        } catch (_: FieldfareException) {
            // The engine is not there, or cannot take this fix; the next one comes by itself.
        }
    }

    private fun follow(outcome: FixOutcome) {
        // A screen that is shown moves with the rep, whatever was agreed to.
        if (isShown) return ask(FIRST)
        when (val next = outcome.next) {
            is NextFix.Stop -> {
                stopSelf()
            }

            is NextFix.After -> {
                ask(Request(next.delay, next.accuracyM))
            }

            is NextFix.OnMotion -> {
                ask(Request(next.atLatest, next.accuracyM))
                motion.await()
            }
        }
    }

    private fun wokenByMotion() {
        isWokenByMotion = true
        ask(FIRST)
    }

    private fun ask(request: Request) {
        if (request == asked) return
        asked = request
        manager.removeUpdates(listener)
        for (provider in providers(request)) {
            manager.requestLocationUpdates(provider, request.interval.toMillis(), 0f, listener, Looper.getMainLooper())
        }
    }

    /** The satellites for a good fix; the network's own guess where that is enough. */
    private fun providers(request: Request): List<String> {
        val wanted = if (request.accuracyM < COARSE_M) GOOD else COARSE
        val there = manager.allProviders
        return listOfNotNull(wanted.firstOrNull { it in there } ?: there.firstOrNull())
    }

    private fun isSavingPower(): Boolean = getSystemService(PowerManager::class.java)?.isPowerSaveMode == true

    private data class Request(
        val interval: Duration,
        val accuracyM: Double,
    )

    companion object {
        private val FIRST = Request(Duration.ofSeconds(5), 20.0)
        private const val COARSE_M = 100.0
        private val GOOD = listOf(LocationManager.GPS_PROVIDER, "fused", LocationManager.NETWORK_PROVIDER)
        private val COARSE = listOf("fused", LocationManager.NETWORK_PROVIDER, LocationManager.GPS_PROVIDER)

        /** Whether a screen of the app is shown, which needs the position whatever was agreed to. */
        @Volatile
        var isShown = false

        /** Begins, if the rep allowed it. */
        fun start(context: Context) {
            if (mayLocate(context)) {
                context.startForegroundService(Intent(context, LocationService::class.java))
            }
        }

        /** Whether Android's own permission is there. */
        fun mayLocate(context: Context): Boolean =
            context.checkSelfPermission(Manifest.permission.ACCESS_FINE_LOCATION) == PackageManager.PERMISSION_GRANTED

        /** Whether it is there also while the app is closed. */
        fun mayLocateAlways(context: Context): Boolean =
            mayLocate(context) &&
                (
                    Build.VERSION.SDK_INT < Build.VERSION_CODES.Q ||
                        context.checkSelfPermission(Manifest.permission.ACCESS_BACKGROUND_LOCATION) ==
                        PackageManager.PERMISSION_GRANTED
                )

        /** A fix as the engine takes it. Its time is when it was taken, not when it came. */
        fun fixOf(location: Location): Fix {
            val age = Duration.ofNanos(SystemClock.elapsedRealtimeNanos() - location.elapsedRealtimeNanos)
            val at = Instant.now().minus(age.coerceAtLeast(Duration.ZERO))
            return Fix(
                position = LatLng(location.latitude, location.longitude),
                at = at,
                accuracyM = if (location.hasAccuracy()) location.accuracy.toDouble() else UNKNOWN_M,
                speedMps = if (location.hasSpeed()) location.speed.toDouble() else null,
            )
        }

        private fun courseOf(location: Location): Double? =
            if (location.hasBearing()) location.bearing.toDouble() else null

        private const val UNKNOWN_M = 1_000.0
    }
}
