package dev.fieldfare

import java.nio.file.Path
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneId
import kotlin.io.path.readBytes
import kotlin.math.PI
import kotlin.math.ceil
import kotlin.math.cos
import kotlin.math.hypot
import kotlin.math.max

/** Every day from eight to six, from the middle of Boston. */
val WORK_HOURS =
    WorkHours(hours = "Mo-Su 08:00-18:00", timeZone = "America/New_York", start = HERE)

/** Tomorrow where the rep works, so that nothing of the day is over yet. */
fun tomorrow(): LocalDate = LocalDate.now(ZoneId.of("America/New_York")).plusDays(1)

/** Leads a kilometre apart, with hours that suit everybody. */
suspend fun someLeads(
    phone: Fieldfare,
    count: Int,
): List<LeadId> = (1..count).map { phone.addLead(leadAt("Lead $it", lat = HERE.lat + it * 0.009)).id }

/** Where a drive through Helsinki begins, its two stops and its end. */
val HELSINKI =
    listOf(
        LatLng(60.178566, 24.945248),
        LatLng(60.167712, 24.945099),
        LatLng(60.165474, 24.942325),
        LatLng(60.176248, 24.944988),
    )

/** A day through Helsinki's two stops in their order; the leads. */
suspend fun planHelsinki(
    phone: Fieldfare,
    date: LocalDate,
): List<LeadId> {
    val first = phone.addLead(NewLead(name = "First", position = HELSINKI[1])).id
    val second = phone.addLead(NewLead(name = "Second", position = HELSINKI[2])).id
    val work = WORK_HOURS.copy(start = HELSINKI[0], end = HELSINKI[3])
    val wishes = listOf(StopWish(first), StopWish(second))
    phone.planDay(PlanDay(date, work = work, wishes = wishes, addsDueLeads = false))
    phone.replanDay(date, DayUpdate(events = listOf(DayEvent.Committed(first), DayEvent.Committed(second))))
    return listOf(first, second)
}

/** What a real OSRM answered for that drive. */
fun osrmAnswer(): ByteArray = Path.of("../../core/navigator/tests/fixtures/helsinki_osrm.json").readBytes()

/** Metres, near enough over short ways. */
fun roughM(
    a: LatLng,
    b: LatLng,
): Double = hypot((a.lat - b.lat) * DEGREE_M, (a.lon - b.lon) * DEGREE_M * cos(a.lat * PI / 180))

/** Places along a line, a step apart. */
fun along(
    line: List<LatLng>,
    stepM: Double,
): List<LatLng> =
    line.zipWithNext().flatMap { (a, b) ->
        val steps = max(1, ceil(roughM(a, b) / stepM).toInt())
        (0 until steps).map { n ->
            val part = n.toDouble() / steps
            LatLng(a.lat + (b.lat - a.lat) * part, a.lon + (b.lon - a.lon) * part)
        }
    } + line.takeLast(1)

/** Drives the whole route and stays at each stop for two and a half minutes. What happened. */
suspend fun driveAlong(
    drive: Drive,
    stepM: Double,
    secondsAStep: Long,
    start: Instant,
): List<RouteEvent> {
    val map = drive.map()
    val stops = map.stops.filter { it.lead != null }
    val events = mutableListOf<RouteEvent>()
    var at = start

    suspend fun fix(
        place: LatLng,
        seconds: Long,
    ) {
        at = at.plusSeconds(seconds)
        events += drive.update(Fix(place, at, accuracyM = 5.0)).events
    }
    for (place in along(map.points, stepM)) {
        fix(place, secondsAStep)
        val stop = stops.find { roughM(it.position, place) < 15 }
        if (stop != null && stop.lead !in visitsProposed(events)) {
            repeat(10) { fix(stop.position, 15) }
        }
    }
    return events
}

/** The leads at whose stops a visit was proposed. */
fun visitsProposed(events: List<RouteEvent>): List<LeadId> =
    events.filterIsInstance<RouteEvent.VisitProposed>().mapNotNull { it.stay.lead }

private const val DEGREE_M = 111_195.0
