package dev.fieldfare.demo.android

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.Context
import android.content.Intent
import dev.fieldfare.NearbyLead
import dev.fieldfare.demo.distanceText

/** What the app says while nobody looks at it. */
object Notices {
    private const val RUNNING = "running"
    private const val ALERTS = "alerts"

    /** The id of the service's own notice. */
    const val SERVICE_ID = 1

    fun makeChannels(context: Context) {
        val manager = context.getSystemService(NotificationManager::class.java) ?: return
        val running = NotificationChannel(RUNNING, "Location in use", NotificationManager.IMPORTANCE_LOW)
        val alerts = NotificationChannel(ALERTS, "Leads near you", NotificationManager.IMPORTANCE_HIGH)
        manager.createNotificationChannels(listOf(running, alerts))
    }

    /** While the service uses the position. */
    fun running(context: Context): Notification =
        builder(context, RUNNING)
            .setContentTitle("Looking for leads near you")
            .setContentText("Your position stays on this phone unless you agreed to more.")
            .setOngoing(true)
            .build()

    /** Tells of a lead. One notice for each lead: a second replaces the first. */
    fun alert(
        context: Context,
        near: NearbyLead,
    ) {
        val notice =
            builder(context, ALERTS)
                .setContentTitle(near.lead.name)
                .setContentText("${distanceText(near.distanceM)} from here")
                .setVisibility(Notification.VISIBILITY_PRIVATE)
                .setAutoCancel(true)
                .build()
        context.getSystemService(NotificationManager::class.java)?.notify(near.lead.id, SERVICE_ID + 1, notice)
    }

    private fun builder(
        context: Context,
        channel: String,
    ): Notification.Builder {
        val open = Intent(context, MainActivity::class.java)
        return Notification
            .Builder(context, channel)
            .setSmallIcon(icon(context))
            .setContentIntent(PendingIntent.getActivity(context, 0, open, PendingIntent.FLAG_IMMUTABLE))
    }

    // By name: this room compiles without the class that the Android build makes of the resources.
    private fun icon(context: Context): Int {
        val own = context.resources.getIdentifier("ic_stat", "drawable", context.packageName)
        return if (own != 0) own else android.R.drawable.ic_menu_mylocation
    }
}
