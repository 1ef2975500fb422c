package dev.fieldfare.demo

import dev.fieldfare.FieldfareException

/** Runs what may fail, and says in the rep's words what did. */
internal suspend fun tryTo(
    say: (String) -> Unit,
    block: suspend () -> Unit,
) {
    try {
        block()
    } catch (e: FieldfareException) {
        say(problemText(e))
    }
}
