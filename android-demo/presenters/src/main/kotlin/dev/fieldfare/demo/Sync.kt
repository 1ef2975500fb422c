package dev.fieldfare.demo

import dev.fieldfare.Conflict
import dev.fieldfare.EngineStatus
import dev.fieldfare.FieldChange
import dev.fieldfare.FieldValue
import dev.fieldfare.Fieldfare
import dev.fieldfare.FieldfareException
import dev.fieldfare.LeadId
import dev.fieldfare.OperationId
import dev.fieldfare.PendingChange
import dev.fieldfare.RefusedChange
import dev.fieldfare.RejectCode
import dev.fieldfare.SyncState
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.time.Duration
import java.time.InstantSource

/** A change that waits, as a rep reads it. */
data class ChangeRow(
    val id: OperationId,
    val title: String,
    val fields: List<String>,
)

/** A change the server refused. */
data class RefusedRow(
    val change: ChangeRow,
    val reason: String,
    val canRetry: Boolean,
)

/** A value that lost a merge. */
data class ConflictRow(
    val title: String,
    val kept: String,
    val lost: String,
)

/** How this phone and the server stand. */
data class SyncScreenState(
    val isRunning: Boolean = false,
    val headline: String = "",
    val detail: String = "",
    val leads: Long = 0,
    val pending: List<ChangeRow> = emptyList(),
    val refused: List<RefusedRow> = emptyList(),
    val conflicts: List<ConflictRow> = emptyList(),
    val problem: String? = null,
) {
    /** For the badge at the tab. */
    val badge: Int get() = refused.size
}

/** Sync: how it goes, what waits, what was refused and what lost a merge. */
class SyncPresenter(
    private val phone: Fieldfare,
    private val scope: CoroutineScope,
    private val clock: InstantSource,
) {
    private val mutableState = MutableStateFlow(SyncScreenState())

    /** What the screen shows. */
    val state: StateFlow<SyncScreenState> = mutableState.asStateFlow()

    fun start() {
        scope.launch { phone.syncState.collect(::showSync) }
        scope.launch { tryTo(::say) { phone.watch { lists() }.collect(::showLists) } }
    }

    fun syncNow() {
        scope.launch {
            try {
                phone.sync()
            } catch (_: FieldfareException) {
                // Shown by the sync state.
            }
        }
    }

    /** Offers a refused change again. */
    fun retry(id: OperationId) = act { retryRefused(id) }

    /** Puts a refused change away: the lead is again as the server has it. */
    fun discard(id: OperationId) = act { discardRefused(id) }

    private fun act(action: suspend Fieldfare.() -> Unit) {
        scope.launch {
            tryTo(::say) {
                phone.action()
                mutableState.update { it.copy(problem = null) }
            }
        }
    }

    private suspend fun showSync(sync: SyncState) {
        when (sync) {
            is SyncState.Running -> {
                mutableState.update { it.copy(isRunning = true, headline = "Syncing", detail = progressText(sync)) }
            }

            is SyncState.Failed -> {
                val why = problemText(sync.error)
                mutableState.update { it.copy(isRunning = false, headline = "Not synced", detail = why) }
            }

            is SyncState.Idle -> {
                tryTo(::say) { showAtRest(phone.status()) }
            }
        }
    }

    private fun showAtRest(status: EngineStatus) {
        val at = status.lastSyncAt
        val age = at?.let { Duration.between(it, clock.instant()).coerceAtLeast(Duration.ZERO) }
        val headline = if (age == null) "Never synced" else "Up to date"
        val detail = if (age == null) "Sync once to get your leads." else "Last sync ${agoText(age)}"
        mutableState.update { it.copy(isRunning = false, headline = headline, detail = detail) }
    }

    private data class Lists(
        val leads: Long,
        val pending: List<ChangeRow>,
        val refused: List<RefusedRow>,
        val conflicts: List<ConflictRow>,
    )

    private suspend fun Fieldfare.lists(): Lists {
        val (pending, refused, conflicts) = Triple(pending(), refused(), conflicts())
        val rows = pending.map { it.row } + refused.map { it.change.row } + conflicts.map { it.row }
        val names = names(rows)
        return Lists(
            leads = status().counts.leads,
            pending = pending.map { rowOf(it, names) },
            refused = refused.map { rowOf(it, names) },
            conflicts = conflicts.map { rowOf(it, names) },
        )
    }

    private suspend fun Fieldfare.names(rows: List<String>): Map<LeadId, String> =
        rows
            .distinct()
            .chunked(200)
            .flatMap { leads(it) }
            .associate { it.id to it.name }

    private fun showLists(lists: Lists) =
        mutableState.update {
            it.copy(leads = lists.leads, pending = lists.pending, refused = lists.refused, conflicts = lists.conflicts)
        }

    private fun say(problem: String) = mutableState.update { it.copy(problem = problem) }
}

private fun progressText(sync: SyncState.Running): String {
    val (pushed, frames, rows) = sync.progress.run { Triple(pushed, frames, rows) }
    return "$pushed sent, $rows received in $frames frames"
}

private fun rowOf(
    change: PendingChange,
    names: Map<LeadId, String>,
): ChangeRow {
    val name = names[change.row]
    val title =
        when {
            change.entity == "visit" -> "Visit"
            change.isNewRow -> "New lead: ${name ?: "…"}"
            else -> name ?: "A lead that is gone"
        }
    return ChangeRow(change.id, title, change.fields.filter(::isTelling).map { fieldText(it, change.isNewRow) })
}

/** Ids and moments say nothing to a rep. */
private fun isTelling(field: FieldChange): Boolean =
    field.after !is FieldValue.Bytes && !field.column.endsWith("_at") && !field.column.endsWith("_id")

private fun fieldText(
    field: FieldChange,
    isNew: Boolean,
): String {
    val after = valueText(field.after)
    val name = columnText(field.column)
    return if (isNew) "$name: $after" else "$name: ${valueText(field.before)} → $after"
}

private fun rowOf(
    refused: RefusedChange,
    names: Map<LeadId, String>,
): RefusedRow = RefusedRow(rowOf(refused.change, names), reasonText(refused.code), refused.code != RejectCode.DELETED)

private fun reasonText(code: RejectCode): String =
    when (code) {
        RejectCode.OUT_OF_SCOPE -> "The lead is not in your territory any more."
        RejectCode.DELETED -> "The lead was deleted in the office."
        RejectCode.EXISTS -> "There is such a lead already."
        RejectCode.READ_ONLY -> "This field can only be changed in the office."
        RejectCode.INVALID -> "The server does not accept the value."
        RejectCode.TRANSITION -> "The lead cannot go from its status to that one."
        RejectCode.DEPENDENCY -> "It needs another change that was refused."
        RejectCode.GROUP -> "It belongs to changes of which one was refused."
        RejectCode.RULE -> "A rule of your company forbids it."
        RejectCode.OTHER -> "The server refused it."
    }

private fun rowOf(
    conflict: Conflict,
    names: Map<LeadId, String>,
): ConflictRow {
    val (mine, theirs) = "from this phone" to "from the office"
    val (keptBy, lostBy) = if (conflict.phoneWon) mine to theirs else theirs to mine
    val column = conflict.column?.let(::columnText)
    return ConflictRow(
        title = listOfNotNull(names[conflict.row], column).joinToString(": "),
        kept = "${valueText(conflict.kept)} ($keptBy)",
        lost = "${valueText(conflict.lost)} ($lostBy)",
    )
}
