package dev.fieldfare.demo

import dev.fieldfare.LatLng
import dev.fieldfare.LeadId
import dev.fieldfare.LeadStatus
import kotlin.math.PI
import kotlin.math.asinh
import kotlin.math.atan
import kotlin.math.cos
import kotlin.math.floor
import kotlin.math.hypot
import kotlin.math.roundToInt
import kotlin.math.sinh
import kotlin.math.sqrt
import kotlin.math.tan

private const val EARTH_M = 6_371_008.8

/** A place on the flat map, metres of the equator. */
data class Flat(
    val x: Double,
    val y: Double,
)

/** A place on the screen, pixels from its top left corner. */
data class Spot(
    val x: Float,
    val y: Float,
) {
    fun isWithin(
        other: Spot,
        pixels: Float,
    ): Boolean = hypot(x - other.x, y - other.y) <= pixels
}

/** A lead on the map. */
data class MapPin(
    val id: LeadId,
    val name: String,
    val position: LatLng,
    val status: LeadStatus,
    val tier: Int?,
)

/** What is drawn for leads: one of them, or several too close to be told apart. */
data class Marker(
    val spot: Spot,
    val pins: List<MapPin>,
)

/** A hexagon of the map and how many leads lie in it. */
data class Hexagon(
    val center: Flat,
    val radius: Double,
    val leads: Int,
)

/** Web Mercator, which keeps angles: north is up and circles stay round. */
fun project(place: LatLng): Flat =
    Flat(
        x = EARTH_M * place.lon * PI / 180,
        y = -EARTH_M * asinh(tan(place.lat * PI / 180)),
    )

/** The place at a point of the flat map. */
fun unproject(at: Flat): LatLng =
    LatLng(
        lat = atan(sinh(-at.y / EARTH_M)) * 180 / PI,
        lon = at.x / EARTH_M * 180 / PI,
    )

/** How many metres on the ground a metre of the flat map is, at this latitude. */
fun groundScale(place: LatLng): Double = cos(place.lat * PI / 180)

/** Metres between places no more than some hundred kilometres apart; for showing, not for deciding. */
fun metresBetween(
    a: LatLng,
    b: LatLng,
): Double {
    val (ax, ay) = project(a)
    val (bx, by) = project(b)
    return hypot(bx - ax, by - ay) * cos((a.lat + b.lat) / 2 * PI / 180)
}

/** What part of the map is shown: a place in the middle and how many ground metres a pixel is. */
data class Camera(
    val center: LatLng,
    val metresPerPixel: Double,
    val width: Float,
    val height: Float,
) {
    private val middle = project(center)
    private val flatPerPixel = metresPerPixel / groundScale(center)

    fun toScreen(place: LatLng): Spot = toScreen(project(place))

    fun toScreen(at: Flat): Spot =
        Spot(
            x = ((at.x - middle.x) / flatPerPixel + width / 2).toFloat(),
            y = ((at.y - middle.y) / flatPerPixel + height / 2).toFloat(),
        )

    fun toMap(spot: Spot): Flat =
        Flat(
            x = middle.x + (spot.x - width / 2) * flatPerPixel,
            y = middle.y + (spot.y - height / 2) * flatPerPixel,
        )

    /** Pixels that are this many metres on the ground. */
    fun pixels(metres: Double): Float = (metres / metresPerPixel).toFloat()

    fun isShown(
        spot: Spot,
        margin: Float,
    ): Boolean = spot.x in -margin..width + margin && spot.y in -margin..height + margin

    /** Moved by a drag of this many pixels. */
    fun panned(
        dx: Float,
        dy: Float,
    ): Camera = copy(center = unproject(toMap(Spot(width / 2 - dx, height / 2 - dy))))

    /** Nearer (above 1) or farther, with the place under [at] staying there. */
    fun zoomed(
        factor: Float,
        at: Spot,
    ): Camera {
        val scale = (metresPerPixel / factor).coerceIn(MIN_SCALE, MAX_SCALE)
        val held = toMap(at)
        val next = copy(metresPerPixel = scale)
        val now = next.toScreen(held)
        return next.panned(at.x - now.x, at.y - now.y)
    }

    companion object {
        private const val MIN_SCALE = 0.2
        private const val MAX_SCALE = 2_000.0

        /** Shows all these places, with a margin; null if there are none. */
        fun around(
            places: List<LatLng>,
            width: Float,
            height: Float,
            margin: Float,
        ): Camera? {
            val flat = places.map(::project).ifEmpty { return null }
            val (left, right) = flat.minOf { it.x } to flat.maxOf { it.x }
            val (top, bottom) = flat.minOf { it.y } to flat.maxOf { it.y }
            val center = unproject(Flat((left + right) / 2, (top + bottom) / 2))
            val across = (right - left) / (width - 2 * margin).coerceAtLeast(1f)
            val down = (bottom - top) / (height - 2 * margin).coerceAtLeast(1f)
            val scale = maxOf(across, down) * groundScale(center)
            return Camera(center, scale.coerceIn(1.0, MAX_SCALE), width, height)
        }
    }
}

/** Joins pins that would cover each other, at most [pixels] apart; the selected one stays by itself. */
fun markers(
    pins: List<MapPin>,
    camera: Camera,
    pixels: Float,
    selected: LeadId? = null,
): List<Marker> {
    class Group(
        val anchor: Spot,
        val pins: MutableList<Pair<MapPin, Spot>> = mutableListOf(),
    )
    val groups = mutableListOf<Group>()
    for (pin in pins.sortedBy { it.id }) {
        val spot = camera.toScreen(pin.position)
        if (!camera.isShown(spot, pixels)) continue
        val isAlone = pin.id == selected
        val open =
            if (isAlone) {
                emptyList()
            } else {
                groups.filter {
                    it.pins
                        .first()
                        .first.id != selected
                }
            }
        val near = open.firstOrNull { it.anchor.isWithin(spot, pixels) }
        val group = near ?: Group(spot).also { groups += it }
        group.pins += pin to spot
    }
    return groups.map { group ->
        val x = group.pins.map { it.second.x }.average()
        val y = group.pins.map { it.second.y }.average()
        Marker(Spot(x.toFloat(), y.toFloat()), group.pins.map { it.first })
    }
}

/**
 * How many leads lie in each hexagon of a honeycomb with this radius in flat metres. Hexagons stay where they are when
 * the map moves.
 */
fun honeycomb(
    pins: List<MapPin>,
    radius: Double,
): List<Hexagon> =
    pins
        .map { hexagonAt(project(it.position), radius) }
        .groupingBy { it }
        .eachCount()
        .map { (hexagon, leads) -> Hexagon(centerOf(hexagon, radius), radius, leads) }
        .sortedWith(compareBy({ it.center.x }, { it.center.y }))

/** Column and row of the pointy-topped hexagon around a place (axial coordinates, rounded as cubes). */
private fun hexagonAt(
    at: Flat,
    radius: Double,
): Pair<Int, Int> {
    val q = (sqrt(3.0) / 3 * at.x - at.y / 3) / radius
    val r = (2.0 / 3 * at.y) / radius
    val (rq, rr) = q.roundToInt() to r.roundToInt()
    val rs = (-q - r).roundToInt()
    val (dq, dr, ds) = Triple(kotlin.math.abs(rq - q), kotlin.math.abs(rr - r), kotlin.math.abs(rs + q + r))
    return when {
        dq > dr && dq > ds -> -rr - rs to rr
        dr > ds -> rq to -rq - rs
        else -> rq to rr
    }
}

private fun centerOf(
    hexagon: Pair<Int, Int>,
    radius: Double,
): Flat {
    val (q, r) = hexagon
    return Flat(radius * sqrt(3.0) * (q + r / 2.0), radius * 1.5 * r)
}

/** A round number of metres, 1, 2 or 5 times a power of ten, no longer than [longest]. */
fun roundMetres(longest: Double): Double {
    var unit = 1.0
    while (unit * 10 <= longest) unit *= 10
    return unit * listOf(5.0, 2.0, 1.0).first { unit * it <= longest || it == 1.0 }
}

/** The lines of a grid of this step between two bounds. */
fun gridLines(
    from: Double,
    to: Double,
    step: Double,
): List<Double> = generateSequence(floor(from / step) * step) { it + step }.takeWhile { it <= to }.toList()
