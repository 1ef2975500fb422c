package dev.fieldfare.demo

import dev.fieldfare.Fieldfare
import dev.fieldfare.Fix
import dev.fieldfare.FixContext
import dev.fieldfare.FixOutcome
import dev.fieldfare.LatLng
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import java.time.Instant

/** Where the rep is. Kept in memory, for the screens that are shown. */
data class Here(
    val position: LatLng,
    val accuracyM: Double,
    val at: Instant,
    val courseDeg: Double?,
)

/**
 * Where fixes enter the app: the location service on a phone, a simulated walk on a desktop. Each goes to the engine,
 * which uses it for what the rep agreed to and for nothing else, and to the screens.
 */
class FixIntake(
    private val phone: Fieldfare,
) {
    private val mutableHere = MutableStateFlow<Here?>(null)

    /** The last fix; null before the first. */
    val here: StateFlow<Here?> = mutableHere.asStateFlow()

    /** Takes a fix; the engine answers when it wants the next. */
    suspend fun take(
        fix: Fix,
        courseDeg: Double? = null,
        context: FixContext = FixContext(),
    ): FixOutcome {
        mutableHere.value = Here(fix.position, fix.accuracyM, fix.at, courseDeg)
        return phone.fix(fix, context)
    }

    /** Forgets where the rep is. */
    fun clear() {
        mutableHere.value = null
    }
}
