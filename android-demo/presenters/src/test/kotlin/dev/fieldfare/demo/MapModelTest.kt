package dev.fieldfare.demo

import dev.fieldfare.LatLng
import dev.fieldfare.LeadStatus
import org.junit.jupiter.api.Test
import kotlin.math.abs
import kotlin.math.hypot
import kotlin.random.Random
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The map's geometry, by properties; random numbers come from a seed that failures print. */
class MapModelTest {
    private val camera = Camera(LatLng(44.48, -73.21), metresPerPixel = 3.0, width = 400f, height = 500f)

    @Test
    fun `a place comes back from the screen`() =
        repeatedly { random ->
            val place = LatLng(random.nextDouble(-80.0, 80.0), random.nextDouble(-170.0, 170.0))
            val near = camera.copy(center = LatLng(place.lat + 0.01, place.lon - 0.01))
            val back = unproject(near.toMap(near.toScreen(place)))
            assertEquals(place.lat, back.lat, 1e-4)
            assertEquals(place.lon, back.lon, 1e-4)
        }

    @Test
    fun `a degree of latitude is as long as everybody says`() {
        val metres = metresBetween(LatLng(44.0, -73.0), LatLng(45.0, -73.0))
        assertEquals(111_195.0, metres, 60.0)
        assertEquals(79_000.0, metresBetween(LatLng(44.5, -73.0), LatLng(44.5, -72.0)), 500.0)
        val east = camera.toScreen(LatLng(44.48, -73.21 + 300 / (111_195 * groundScale(camera.center))))
        assertEquals(300f, east.x, 0.5f)
    }

    @Test
    fun `zooming holds the place under the finger`() =
        repeatedly { random ->
            val at = Spot(random.nextFloat() * 400, random.nextFloat() * 500)
            val held = unproject(camera.toMap(at))
            val now = camera.zoomed(random.nextDouble(0.3, 4.0).toFloat(), at).toScreen(held)
            assertTrue(now.isWithin(at, 1f), "it slid from $at to $now")
        }

    @Test
    fun `dragging moves the map by as many pixels`() {
        val before = camera.toScreen(LatLng(44.481, -73.208))
        val after = camera.panned(30f, -12f).toScreen(LatLng(44.481, -73.208))
        assertTrue(after.isWithin(Spot(before.x + 30f, before.y - 12f), 0.5f))
    }

    @Test
    fun `every place fits when all are to be shown`() =
        repeatedly { random ->
            val places = List(1 + random.nextInt(30)) { place(random) }
            val all = Camera.around(places, 400f, 500f, margin = 40f)!!
            for (place in places) {
                val spot = all.toScreen(place)
                assertTrue(spot.x in 38f..362f && spot.y in 38f..462f, "$place is at $spot")
            }
        }

    @Test
    fun `no pin is lost or shown twice, and groups are made of what is close`() =
        repeatedly { random ->
            val pins = pins(random)
            val markers = markers(pins, camera, pixels = 30f, selected = pins.first().id)
            val shown = pins.filter { camera.isShown(camera.toScreen(it.position), 30f) }
            assertEquals(shown.map { it.id }.sorted(), markers.flatMap { it.pins }.map { it.id }.sorted())
            for (marker in markers) {
                assertTrue(marker.pins.all { camera.toScreen(it.position).isWithin(marker.spot, 60f) })
            }
            val alone = markers.filter { it.pins.first().id == pins.first().id }
            assertTrue(alone.all { it.pins.size == 1 }, "the selected pin is in a group")
        }

    @Test
    fun `every lead lies in the hexagon that counts it`() =
        repeatedly { random ->
            val pins = pins(random)
            val cells = honeycomb(pins, 100.0)
            assertEquals(pins.size, cells.sumOf { it.leads })
            for (cell in cells) {
                val inside = pins.count { nearest(cells.map { c -> c.center }, project(it.position)) == cell.center }
                assertEquals(cell.leads, inside)
            }
            assertTrue(pins.all { pin -> cells.any { distance(it.center, project(pin.position)) <= 100.0 + 1e-6 } })
        }

    @Test
    fun `the grid's step is round and no longer than asked`() {
        assertEquals(
            listOf(1.0, 2.0, 5.0, 50.0, 200.0, 1_000.0),
            listOf(1.2, 4.9, 7.0, 99.0, 430.0, 1_999.0).map(::roundMetres),
        )
        val lines = gridLines(-3.0, 12.0, 5.0)
        assertTrue(lines.first() <= -3.0 && lines.zipWithNext().all { (a, b) -> abs(b - a - 5.0) < 1e-9 })
    }

    private fun pins(random: Random): List<MapPin> =
        List(1 + random.nextInt(120)) {
            MapPin("id%03d".format(it), "Lead $it", place(random), LeadStatus.entries.random(random), null)
        }

    private fun place(random: Random) =
        LatLng(
            44.48 + random.nextDouble(-0.01, 0.01),
            -73.21 + random.nextDouble(-0.01, 0.01),
        )

    private fun nearest(
        centers: List<Flat>,
        to: Flat,
    ): Flat = centers.minBy { distance(it, to) }

    private fun distance(
        a: Flat,
        b: Flat,
    ): Double = hypot(a.x - b.x, a.y - b.y)

    private fun repeatedly(check: (Random) -> Unit) =
        repeat(200) { seed ->
            try {
                check(Random(seed))
            } catch (e: AssertionError) {
                throw AssertionError("with seed $seed: ${e.message}", e)
            }
        }
}
