package dev.fieldfare.demo.desktop

import dev.fieldfare.Fix
import dev.fieldfare.LatLng
import dev.fieldfare.demo.FixIntake
import dev.fieldfare.demo.project
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import java.time.InstantSource
import kotlin.math.PI
import kotlin.math.atan2
import kotlin.math.cos
import kotlin.math.hypot

/** A fix of a walk: where, and which way. */
data class Step(
    val position: LatLng,
    val courseDeg: Double,
)

/** The fixes of somebody who walks along these places, one every [metres]. */
fun stepsAlong(
    places: List<LatLng>,
    metres: Double,
): List<Step> = places.zipWithNext().flatMap { (from, to) -> stretch(from, to, metres) }

private fun stretch(
    from: LatLng,
    to: LatLng,
    metres: Double,
): List<Step> {
    val (fx, fy) = project(from)
    val (tx, ty) = project(to)
    val length = hypot(tx - fx, ty - fy) * cos(from.lat * PI / 180)
    val count = (length / metres).toInt().coerceAtLeast(1)
    val course = (atan2(tx - fx, fy - ty) * 180 / PI + 360) % 360
    return (0 until count).map { n ->
        val part = n.toDouble() / count
        Step(LatLng(from.lat + (to.lat - from.lat) * part, from.lon + (to.lon - from.lon) * part), course)
    }
}

/** A street corner to street corner walk through the world's town. */
val TOWN_WALK =
    listOf(
        LatLng(44.4790, -73.2190),
        LatLng(44.4791, -73.2126),
        LatLng(44.4767, -73.2126),
        LatLng(44.4767, -73.2085),
        LatLng(44.4755, -73.2085),
        LatLng(44.4755, -73.2150),
        LatLng(44.4720, -73.2150),
        LatLng(44.4720, -73.2193),
        LatLng(44.4790, -73.2190),
    )

/** Walks, and gives each fix to the app. */
class Walk(
    private val intake: FixIntake,
    private val clock: InstantSource,
) {
    /** Whether it goes on or stands. */
    val isWalking = MutableStateFlow(true)

    /** Where it goes now; changing it begins the new way. */
    val way = MutableStateFlow(TOWN_WALK)

    /** Walks round and round, [speed] times as fast as people do, until cancelled. */
    suspend fun run(speed: Int) {
        while (true) {
            val places = way.value
            for (step in stepsAlong(places, STEP_M * speed)) {
                while (!isWalking.value) delay(PAUSE_MS)
                if (way.value !== places) break
                take(step)
                delay(PAUSE_MS)
            }
        }
    }

    /** One step. */
    suspend fun take(step: Step) {
        intake.take(Fix(step.position, clock.instant(), accuracyM = 8.0), step.courseDeg)
    }

    private companion object {
        const val STEP_M = 0.7
        const val PAUSE_MS = 500L
    }
}
