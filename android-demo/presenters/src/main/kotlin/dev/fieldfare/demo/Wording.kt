package dev.fieldfare.demo

import dev.fieldfare.Address
import dev.fieldfare.FieldValue
import dev.fieldfare.FieldfareException
import dev.fieldfare.LeadStatus
import dev.fieldfare.Purpose
import dev.fieldfare.VisitOutcome
import java.time.Duration
import java.time.Instant
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.util.Locale
import kotlin.math.roundToInt

private val CLOCK = DateTimeFormatter.ofPattern("HH:mm", Locale.ROOT)

/** `80 m`, `1.2 km`: as precise as a walker can use. */
fun distanceText(metres: Double): String =
    when {
        metres < 100 -> "${(metres / 5).roundToInt() * 5} m"
        metres < 1_000 -> "${(metres / 10).roundToInt() * 10} m"
        metres < 10_000 -> "%.1f km".format(Locale.ROOT, metres / 1_000)
        else -> "${(metres / 1_000).roundToInt()} km"
    }

/** `under a minute`, `25 min`, `2 h 05`. */
fun durationText(duration: Duration): String {
    val minutes = (duration.toMillis() + 30_000) / 60_000
    return when {
        minutes < 1 -> "under a minute"
        minutes < 60 -> "$minutes min"
        else -> "%d h %02d".format(Locale.ROOT, minutes / 60, minutes % 60)
    }
}

/** `09:40`, in the rep's zone. */
fun clockText(
    at: Instant,
    zone: ZoneId,
): String = CLOCK.format(at.atZone(zone))

/** `just now`, `3 min ago`, `2 h ago`, `4 days ago`. */
fun agoText(age: Duration): String {
    val minutes = age.toMinutes()
    return when {
        minutes < 1 -> "just now"
        minutes < 60 -> "$minutes min ago"
        minutes < 48 * 60 -> "${minutes / 60} h ago"
        else -> "${minutes / (24 * 60)} days ago"
    }
}

/** `12 Main Street, Burlington`; empty if nothing is known. */
fun addressText(address: Address): String =
    listOfNotNull(address.street, address.city ?: address.postalCode).joinToString(", ")

/** What a lead's status is called. */
fun statusText(status: LeadStatus): String =
    when (status) {
        LeadStatus.NEW -> "New"
        LeadStatus.OPEN -> "Open"
        LeadStatus.CONTACTED -> "Contacted"
        LeadStatus.QUALIFIED -> "Qualified"
        LeadStatus.CUSTOMER -> "Customer"
        LeadStatus.LOST -> "Lost"
        LeadStatus.DO_NOT_CONTACT -> "Do not contact"
    }

/** What came of a visit. */
fun outcomeText(outcome: VisitOutcome): String =
    when (outcome) {
        VisitOutcome.MET -> "Met"
        VisitOutcome.NO_ANSWER -> "No answer"
        VisitOutcome.FOLLOW_UP -> "Follow up"
        VisitOutcome.ORDER -> "Order"
        VisitOutcome.NOT_INTERESTED -> "Not interested"
        VisitOutcome.CLOSED -> "Closed down"
    }

/** What a use of location is called. */
fun purposeText(purpose: Purpose): String =
    when (purpose) {
        Purpose.NEAR_ME -> "Leads near me"
        Purpose.PROXIMITY_ALERTS -> "Alerts when a lead is near"
        Purpose.VISIT_CHECK_IN -> "Where a visit took place"
        Purpose.LIVE_TRACKING -> "My position for the office"
        Purpose.NAVIGATION -> "My place on the route"
    }

/** A column of the CRM as a rep would say it. */
fun columnText(column: String): String =
    column
        .removeSuffix("_s")
        .replace('_', ' ')
        .replaceFirstChar { it.uppercase(Locale.ROOT) }

/** A value of a field; a dash for none. */
fun valueText(value: FieldValue): String =
    when (value) {
        FieldValue.Empty -> "–"
        is FieldValue.Number -> value.value.toString()
        is FieldValue.Text -> value.value.ifEmpty { "–" }
        is FieldValue.Bytes -> "…"
    }

/** What to tell the rep when something does not work. Says what to do; names nobody. */
fun problemText(error: FieldfareException): String =
    when (error) {
        is FieldfareException.Offline -> "No connection. Everything is kept and goes out later."
        is FieldfareException.TryLater -> "The server is busy. It is tried again later."
        is FieldfareException.Busy -> "A sync is already running."
        is FieldfareException.Revoked -> "This phone was signed out by your company."
        is FieldfareException.Unauthorized -> "That code is not valid any more. Ask for another."
        is FieldfareException.UpgradeRequired -> "Please update the app."
        is FieldfareException.DiskFull -> "The phone has no room left."
        else -> error.explanation().replaceFirstChar { it.uppercase(Locale.ROOT) }
    }
