package dev.fieldfare.demo

import dev.fieldfare.Fix
import dev.fieldfare.LatLng
import dev.fieldfare.LeadId
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.time.ZoneId

/** A stop in the list. */
data class StopRow(
    val lead: LeadId,
    val number: Int,
    val name: String,
    val address: String,
    val arrival: String,
    val way: String,
    val position: LatLng,
    val isNext: Boolean,
)

/** Following, as the screen shows it. */
data class FollowState(
    val stop: StopRow?,
    val distance: String,
    val eta: String,
    val left: String,
    val instruction: String?,
    val warning: String?,
    val arrived: StopRow?,
    val isOver: Boolean,
    val isByRoad: Boolean,
)

/** Today's route. */
data class TodayState(
    val isKnown: Boolean = false,
    val isPlanned: Boolean = false,
    val underWay: Int = 0,
    val here: Here? = null,
    val stops: List<StopRow> = emptyList(),
    val visited: Int = 0,
    val summary: String = "",
    val note: String = "",
    val leftOut: List<LeftOut> = emptyList(),
    val line: List<LatLng> = emptyList(),
    val onTheWay: List<OnTheWay> = emptyList(),
    val follow: FollowState? = null,
    val problem: String? = null,
) {
    /** Whether anything the rep asked for is still under way. */
    val isWorking: Boolean get() = underWay > 0
}

/** Today's route: planned on the phone, planned anew when things change, and followed. */
class TodayPresenter(
    private val plans: DayPlans,
    private val intake: FixIntake,
    private val scope: CoroutineScope,
    private val zone: ZoneId,
) {
    private val mutableState = MutableStateFlow(TodayState())
    private var day: PlannedDay? = null
    private var following: Follow? = null
    private var job: Job? = null

    /** What the screen shows. */
    val state: StateFlow<TodayState> = mutableState.asStateFlow()

    fun start() {
        scope.launch { tryTo(::say) { plans.today().collect(::show) } }
        scope.launch { intake.here.collect { here -> mutableState.update { it.copy(here = here) } } }
    }

    fun plan() = work { plans.plan(hereOrNull() ?: return@work say("Your position is not known yet.")) }

    fun replan() = work { plans.replan(hereOrNull()) }

    /** Takes a stop out of the day. */
    fun cancel(lead: LeadId) = work { plans.replan(hereOrNull(), cancelled = lead) }

    /** Fits a lead in. */
    fun add(lead: LeadId) =
        work {
            plans.replan(hereOrNull(), added = lead)
            mutableState.update { it.copy(onTheWay = emptyList()) }
        }

    fun findOnTheWay() =
        work {
            val found = plans.onTheWay(hereOrNull())
            mutableState.update { it.copy(onTheWay = found) }
            if (found.isEmpty()) say("Nothing more fits into the day.")
        }

    fun follow() =
        work {
            stopFollowing()
            val session = plans.follow(hereOrNull())
            following = session
            mutableState.update { it.copy(line = session.line, follow = firstLook(session)) }
            job = scope.launch { tryTo(::say) { intake.here.filterNotNull().collect { update(session, it) } } }
        }

    /** Leaves the next stop out. */
    fun skip() {
        val session = following ?: return
        work {
            session.skip()
            intake.here.value?.let { update(session, it) }
        }
    }

    fun stopFollowing() {
        job?.cancel()
        job = null
        following?.let { session -> scope.launch { tryTo(::say) { session.end() } } }
        following = null
        mutableState.update { it.copy(follow = null, line = day?.line.orEmpty()) }
    }

    private suspend fun update(
        session: Follow,
        here: Here,
    ) {
        val update = session.update(Fix(here.position, here.at, here.accuracyM), here.courseDeg)
        if (session === following) {
            mutableState.update { it.copy(follow = look(session, update, it.follow?.arrived)) }
        }
    }

    private fun firstLook(session: Follow): FollowState =
        FollowState(
            stop = state.value.stops.firstOrNull(),
            distance = "",
            eta = "",
            left = "",
            instruction = "Waiting for a good fix",
            warning = null,
            arrived = null,
            isOver = false,
            isByRoad = session.isByRoad,
        )

    private fun look(
        session: Follow,
        update: FollowUpdate,
        arrivedBefore: StopRow?,
    ): FollowState {
        fun stop(lead: LeadId?) = state.value.stops.firstOrNull { it.lead == lead }
        val arrived =
            stop(update.arrivedAt) ?: arrivedBefore.takeIf { update.nextStop == it?.lead || update.nextStop == null }
        return FollowState(
            stop = stop(update.nextStop),
            distance = update.toStopM?.let(::distanceText).orEmpty(),
            eta = update.eta?.let { clockText(it, zone) }.orEmpty(),
            left = leftText(update),
            instruction = update.instruction,
            warning = update.offRouteM?.let { "${distanceText(it)} off the route" },
            arrived = arrived,
            isOver = update.isOver,
            isByRoad = session.isByRoad,
        )
    }

    private fun leftText(update: FollowUpdate): String {
        val stops = if (update.stopsLeft == 1) "1 stop" else "${update.stopsLeft} stops"
        return listOfNotNull(stops, update.leftM?.let(::distanceText)).joinToString(" · ")
    }

    private fun show(day: PlannedDay?) {
        this.day = day
        mutableState.update { old ->
            if (day == null) {
                old.copy(isKnown = true, isPlanned = false, stops = emptyList(), line = emptyList())
            } else {
                old.copy(
                    isKnown = true,
                    isPlanned = true,
                    stops = day.stops.mapIndexed { index, stop -> rowOf(index, stop, day.visited) },
                    visited = day.visited,
                    summary = summaryText(day),
                    note = day.note,
                    leftOut = day.leftOut,
                    line = following?.line ?: day.line,
                )
            }
        }
    }

    private fun rowOf(
        index: Int,
        stop: PlannedStop,
        visited: Int,
    ): StopRow =
        StopRow(
            lead = stop.lead,
            number = visited + index + 1,
            name = stop.name,
            address = stop.address,
            arrival = clockText(stop.arrival, zone),
            way = "${distanceText(stop.wayM)}, ${durationText(stop.way)}",
            position = stop.position,
            isNext = index == 0,
        )

    private fun summaryText(day: PlannedDay): String {
        val visits = if (day.stops.size == 1) "1 visit" else "${day.stops.size} visits"
        return "$visits · ${distanceText(day.drivingM)} · done by ${clockText(day.over, zone)}"
    }

    private fun hereOrNull(): LatLng? = intake.here.value?.position

    private fun say(problem: String) = mutableState.update { it.copy(problem = problem) }

    private fun work(block: suspend () -> Unit) {
        mutableState.update { it.copy(underWay = it.underWay + 1, problem = null) }
        scope.launch {
            tryTo(::say, block)
            mutableState.update { it.copy(underWay = it.underWay - 1) }
        }
    }
}
