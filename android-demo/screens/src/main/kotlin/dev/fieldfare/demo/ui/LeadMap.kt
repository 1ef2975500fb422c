package dev.fieldfare.demo.ui

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.gestures.detectTapGestures
import androidx.compose.foundation.gestures.detectTransformGestures
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.SmallFloatingActionButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clipToBounds
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.input.pointer.PointerEventType
import androidx.compose.ui.input.pointer.pointerInput
import androidx.compose.ui.layout.onSizeChanged
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.rememberTextMeasurer
import androidx.compose.ui.unit.Dp
import androidx.compose.ui.unit.IntSize
import androidx.compose.ui.unit.dp
import dev.fieldfare.LatLng
import dev.fieldfare.LeadId
import dev.fieldfare.demo.Camera
import dev.fieldfare.demo.Here
import dev.fieldfare.demo.MapPin
import dev.fieldfare.demo.Marker
import dev.fieldfare.demo.Spot
import dev.fieldfare.demo.StopRow
import dev.fieldfare.demo.markers

/** What is on the map. */
data class MapContent(
    val here: Here? = null,
    val radiusM: Double? = null,
    val pins: List<MapPin> = emptyList(),
    val selected: LeadId? = null,
    val line: List<LatLng> = emptyList(),
    val isByRoad: Boolean = false,
    val stops: List<StopRow> = emptyList(),
)

/** Where the map looks: at the rep until somebody moves it, and again when asked. */
class MapView {
    private var moved by mutableStateOf<Camera?>(null)

    /** Whether somebody moved it. */
    val isMoved: Boolean get() = moved != null

    fun recentre() {
        moved = null
    }

    internal fun move(camera: Camera) {
        moved = camera
    }

    internal fun camera(
        size: IntSize,
        rest: Camera?,
    ): Camera? {
        val (width, height) = size.width.toFloat() to size.height.toFloat()
        return (moved ?: rest)?.copy(width = width, height = height)
    }
}

/**
 * A map that needs no tiles and no connection: leads, how dense they lie, the rep, the way. Drag, pinch or scroll; a
 * tap on several leads goes nearer. What lies under [topInset] is not counted on.
 */
@Composable
fun LeadMap(
    content: MapContent,
    onSelect: (LeadId?) -> Unit,
    modifier: Modifier = Modifier,
    view: MapView = remember { MapView() },
    fit: List<LatLng> = emptyList(),
    topInset: Dp = 0.dp,
) {
    var size by remember { mutableStateOf(IntSize.Zero) }
    val density = LocalDensity.current.density
    val colors = LocalMapColors.current
    val texts = rememberTextMeasurer()
    val camera = view.camera(size, restingCamera(content, fit, size, density)?.shifted(topInset.value * density / 2))
    val shown = remember(content.pins, camera, content.selected) { clusters(content, camera, density) }
    val now by rememberUpdatedState(Shown(camera, shown))
    val select by rememberUpdatedState(onSelect)
    Box(modifier.clipToBounds().onSizeChanged { size = it }) {
        Canvas(
            Modifier
                .fillMaxSize()
                .testTag("map")
                .semantics {
                    contentDescription = "Map with ${content.pins.size} leads and ${content.stops.size} stops"
                }.pointerInput(view) {
                    detectTransformGestures { at, pan, zoom, _ ->
                        now.camera?.let { view.move(it.panned(pan.x, pan.y).zoomed(zoom, Spot(at.x, at.y))) }
                    }
                }.pointerInput(view) { detectTapGestures { at -> now.tap(at, view, select, density) } }
                .pointerInput(view) {
                    awaitPointerEventScope {
                        while (true) {
                            val event = awaitPointerEvent()
                            val change = event.changes.first()
                            if (event.type == PointerEventType.Scroll) {
                                val factor = if (change.scrollDelta.y > 0) 0.85f else 1.18f
                                val at = Spot(change.position.x, change.position.y)
                                now.camera?.let { view.move(it.zoomed(factor, at)) }
                            }
                        }
                    }
                },
        ) {
            val drawing = MapDrawing(this, camera ?: return@Canvas drawRect(colors.ground), colors, texts)
            drawing.draw(content, shown)
        }
        if (view.isMoved) {
            SmallFloatingActionButton(
                onClick = view::recentre,
                modifier = Modifier.align(Alignment.BottomEnd).padding(12.dp).testTag("recentre"),
                containerColor = MaterialTheme.colorScheme.surface,
            ) {
                Icon(Icons.Locate, contentDescription = "Back to where I am")
            }
        }
    }
}

private fun MapDrawing.draw(
    content: MapContent,
    shown: List<Marker>,
) {
    ground()
    comb(content.pins)
    val here = content.here
    if (here != null && content.radiusM != null) range(here.position, content.radiusM)
    route(content.line, content.isByRoad)
    markers(shown, content.selected)
    stops(content.stops)
    if (here != null) me(here)
    scaleBar()
}

/** Its middle lower by this many pixels, where something covers the top. */
private fun Camera.shifted(pixels: Float): Camera = panned(0f, pixels)

private class Shown(
    val camera: Camera?,
    val markers: List<Marker>,
) {
    fun tap(
        at: Offset,
        view: MapView,
        select: (LeadId?) -> Unit,
        density: Float,
    ) {
        val spot = Spot(at.x, at.y)
        val hit = markers.filter { it.spot.isWithin(spot, REACH_DP * density) }.minByOrNull { distance(it.spot, spot) }
        val single = hit?.pins?.singleOrNull()
        when {
            hit == null -> select(null)
            single != null -> select(single.id)
            else -> camera?.let { view.move(it.zoomed(2.2f, hit.spot)) }
        }
    }

    private fun distance(
        a: Spot,
        b: Spot,
    ): Float = (a.offset() - b.offset()).getDistance()
}

private fun clusters(
    content: MapContent,
    camera: Camera?,
    density: Float,
): List<Marker> {
    val stops = content.stops.map { it.lead }.toSet()
    val free = content.pins.filter { it.id !in stops }
    return camera?.let { markers(free, it, CLUSTER_DP * density, content.selected) }.orEmpty()
}

/** Shows what is to be shown: all of [fit], or the circle around the rep, or all leads. */
private fun restingCamera(
    content: MapContent,
    fit: List<LatLng>,
    size: IntSize,
    density: Float,
): Camera? {
    if (size == IntSize.Zero) return null
    val (width, height) = size.width.toFloat() to size.height.toFloat()
    val here = content.here
    val radius = content.radiusM
    return when {
        fit.isNotEmpty() -> Camera.around(fit, width, height, MARGIN_DP * density)
        here != null && radius != null -> Camera(here.position, radius * 2.3 / minOf(width, height), width, height)
        here != null -> Camera(here.position, NEAR_SCALE / density, width, height)
        else -> Camera.around(content.pins.map { it.position }, width, height, MARGIN_DP * density)
    }
}

private const val CLUSTER_DP = 30f
private const val REACH_DP = 24f
private const val MARGIN_DP = 44f
private const val NEAR_SCALE = 3.0
