package dev.fieldfare.demo.android

import android.app.PendingIntent
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.location.LocationManager
import android.net.Uri
import android.os.Build
import dev.fieldfare.FenceArea
import dev.fieldfare.Fences

/**
 * Areas for Android to watch while the app sleeps: around each of the nearest leads, and one around all of them. Coming
 * to a lead, or leaving the large one, starts the location service again, whose next fix brings new areas.
 */
object Rearm {
    private const val STORE = "areas"
    private const val COUNT = "count"
    private const val REARM = "rearm"

    /** Watches these in place of those before. */
    fun watch(
        context: Context,
        fences: Fences,
    ) {
        if (!LocationService.mayLocateAlways(context)) return
        val manager = context.getSystemService(LocationManager::class.java) ?: return
        clear(context)
        val areas = fences.areas + fences.rearm
        areas.forEachIndexed { index, area -> watch(context, manager, index, area) }
        store(context).edit().putInt(COUNT, areas.size).apply()
    }

    private fun watch(
        context: Context,
        manager: LocationManager,
        index: Int,
        area: FenceArea,
    ) {
        val wake = intent(context, index, area.lead ?: REARM)
        manager.addProximityAlert(area.center.lat, area.center.lon, area.radiusM.toFloat(), NEVER_ENDS, wake)
    }

    /** Watches nothing any more. */
    fun clear(context: Context) {
        val manager = context.getSystemService(LocationManager::class.java) ?: return
        for (index in 0 until watched(context)) {
            manager.removeProximityAlert(intent(context, index, REARM))
        }
        store(context).edit().remove(COUNT).apply()
    }

    /** How many areas are watched. */
    fun watched(context: Context): Int = store(context).getInt(COUNT, 0)

    /** Whether what Android says of an area is a reason to wake up. */
    fun isReason(intent: Intent): Boolean {
        val isEntering = intent.getBooleanExtra(LocationManager.KEY_PROXIMITY_ENTERING, false)
        val isLead = intent.getStringExtra(AREA) != REARM
        return isEntering == isLead
    }

    private const val AREA = "area"
    private const val NEVER_ENDS = -1L

    private fun intent(
        context: Context,
        index: Int,
        area: String,
    ): PendingIntent {
        // The address tells intents apart; extras do not.
        val intent =
            Intent(
                context,
                RearmReceiver::class.java,
            ).setData(Uri.parse("fieldfare:area/$index")).putExtra(AREA, area)
        // Android writes into it whether the area was entered or left.
        val mutable = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) PendingIntent.FLAG_MUTABLE else 0
        return PendingIntent.getBroadcast(context, index, intent, PendingIntent.FLAG_UPDATE_CURRENT or mutable)
    }

    private fun store(context: Context) = context.getSharedPreferences(STORE, Context.MODE_PRIVATE)
}

/** Android saw the phone come to a lead, or leave the area around them. */
class RearmReceiver : BroadcastReceiver() {
    override fun onReceive(
        context: Context,
        intent: Intent,
    ) {
        if (Rearm.isReason(intent)) LocationService.start(context)
    }
}

/** After a restart Android watches nothing any more: areas and jobs are set up again. */
class BootReceiver : BroadcastReceiver() {
    override fun onReceive(
        context: Context,
        intent: Intent,
    ) {
        if (intent.action !in EXPECTED) return
        SyncJob.schedule(context)
        // Only with this permission may a service that uses the position start while the app is closed.
        if (LocationService.mayLocateAlways(context) && Rearm.watched(context) > 0) LocationService.start(context)
    }

    private companion object {
        val EXPECTED = setOf(Intent.ACTION_BOOT_COMPLETED, Intent.ACTION_MY_PACKAGE_REPLACED)
    }
}
