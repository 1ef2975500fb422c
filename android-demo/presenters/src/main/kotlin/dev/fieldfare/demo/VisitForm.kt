package dev.fieldfare.demo

import dev.fieldfare.Fieldfare
import dev.fieldfare.LeadId
import dev.fieldfare.LeadStatus
import dev.fieldfare.NewVisit
import dev.fieldfare.VisitOutcome
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.time.Duration
import java.time.Instant
import java.time.InstantSource

/** When to come back. */
enum class FollowUp(
    val text: String,
    val after: Duration?,
) {
    NEVER("No", null),
    TOMORROW("Tomorrow", Duration.ofDays(1)),
    NEXT_WEEK("In a week", Duration.ofDays(7)),
    NEXT_MONTH("In a month", Duration.ofDays(30)),
}

/** The visit form. */
data class VisitFormState(
    val lead: LeadId? = null,
    val name: String = "",
    val address: String = "",
    val outcome: VisitOutcome? = null,
    val note: String = "",
    val followUp: FollowUp = FollowUp.NEVER,
    val statuses: List<LeadStatus> = emptyList(),
    val status: LeadStatus? = null,
    val isSaving: Boolean = false,
    val isSaved: Boolean = false,
    val problem: String? = null,
) {
    val canSave: Boolean get() = outcome != null && !isSaving && !isSaved
}

/** Records a visit. It is safe on the phone when [VisitFormState.isSaved] is set, with or without a connection. */
class VisitFormPresenter(
    private val phone: Fieldfare,
    private val intake: FixIntake,
    private val scope: CoroutineScope,
    private val clock: InstantSource,
) {
    private val mutableState = MutableStateFlow(VisitFormState())
    private var startedAt: Instant = Instant.EPOCH

    /** What the screen shows. */
    val state: StateFlow<VisitFormState> = mutableState.asStateFlow()

    fun begin(lead: LeadId) {
        startedAt = clock.instant()
        mutableState.value = VisitFormState(lead = lead)
        scope.launch {
            tryTo(::say) {
                val found = phone.lead(lead)
                mutableState.update {
                    it.copy(
                        name = found.name,
                        address = addressText(found.address),
                        statuses = nextStatuses(found.status),
                    )
                }
            }
        }
    }

    fun setOutcome(outcome: VisitOutcome) = mutableState.update { it.copy(outcome = outcome) }

    fun setNote(note: String) = mutableState.update { it.copy(note = note) }

    fun setFollowUp(followUp: FollowUp) = mutableState.update { it.copy(followUp = followUp) }

    fun setStatus(status: LeadStatus) =
        mutableState.update { it.copy(status = status.takeIf { new -> new != it.status }) }

    fun save() {
        val form = state.value
        val (lead, outcome) = (form.lead ?: return) to (form.outcome ?: return)
        if (!form.canSave) return
        mutableState.update { it.copy(isSaving = true, problem = null) }
        scope.launch {
            tryTo(::say) {
                val now = clock.instant()
                phone.recordVisit(
                    NewVisit(
                        lead = lead,
                        outcome = outcome,
                        note = form.note.trim().ifEmpty { null },
                        startedAt = startedAt,
                        endedAt = now,
                        followUpAt = form.followUp.after?.let(now::plus),
                        // Kept only if the rep agreed to it.
                        position = intake.here.value?.position,
                        status = form.status,
                    ),
                )
                mutableState.update { it.copy(isSaved = true) }
            }
            mutableState.update { it.copy(isSaving = false) }
        }
    }

    private fun say(problem: String) = mutableState.update { it.copy(problem = problem) }
}

/** Statuses a visit may move a lead on to. */
fun nextStatuses(now: LeadStatus): List<LeadStatus> =
    when (now) {
        LeadStatus.DO_NOT_CONTACT -> {
            emptyList()
        }

        LeadStatus.CUSTOMER -> {
            listOf(LeadStatus.LOST, LeadStatus.DO_NOT_CONTACT)
        }

        else -> {
            val all = listOf(LeadStatus.CONTACTED, LeadStatus.QUALIFIED, LeadStatus.CUSTOMER, LeadStatus.LOST)
            all.filter { it != now } + LeadStatus.DO_NOT_CONTACT
        }
    }
