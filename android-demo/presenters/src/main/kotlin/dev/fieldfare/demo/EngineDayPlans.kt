package dev.fieldfare.demo

import dev.fieldfare.DayEvent
import dev.fieldfare.DayPlan
import dev.fieldfare.DayStep
import dev.fieldfare.DayStepKind
import dev.fieldfare.DayUpdate
import dev.fieldfare.Drive
import dev.fieldfare.Fieldfare
import dev.fieldfare.FieldfareException
import dev.fieldfare.Fix
import dev.fieldfare.LatLng
import dev.fieldfare.Lead
import dev.fieldfare.LeadId
import dev.fieldfare.LeftOutReason
import dev.fieldfare.NearDayQuery
import dev.fieldfare.PlanDay
import dev.fieldfare.RouteEvent
import dev.fieldfare.RouteKind
import dev.fieldfare.RouteMap
import dev.fieldfare.RoutePhase
import dev.fieldfare.RouteUpdate
import dev.fieldfare.StopWish
import dev.fieldfare.TravelNote
import dev.fieldfare.WorkHours
import kotlinx.coroutines.flow.Flow
import java.time.InstantSource
import java.time.LocalDate
import java.time.ZoneId

/** Days as the engine plans and follows them. */
class EngineDayPlans(
    private val phone: Fieldfare,
    private val zone: ZoneId,
    private val clock: InstantSource,
) : DayPlans {
    private var start: LatLng? = null

    override fun today(): Flow<PlannedDay?> =
        phone.watch {
            try {
                shown(day(date()))
            } catch (_: FieldfareException.NotFound) {
                null
            }
        }

    override suspend fun plan(from: LatLng) {
        start = from
        val work =
            WorkHours(hours = HOURS, timeZone = zone.id, start = from, visitMinutes = VISIT_MIN, candidates = CHOICE)
        phone.planDay(PlanDay(date = date(), work = work))
        // The shift may have begun: what is left of it begins here and now.
        phone.replanDay(date(), DayUpdate(position = from))
    }

    override suspend fun replan(
        here: LatLng?,
        cancelled: LeadId?,
        added: LeadId?,
    ) {
        val events =
            listOfNotNull(
                cancelled?.let { DayEvent.Cancelled(it) },
                added?.let { DayEvent.Added(StopWish(it)) },
            )
        phone.replanDay(date(), DayUpdate(position = here, events = events))
    }

    override suspend fun onTheWay(here: LatLng?): List<OnTheWay> =
        phone
            .leadsNearDay(date(), NearDayQuery(position = here, limit = FEW))
            .leads
            .map { OnTheWay(it.lead.id, it.lead.name, addressText(it.lead.address), it.detour) }

    override suspend fun follow(here: LatLng?): Follow {
        val drive = phone.follow(date(), here)
        return EngineFollow(drive, drive.map())
    }

    private fun date(): LocalDate = LocalDate.ofInstant(clock.instant(), zone)

    private suspend fun Fieldfare.shown(day: DayPlan): PlannedDay {
        val ids = day.steps.mapNotNull { it.lead } + day.leftOut.map { it.lead }
        val leads =
            ids
                .distinct()
                .chunked(PAGE)
                .flatMap { leads(it) }
                .associateBy { it.id }
        val stops = day.steps.mapNotNull { step -> leads[step.lead]?.let { stopOf(step, it) } }
        return PlannedDay(
            stops = stops,
            visited = day.visited.size,
            leftOut =
                day.leftOut.mapNotNull { out ->
                    leads[out.lead]?.let { LeftOut(it.id, it.name, reasonText(out.reason)) }
                },
            line = listOfNotNull(start) + stops.map { it.position } + listOfNotNull(start),
            drivingM = day.totals.metres.toDouble(),
            over = day.arrival,
            note = noteText(day.travel, day.isProvenBest),
        )
    }

    private companion object {
        const val HOURS = "Mo-Su 08:00-17:00"
        const val VISIT_MIN = 25
        const val CHOICE = 40
        const val FEW = 3
        const val PAGE = 200
    }
}

private fun stopOf(
    step: DayStep,
    lead: Lead,
): PlannedStop? {
    val position = lead.geocode.position ?: return null
    if (step.kind != DayStepKind.VISIT) return null
    return PlannedStop(
        lead = lead.id,
        name = lead.name,
        address = addressText(lead.address),
        position = position,
        arrival = step.arrival,
        way = step.travel,
        wayM = step.metres.toDouble(),
    )
}

private fun noteText(
    travel: TravelNote,
    isBest: Boolean,
): String {
    val best = if (isBest) "No shorter day exists" else "A good day"
    return if (travel.estimated == travel.ways) "$best, by estimated travel times" else "$best, by ${travel.provider}"
}

private fun reasonText(reason: LeftOutReason): String =
    when (reason) {
        LeftOutReason.NOT_FOR_REP -> "Not for you to visit"
        LeftOutReason.UNREACHABLE -> "There is no way there"
        LeftOutReason.NO_HOURS_FIT -> "Closed when you could be there"
        LeftOutReason.SHIFT_ENDS -> "Too far for one day"
        LeftOutReason.LOWER_PRIORITY -> "Others matter more today"
        LeftOutReason.DETOUR_TOO_LONG -> "Too long a detour"
    }

/** The route stays inside the engine's drive; what comes out for a fix is small. */
private class EngineFollow(
    private val drive: Drive,
    private var map: RouteMap,
) : Follow {
    override val isByRoad: Boolean get() = map.kind == RouteKind.ROAD
    override val line: List<LatLng> get() = map.points

    override suspend fun update(
        fix: Fix,
        courseDeg: Double?,
    ): FollowUpdate {
        val update = drive.update(fix, courseDeg)
        if (update.routeVersion != map.version) map = drive.map()
        return told(update)
    }

    override suspend fun skip() {
        drive.skipStop()
    }

    override suspend fun end() {
        drive.use { it.end() }
    }

    private fun told(update: RouteUpdate): FollowUpdate {
        val progress = update.progress
        return FollowUpdate(
            nextStop = progress?.nextLead,
            toStopM = progress?.toStopM,
            eta = progress?.stopEta,
            leftM = progress?.remainingM,
            stopsLeft = progress?.let { stopsFrom(it.nextStop) } ?: 0,
            instruction = update.banner?.primary?.text,
            offRouteM = update.deviation?.offsetM,
            arrivedAt =
                update.events
                    .filterIsInstance<RouteEvent.Arrived>()
                    .lastOrNull()
                    ?.lead,
            isOver = update.phase == RoutePhase.COMPLETE,
        )
    }

    private fun stopsFrom(next: Int): Int = map.stops.drop(next).count { it.lead != null }
}
