package dev.fieldfare.demo.ui

import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.Path
import androidx.compose.ui.graphics.PathEffect
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.StrokeJoin
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.graphics.drawscope.Stroke
import androidx.compose.ui.graphics.drawscope.rotate
import androidx.compose.ui.text.TextMeasurer
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.drawText
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import androidx.compose.ui.unit.sp
import dev.fieldfare.LatLng
import dev.fieldfare.LeadId
import dev.fieldfare.demo.Camera
import dev.fieldfare.demo.Here
import dev.fieldfare.demo.MapPin
import dev.fieldfare.demo.Marker
import dev.fieldfare.demo.Spot
import dev.fieldfare.demo.StopRow
import dev.fieldfare.demo.distanceText
import dev.fieldfare.demo.gridLines
import dev.fieldfare.demo.groundScale
import dev.fieldfare.demo.honeycomb
import dev.fieldfare.demo.roundMetres
import kotlin.math.PI
import kotlin.math.cos
import kotlin.math.ln
import kotlin.math.sin

internal fun Spot.offset() = Offset(x, y)

/** Draws the map's layers, from the ground up. */
internal class MapDrawing(
    private val scope: DrawScope,
    private val camera: Camera,
    private val colors: MapColors,
    private val texts: TextMeasurer,
) {
    private fun px(dp: Float): Float = with(scope) { dp.dp.toPx() }

    /** Ground and a grid of a round number of metres. */
    fun ground() {
        scope.drawRect(colors.ground)
        val step = roundMetres(camera.metresPerPixel * px(72f))
        val flatStep = step / groundScale(camera.center)
        val (from, to) = camera.toMap(Spot(0f, 0f)) to camera.toMap(Spot(camera.width, camera.height))
        for (x in gridLines(from.x, to.x, flatStep)) {
            val at = camera.toScreen(from.copy(x = x)).x
            line(Offset(at, 0f), Offset(at, camera.height), isStrong(x, flatStep))
        }
        for (y in gridLines(from.y, to.y, flatStep)) {
            val at = camera.toScreen(from.copy(y = y)).y
            line(Offset(0f, at), Offset(camera.width, at), isStrong(y, flatStep))
        }
    }

    private fun isStrong(
        at: Double,
        step: Double,
    ): Boolean = Math.floorMod(Math.round(at / step), 5L) == 0L

    private fun line(
        from: Offset,
        to: Offset,
        isStrong: Boolean,
    ) = scope.drawLine(if (isStrong) colors.gridStrong else colors.grid, from, to, px(1f))

    /** Hexagons, the darker the more leads lie in them. */
    fun comb(pins: List<MapPin>) {
        val metres = roundMetres(camera.metresPerPixel * px(70f))
        val cells = honeycomb(pins, metres / groundScale(camera.center))
        val most = cells.maxOfOrNull { it.leads } ?: return
        for (cell in cells) {
            val center = camera.toScreen(cell.center)
            val radius = camera.pixels(metres) * 0.96f
            if (!camera.isShown(center, radius)) continue
            val strength = 0.05f + 0.17f * (ln(1f + cell.leads) / ln(1f + most))
            scope.drawPath(hexagon(center.offset(), radius), colors.comb.copy(alpha = strength))
        }
    }

    private fun hexagon(
        center: Offset,
        radius: Float,
    ): Path =
        Path().apply {
            for (corner in 0..5) {
                val angle = (60.0 * corner - 90) * PI / 180
                val at = center + Offset((radius * cos(angle)).toFloat(), (radius * sin(angle)).toFloat())
                if (corner == 0) moveTo(at.x, at.y) else lineTo(at.x, at.y)
            }
            close()
        }

    /** The circle that is searched. */
    fun range(
        here: LatLng,
        metres: Double,
    ) {
        val center = camera.toScreen(here).offset()
        val radius = camera.pixels(metres)
        scope.drawCircle(colors.range.copy(alpha = 0.07f), radius, center)
        val dashes = PathEffect.dashPathEffect(floatArrayOf(px(6f), px(5f)))
        scope.drawCircle(colors.range.copy(alpha = 0.7f), radius, center, style = Stroke(px(1.5f), pathEffect = dashes))
        chip(distanceText(metres), center + Offset(0f, radius))
    }

    private fun chip(
        text: String,
        at: Offset,
    ) {
        val layout =
            texts.measure(
                text,
                TextStyle(color = colors.range, fontSize = 11.sp, fontWeight = FontWeight.SemiBold),
            )
        val (w, h) = layout.size.width + px(12f) to layout.size.height + px(4f)
        val corner = at - Offset(w / 2, h / 2)
        val round =
            androidx.compose.ui.geometry
                .CornerRadius(h / 2)
        scope.drawRoundRect(colors.paper, corner, Size(w, h), round)
        scope.drawRoundRect(colors.range.copy(alpha = 0.5f), corner, Size(w, h), round, style = Stroke(px(1f)))
        scope.drawText(layout, topLeft = corner + Offset(px(6f), px(2f)))
    }

    /** The way of the day; dashed where it goes by the crow. */
    fun route(
        line: List<LatLng>,
        isByRoad: Boolean,
    ) {
        if (line.size < 2) return
        val path = Path()
        line.forEachIndexed { index, place ->
            val at = camera.toScreen(place)
            if (index == 0) path.moveTo(at.x, at.y) else path.lineTo(at.x, at.y)
        }
        val dashes = if (isByRoad) null else PathEffect.dashPathEffect(floatArrayOf(px(9f), px(7f)))
        scope.drawPath(path, colors.routeCasing, style = Stroke(px(7f), cap = StrokeCap.Round, join = StrokeJoin.Round))
        scope.drawPath(
            path,
            colors.route,
            style = Stroke(px(4f), cap = StrokeCap.Round, join = StrokeJoin.Round, pathEffect = dashes),
        )
    }

    /** Stops with their numbers, the next one larger. */
    fun stops(stops: List<StopRow>) {
        for (stop in stops.asReversed()) {
            val at = camera.toScreen(stop.position).offset()
            val radius = px(if (stop.isNext) 15f else 11f)
            scope.drawCircle(colors.routeCasing, radius + px(2f), at)
            scope.drawCircle(colors.route, radius, at)
            centred(stop.number.toString(), at, if (stop.isNext) 14f else 11f, colors.routeCasing)
        }
    }

    /** Leads by themselves as dots, several as a ring of their statuses with their number. */
    fun markers(
        markers: List<Marker>,
        selected: LeadId?,
    ) {
        for (marker in markers.sortedBy { it.pins.any { pin -> pin.id == selected } }) {
            val pin = marker.pins.singleOrNull()
            if (pin == null) cluster(marker) else pin(pin, marker.spot.offset(), pin.id == selected)
        }
    }

    private fun pin(
        pin: MapPin,
        at: Offset,
        isSelected: Boolean,
    ) {
        val radius = px(if (isSelected) 12f else 8f)
        scope.drawCircle(Color.Black.copy(alpha = 0.14f), radius + px(3f), at + Offset(0f, px(1f)))
        scope.drawCircle(colors.paper, radius + px(2.5f), at)
        scope.drawCircle(statusColor(pin.status), radius, at)
        if (pin.tier == 1) scope.drawCircle(colors.paper, radius * 0.38f, at)
        if (isSelected) label(pin.name, at - Offset(0f, radius + px(18f)))
    }

    private fun label(
        text: String,
        at: Offset,
    ) {
        val style = TextStyle(color = colors.ink, fontSize = 12.sp, fontWeight = FontWeight.SemiBold)
        val layout = texts.measure(text, style, maxLines = 1)
        val (w, h) = layout.size.width + px(16f) to layout.size.height + px(8f)
        val corner = at - Offset(w / 2, h / 2)
        val round =
            androidx.compose.ui.geometry
                .CornerRadius(px(8f))
        scope.drawRoundRect(Color.Black.copy(alpha = 0.15f), corner + Offset(0f, px(1.5f)), Size(w, h), round)
        scope.drawRoundRect(colors.paper, corner, Size(w, h), round)
        scope.drawText(layout, topLeft = corner + Offset(px(8f), px(4f)))
    }

    private fun cluster(marker: Marker) {
        val at = marker.spot.offset()
        val radius = px(13f + 3f * ln(marker.pins.size.toFloat()))
        scope.drawCircle(Color.Black.copy(alpha = 0.14f), radius + px(3f), at + Offset(0f, px(1f)))
        scope.drawCircle(colors.paper, radius + px(2f), at)
        var from = -90f
        val shares = marker.pins.groupingBy { it.status }.eachCount()
        for ((status, count) in shares.entries.sortedBy { it.key }) {
            val sweep = 360f * count / marker.pins.size
            val box = Size(radius * 2, radius * 2)
            val corner = at - Offset(radius, radius)
            scope.drawArc(statusColor(status), from, sweep, useCenter = false, corner, box, style = Stroke(px(4f)))
            from += sweep
        }
        centred(marker.pins.size.toString(), at, 13f, colors.ink)
    }

    private fun centred(
        text: String,
        at: Offset,
        size: Float,
        color: Color,
    ) {
        val layout = texts.measure(text, TextStyle(color = color, fontSize = size.sp, fontWeight = FontWeight.Bold))
        scope.drawText(layout, topLeft = at - Offset(layout.size.width / 2f, layout.size.height / 2f))
    }

    /** Where the rep is, how exactly that is known, and which way the rep goes. */
    fun me(here: Here) {
        val at = camera.toScreen(here.position).offset()
        val halo = camera.pixels(here.accuracyM).coerceAtLeast(px(14f))
        scope.drawCircle(colors.me.copy(alpha = 0.16f), halo, at)
        here.courseDeg?.let { course ->
            scope.rotate(course.toFloat(), at) {
                val beak =
                    Path().apply {
                        moveTo(at.x, at.y - px(20f))
                        lineTo(at.x - px(7f), at.y - px(9f))
                        lineTo(at.x + px(7f), at.y - px(9f))
                        close()
                    }
                drawPath(beak, colors.me)
            }
        }
        scope.drawCircle(Color.White, px(10f), at)
        scope.drawCircle(colors.me, px(7.5f), at)
    }

    /** How long a round number of metres is. */
    fun scaleBar() {
        val metres = roundMetres(camera.metresPerPixel * px(90f))
        val length = camera.pixels(metres)
        val (x, y) = px(16f) to camera.height - px(16f)
        val text = texts.measure(distanceText(metres), TextStyle(color = colors.ink, fontSize = 11.sp))
        scope.drawText(text, topLeft = Offset(x, y - px(6f) - text.size.height))
        val ends = listOf(Offset(x, y - px(4f)), Offset(x, y), Offset(x + length, y), Offset(x + length, y - px(4f)))
        ends.zipWithNext { from, to -> scope.drawLine(colors.ink, from, to, px(1.5f)) }
    }
}
