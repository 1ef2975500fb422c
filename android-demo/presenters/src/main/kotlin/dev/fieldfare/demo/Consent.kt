package dev.fieldfare.demo

import dev.fieldfare.ConsentAction
import dev.fieldfare.ConsentEntry
import dev.fieldfare.ConsentState
import dev.fieldfare.Fieldfare
import dev.fieldfare.LedgerState
import dev.fieldfare.Purpose
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.time.Duration
import java.time.InstantSource

/** One use of location the rep decides on. */
data class PurposeRow(
    val purpose: Purpose,
    val title: String,
    val explanation: String,
    val isGranted: Boolean,
)

/** An entry of the ledger. */
data class LedgerRow(
    val text: String,
    val ago: String,
    val isAcknowledged: Boolean,
)

/** What the rep agreed to. */
data class ConsentScreenState(
    val purposes: List<PurposeRow> = emptyList(),
    val ledger: List<LedgerRow> = emptyList(),
    val warning: String? = null,
    val export: String? = null,
    val problem: String? = null,
)

/** Consent: one switch for each purpose, and the ledger of what was decided. */
class ConsentPresenter(
    private val phone: Fieldfare,
    private val scope: CoroutineScope,
    private val clock: InstantSource,
) {
    private val mutableState = MutableStateFlow(ConsentScreenState())

    /** What the screen shows. */
    val state: StateFlow<ConsentScreenState> = mutableState.asStateFlow()

    fun start() {
        scope.launch {
            tryTo(::say) {
                phone.watch { consentState() to consents() }.collect { (now, entries) -> show(now, entries) }
            }
        }
    }

    /** Withdrawing deletes what was not sent, at once. */
    fun decide(
        purpose: Purpose,
        isGranted: Boolean,
    ) {
        scope.launch {
            tryTo(::say) {
                if (isGranted) {
                    phone.grant(purpose, TEXT_VERSION, LANGUAGE)
                } else {
                    phone.withdraw(purpose)
                }
                mutableState.update { it.copy(problem = null) }
            }
        }
    }

    fun export() {
        scope.launch {
            tryTo(::say) {
                val json = phone.exportMyData()
                mutableState.update { it.copy(export = json) }
            }
        }
    }

    fun closeExport() = mutableState.update { it.copy(export = null) }

    private fun show(
        now: ConsentState,
        entries: List<ConsentEntry>,
    ) {
        val granted = now.purposes.filter { it.isGranted }.map { it.purpose }
        mutableState.update {
            it.copy(
                purposes =
                    EXPLAINED.map { (purpose, text) ->
                        PurposeRow(
                            purpose,
                            purposeText(purpose),
                            text,
                            purpose in granted,
                        )
                    },
                ledger = entries.reversed().map(::rowOf),
                warning = warningText(now.ledger),
            )
        }
    }

    private fun rowOf(entry: ConsentEntry): LedgerRow {
        val verb = if (entry.action == ConsentAction.GRANT) "Agreed to" else "Withdrew"
        val age = Duration.between(entry.at, clock.instant()).coerceAtLeast(Duration.ZERO)
        return LedgerRow("$verb: ${purposeText(entry.purpose)}", agoText(age), entry.isAcknowledged)
    }

    private fun say(problem: String) = mutableState.update { it.copy(problem = problem) }

    companion object {
        /** The version of the texts below; a change of them is a new one. */
        const val TEXT_VERSION = "2026-11"
        private const val LANGUAGE = "en"

        /** What the rep is told before deciding. */
        val EXPLAINED =
            mapOf(
                Purpose.PROXIMITY_ALERTS to
                    "The phone compares your position with your leads and tells you. Your position stays on the phone.",
                Purpose.VISIT_CHECK_IN to "A visit you record carries the place where you recorded it.",
                Purpose.NAVIGATION to
                    "The phone remembers where on the route you are, to go on there if the app is closed in between.",
                Purpose.LIVE_TRACKING to
                    "While this is on, your company sees where you are. Off means off: what was not sent is deleted.",
            )
    }
}

private fun warningText(ledger: LedgerState): String? =
    when (ledger) {
        LedgerState.NONE, LedgerState.WHOLE -> null
        LedgerState.ROLLED_BACK -> "This phone's record of your decisions is older than the server's. Decide again."
        LedgerState.DAMAGED -> "This phone's record of your decisions is damaged. Nothing counts as agreed to."
    }
