package dev.fieldfare.demo.ui

import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.StrokeJoin
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.graphics.vector.addPathNodes
import androidx.compose.ui.unit.dp

/** The demo's own icons: lines of two units on a field of 24. */
object Icons {
    val Pin =
        lines(
            "pin",
            "M12 21 C12 21 5 14.5 5 9.5 A7 7 0 0 1 19 9.5 C19 14.5 12 21 12 21 Z M12 12 A2.5 2.5 0 1 0 12 7 A2.5 2.5 0 1 0 12 12 Z",
        )
    val Route =
        lines(
            "route",
            "M6 19 A2 2 0 1 0 6 15 A2 2 0 1 0 6 19 Z M18 9 A2 2 0 1 0 18 5 A2 2 0 1 0 18 9 Z M8 17 H14.5 A3.5 3.5 0 0 0 14.5 10 H9.5 A3.5 3.5 0 0 1 9.5 7 H16",
        )
    val Sync = lines("sync", "M4 12 A8 8 0 0 1 18 6.7 M18 3 V7 H14 M20 12 A8 8 0 0 1 6 17.3 M6 21 V17 H10")
    val Shield =
        lines("shield", "M12 3 L19 6 V11 C19 16 16 19.5 12 21 C8 19.5 5 16 5 11 V6 Z M9 12 L11.3 14.3 L15.3 9.8")
    val Search = lines("search", "M10.5 17 A6.5 6.5 0 1 0 10.5 4 A6.5 6.5 0 1 0 10.5 17 Z M15.5 15.5 L20 20")
    val Locate = lines("locate", "M12 17 A5 5 0 1 0 12 7 A5 5 0 1 0 12 17 Z M12 3 V7 M12 17 V21 M3 12 H7 M17 12 H21")
    val Close = lines("close", "M6 6 L18 18 M18 6 L6 18")
    val Phone =
        lines(
            "phone",
            "M6 4 H9 L10.5 8.5 L8.5 10 C9.5 12.2 11.8 14.5 14 15.5 L15.5 13.5 L20 15 V18 C20 19.2 19 20 18 20 C10.5 20 4 13.5 4 6 C4 5 4.9 4 6 4 Z",
        )
    val Mail = lines("mail", "M4 6 H20 V18 H4 Z M4 7 L12 13 L20 7")
    val Note = lines("note", "M6 4 H18 V20 H6 Z M9 9 H15 M9 13 H15")
    val Clock = lines("clock", "M12 20 A8 8 0 1 0 12 4 A8 8 0 1 0 12 20 Z M12 8 V12.5 L15 14")
    val Check = lines("check", "M5 12.5 L10 17.5 L19 7")
    val Warning = lines("warning", "M12 4 L21 19.5 H3 Z M12 10 V14 M12 16.8 V17")
    val Bell =
        lines(
            "bell",
            "M6 17 H18 C16.6 15.6 16.5 14 16.5 11 A4.5 4.5 0 0 0 7.5 11 C7.5 14 7.4 15.6 6 17 Z M10.5 20 H13.5 M12 4.5 V6",
        )
    val Next = lines("next", "M9 6 L15 12 L9 18")
    val Navigate = lines("navigate", "M12 3.5 L19 20 L12 16.5 L5 20 Z")
    val Add = lines("add", "M12 5 V19 M5 12 H19")
    val Edit = lines("edit", "M5 19 L6 15 L15.5 5.5 L18.5 8.5 L9 18 Z")
    val Skip = lines("skip", "M5 6 L13 12 L5 18 Z M18 6 V18")

    private fun lines(
        name: String,
        path: String,
    ): ImageVector =
        ImageVector
            .Builder(name, 24.dp, 24.dp, 24f, 24f)
            .addPath(
                pathData = addPathNodes(path),
                stroke = SolidColor(Color.Black),
                strokeLineWidth = 2f,
                strokeLineCap = StrokeCap.Round,
                strokeLineJoin = StrokeJoin.Round,
            ).build()
}
