package dev.fieldfare.demo

import dev.fieldfare.Fix
import dev.fieldfare.LatLng
import dev.fieldfare.LeadId
import kotlinx.coroutines.flow.Flow
import java.time.Duration
import java.time.Instant

/** A visit still to come. */
data class PlannedStop(
    val lead: LeadId,
    val name: String,
    val address: String,
    val position: LatLng,
    val arrival: Instant,
    val way: Duration,
    val wayM: Double,
)

/** A lead that did not fit, and why. */
data class LeftOut(
    val lead: LeadId,
    val name: String,
    val reason: String,
)

/** The rep's day. */
data class PlannedDay(
    val stops: List<PlannedStop>,
    val visited: Int,
    val leftOut: List<LeftOut>,
    val line: List<LatLng>,
    val drivingM: Double,
    val over: Instant,
    val note: String,
)

/** A lead that can be visited on the way. */
data class OnTheWay(
    val lead: LeadId,
    val name: String,
    val address: String,
    val detour: Duration,
)

/** What following says to a fix. Small, whatever the route. */
data class FollowUpdate(
    val nextStop: LeadId?,
    val toStopM: Double?,
    val eta: Instant?,
    val leftM: Double?,
    val stopsLeft: Int,
    val instruction: String?,
    val offRouteM: Double?,
    val arrivedAt: LeadId?,
    val isOver: Boolean,
)

/** Following the route of a day. */
interface Follow {
    /** Whether roads are followed, or straight lines. */
    val isByRoad: Boolean

    /** The line to draw. */
    val line: List<LatLng>

    suspend fun update(
        fix: Fix,
        courseDeg: Double?,
    ): FollowUpdate

    /** Leaves the next stop out. */
    suspend fun skip()

    /** Ends it. */
    suspend fun end()
}

/** Planning and following the rep's day, on the phone. */
interface DayPlans {
    /** Today as it stands, and again after every change; null if it is not planned. */
    fun today(): Flow<PlannedDay?>

    /** Plans today, with nothing but what is on the phone. */
    suspend fun plan(from: LatLng)

    /** Plans the rest of today anew, without [cancelled] and with [added]. */
    suspend fun replan(
        here: LatLng?,
        cancelled: LeadId? = null,
        added: LeadId? = null,
    )

    /** Leads that fit between what is planned. */
    suspend fun onTheWay(here: LatLng?): List<OnTheWay>

    suspend fun follow(here: LatLng?): Follow
}
