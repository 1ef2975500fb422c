package dev.fieldfare

import kotlinx.coroutines.flow.MutableStateFlow

/** How a sync is going. */
public sealed interface SyncState {
    /** None runs. [last] is what the last one did; null if there was none since the start or it was cancelled. */
    public data class Idle(
        /** What the last sync did. */
        val last: SyncReport?,
    ) : SyncState

    /** One runs and has come this far. */
    public data class Running(
        /** So far. */
        val progress: SyncProgress,
    ) : SyncState

    /** None runs; the last one failed. */
    public data class Failed(
        /** Why. */
        val error: FieldfareException,
    ) : SyncState
}

internal class ProgressInto(
    private val state: MutableStateFlow<SyncState>,
) : SyncListener {
    override fun progress(progress: SyncProgress) {
        state.value = SyncState.Running(progress)
    }
}
