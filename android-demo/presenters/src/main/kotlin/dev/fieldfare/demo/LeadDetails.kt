package dev.fieldfare.demo

import dev.fieldfare.Fieldfare
import dev.fieldfare.Lead
import dev.fieldfare.LeadEdit
import dev.fieldfare.LeadId
import dev.fieldfare.Visit
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.time.Duration
import java.time.InstantSource

/** A visit in a lead's history. */
data class VisitRow(
    val outcome: String,
    val note: String?,
    val ago: String,
    val isPending: Boolean,
)

/** One lead. */
data class LeadDetailsState(
    val row: LeadRow? = null,
    val phone: String? = null,
    val email: String? = null,
    val notes: String? = null,
    val hours: String = "",
    val precision: String? = null,
    val visits: List<VisitRow> = emptyList(),
    val isEditing: Boolean = false,
    val draftPhone: String = "",
    val draftNotes: String = "",
    val problem: String? = null,
)

/** A lead's details and small edits, saved on the phone at once. */
class LeadDetailsPresenter(
    private val phone: Fieldfare,
    private val intake: FixIntake,
    private val scope: CoroutineScope,
    private val clock: InstantSource,
) {
    private val mutableState = MutableStateFlow(LeadDetailsState())
    private var watching: Job? = null
    private var shown: LeadId? = null

    /** What the screen shows. */
    val state: StateFlow<LeadDetailsState> = mutableState.asStateFlow()

    fun show(lead: LeadId) {
        watching?.cancel()
        shown = lead
        mutableState.value = LeadDetailsState()
        watching =
            scope.launch {
                tryTo(::say) {
                    phone.watch { lead(lead) to visits(lead) }.collect { (lead, visits) -> show(lead, visits) }
                }
            }
    }

    fun edit() =
        mutableState.update {
            it.copy(isEditing = true, draftPhone = it.phone.orEmpty(), draftNotes = it.notes.orEmpty())
        }

    fun draft(
        phone: String = state.value.draftPhone,
        notes: String = state.value.draftNotes,
    ) = mutableState.update { it.copy(draftPhone = phone, draftNotes = notes) }

    fun cancelEdit() = mutableState.update { it.copy(isEditing = false) }

    fun saveEdit() {
        val lead = shown ?: return
        scope.launch {
            val draft = state.value
            tryTo(::say) {
                val edits =
                    listOfNotNull(
                        LeadEdit.Phone(draft.draftPhone.ifBlank { null }).takeIf {
                            draft.draftPhone !=
                                draft.phone.orEmpty()
                        },
                        LeadEdit.Notes(draft.draftNotes.ifBlank { null }).takeIf {
                            draft.draftNotes !=
                                draft.notes.orEmpty()
                        },
                    )
                if (edits.isNotEmpty()) {
                    phone.editLead(lead, *edits.toTypedArray())
                }
                mutableState.update { it.copy(isEditing = false, problem = null) }
            }
        }
    }

    private fun say(problem: String) = mutableState.update { it.copy(problem = problem) }

    private fun show(
        lead: Lead,
        visits: List<Visit>,
    ) = mutableState.update {
        it.copy(
            row = LeadRow.of(lead, metresTo(intake.here.value?.position, lead)),
            phone = lead.phone,
            email = lead.email,
            notes = lead.notes,
            hours = lead.contactHours,
            precision = lead.geocode.uncertaintyM?.let { metres -> "Known to ${distanceText(metres.toDouble())}" },
            visits = visits.map(::rowOf),
            problem = null,
        )
    }

    private fun rowOf(visit: Visit): VisitRow {
        val age = Duration.between(visit.startedAt, clock.instant()).coerceAtLeast(Duration.ZERO)
        return VisitRow(outcomeText(visit.outcome), visit.note, agoText(age), visit.isPending)
    }
}
