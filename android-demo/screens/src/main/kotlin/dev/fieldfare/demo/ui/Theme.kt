package dev.fieldfare.demo.ui

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Shapes
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.Immutable
import androidx.compose.runtime.staticCompositionLocalOf
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import androidx.compose.ui.unit.sp
import dev.fieldfare.LeadStatus

private val Light =
    lightColorScheme(
        primary = Color(0xFF1F5F4E),
        onPrimary = Color.White,
        primaryContainer = Color(0xFFD3EADF),
        onPrimaryContainer = Color(0xFF0B3A2D),
        secondary = Color(0xFF9A5B1E),
        onSecondary = Color.White,
        secondaryContainer = Color(0xFFF7E3CC),
        onSecondaryContainer = Color(0xFF4A2A08),
        tertiary = Color(0xFF2F5D9B),
        onTertiary = Color.White,
        tertiaryContainer = Color(0xFFDAE6F7),
        onTertiaryContainer = Color(0xFF11305A),
        error = Color(0xFFB3372F),
        errorContainer = Color(0xFFFBE0DC),
        onErrorContainer = Color(0xFF5C1610),
        background = Color(0xFFFAF9F5),
        onBackground = Color(0xFF1D211F),
        surface = Color(0xFFFFFFFF),
        onSurface = Color(0xFF1D211F),
        surfaceVariant = Color(0xFFEFEEE8),
        onSurfaceVariant = Color(0xFF5B625D),
        surfaceContainerLowest = Color(0xFFFFFFFF),
        surfaceContainerLow = Color(0xFFF7F6F1),
        surfaceContainer = Color(0xFFF3F2EC),
        surfaceContainerHigh = Color(0xFFEDECE6),
        surfaceContainerHighest = Color(0xFFE7E6DF),
        outline = Color(0xFFB9BDB6),
        outlineVariant = Color(0xFFDFE0D9),
    )

private val Dark =
    darkColorScheme(
        primary = Color(0xFF86D0B4),
        onPrimary = Color(0xFF06372A),
        primaryContainer = Color(0xFF1E4A3D),
        onPrimaryContainer = Color(0xFFC4EBDB),
        secondary = Color(0xFFE9B77F),
        onSecondary = Color(0xFF482900),
        secondaryContainer = Color(0xFF55391A),
        onSecondaryContainer = Color(0xFFFBE0C2),
        tertiary = Color(0xFF9CC2F5),
        onTertiary = Color(0xFF08305F),
        tertiaryContainer = Color(0xFF26456F),
        onTertiaryContainer = Color(0xFFD8E7FC),
        error = Color(0xFFFFB0A6),
        errorContainer = Color(0xFF6B211A),
        onErrorContainer = Color(0xFFFFDAD5),
        background = Color(0xFF121614),
        onBackground = Color(0xFFE4E8E4),
        surface = Color(0xFF181D1A),
        onSurface = Color(0xFFE4E8E4),
        surfaceVariant = Color(0xFF2A302C),
        onSurfaceVariant = Color(0xFFA9B2AB),
        surfaceContainerLowest = Color(0xFF0E1210),
        surfaceContainerLow = Color(0xFF181D1A),
        surfaceContainer = Color(0xFF1C221E),
        surfaceContainerHigh = Color(0xFF252B27),
        surfaceContainerHighest = Color(0xFF2F3631),
        outline = Color(0xFF59625B),
        outlineVariant = Color(0xFF343B36),
    )

/** What the map is drawn with. */
@Immutable
data class MapColors(
    val ground: Color,
    val grid: Color,
    val gridStrong: Color,
    val comb: Color,
    val ink: Color,
    val paper: Color,
    val range: Color,
    val route: Color,
    val routeCasing: Color,
    val me: Color,
)

private val LightMap =
    MapColors(
        ground = Color(0xFFF1F0E8),
        grid = Color(0xFFE6E5DB),
        gridStrong = Color(0xFFD9D9CD),
        comb = Color(0xFF1F5F4E),
        ink = Color(0xFF3B423D),
        paper = Color.White,
        range = Color(0xFF2F5D9B),
        route = Color(0xFF2F5D9B),
        routeCasing = Color.White,
        me = Color(0xFF1A73E8),
    )

private val DarkMap =
    MapColors(
        ground = Color(0xFF1A201D),
        grid = Color(0xFF222925),
        gridStrong = Color(0xFF2D3530),
        comb = Color(0xFF86D0B4),
        ink = Color(0xFFC9D2CB),
        paper = Color(0xFF121614),
        range = Color(0xFF9CC2F5),
        route = Color(0xFF8AB8F4),
        routeCasing = Color(0xFF121614),
        me = Color(0xFF6AA8FF),
    )

/** The map's colours of the theme around. */
val LocalMapColors = staticCompositionLocalOf { LightMap }

private val Text =
    Typography().run {
        copy(
            headlineSmall = headlineSmall.copy(fontWeight = FontWeight.SemiBold, fontSize = 22.sp),
            titleLarge = titleLarge.copy(fontWeight = FontWeight.SemiBold, fontSize = 20.sp),
            titleMedium = titleMedium.copy(fontWeight = FontWeight.SemiBold),
            labelLarge = labelLarge.copy(fontWeight = FontWeight.SemiBold),
        )
    }

private val Corners =
    Shapes(
        small = RoundedCornerShape(10.dp),
        medium = RoundedCornerShape(16.dp),
        large = RoundedCornerShape(24.dp),
    )

/** The demo's look, light or dark. */
@Composable
fun DemoTheme(
    isDark: Boolean = isSystemInDarkTheme(),
    content: @Composable () -> Unit,
) {
    CompositionLocalProvider(LocalMapColors provides if (isDark) DarkMap else LightMap) {
        MaterialTheme(
            colorScheme = if (isDark) Dark else Light,
            typography = Text,
            shapes = Corners,
            content = content,
        )
    }
}

/** One colour for each status, the same on map and lists. */
fun statusColor(status: LeadStatus): Color =
    when (status) {
        LeadStatus.NEW -> Color(0xFF4C86D6)
        LeadStatus.OPEN -> Color(0xFF2A9D8F)
        LeadStatus.CONTACTED -> Color(0xFFD9952B)
        LeadStatus.QUALIFIED -> Color(0xFFD0603F)
        LeadStatus.CUSTOMER -> Color(0xFF4B8B3B)
        LeadStatus.LOST -> Color(0xFF8B8F8C)
        LeadStatus.DO_NOT_CONTACT -> Color(0xFF5A4A57)
    }
