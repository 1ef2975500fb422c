package dev.fieldfare.demo

import dev.fieldfare.Fieldfare
import dev.fieldfare.LeadFilter
import dev.fieldfare.LeadId
import dev.fieldfare.LeadStatus
import dev.fieldfare.NearbyLead
import dev.fieldfare.NearbyQuery
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** What the rep looks for. */
data class NearMeWish(
    val radiusM: Int = 1_000,
    val status: LeadStatus? = null,
    val text: String = "",
)

/** The map and the list of leads near the rep. */
data class NearMeState(
    val wish: NearMeWish = NearMeWish(),
    val here: Here? = null,
    val rows: List<LeadRow> = emptyList(),
    val total: Int = 0,
    val pins: List<MapPin> = emptyList(),
    val selected: LeadId? = null,
    val alert: LeadRow? = null,
    val problem: String? = null,
) {
    /** What is above the list. */
    val headline: String
        get() =
            when {
                problem != null -> problem
                wish.text.isNotBlank() -> "$total found"
                here == null -> "Waiting for your position"
                total == 1 -> "1 lead within ${distanceText(wish.radiusM.toDouble())}"
                else -> "$total leads within ${distanceText(wish.radiusM.toDouble())}"
            }
}

/** Leads near the rep, on the map and in a list, as the rep moves and as data changes. */
class NearMePresenter(
    private val phone: Fieldfare,
    private val intake: FixIntake,
    private val scope: CoroutineScope,
) {
    private val wish = MutableStateFlow(NearMeWish())
    private val mutableState = MutableStateFlow(NearMeState())

    /** What the screen shows. */
    val state: StateFlow<NearMeState> = mutableState.asStateFlow()

    /** Begins to look, until the scope ends. */
    fun start() {
        scope.launch { watchLeads() }
        scope.launch { watchPins() }
        scope.launch { phone.alerts.collect(::alert) }
    }

    fun setRadius(metres: Int) = wish.update { it.copy(radiusM = metres) }

    /** Only leads of this status; of any, if null or asked for again. */
    fun setStatus(status: LeadStatus?) = wish.update { it.copy(status = status.takeIf { new -> new != it.status }) }

    fun setText(text: String) {
        mutableState.update { it.copy(wish = it.wish.copy(text = text)) }
        wish.update { it.copy(text = text) }
    }

    fun select(lead: LeadId?) = mutableState.update { it.copy(selected = lead.takeIf { new -> new != it.selected }) }

    fun dismissAlert() = mutableState.update { it.copy(alert = null) }

    private suspend fun watchLeads() =
        combine(intake.here, wish, ::Pair).distinctUntilChanged().collectLatest { (here, wish) ->
            mutableState.update { it.copy(here = here, wish = wish) }
            tryTo(::say) {
                phone.watch { found(here, wish) }.collect { found ->
                    mutableState.update { it.copy(rows = found.rows, total = found.total, problem = null) }
                }
            }
        }

    private suspend fun watchPins() =
        tryTo(::say) {
            wish.collectLatest { wish ->
                val filter = LeadFilter(statuses = listOfNotNull(wish.status))
                phone.watch { allLeads(filter).toList().mapNotNull(::pinOf) }.collect { pins ->
                    mutableState.update { it.copy(pins = pins) }
                }
            }
        }

    private fun say(problem: String) = mutableState.update { it.copy(problem = problem) }

    private data class Found(
        val rows: List<LeadRow>,
        val total: Int,
    )

    private suspend fun Fieldfare.found(
        here: Here?,
        wish: NearMeWish,
    ): Found =
        when {
            wish.text.isNotBlank() -> searched(here, wish)
            here == null -> Found(emptyList(), 0)
            else -> near(here, wish)
        }

    private suspend fun Fieldfare.near(
        here: Here,
        wish: NearMeWish,
    ): Found {
        val statuses = listOfNotNull(wish.status)
        val query = NearbyQuery(radiusM = wish.radiusM.toDouble(), limit = LIST, statuses = statuses)
        val near = nearby(here.position, query)
        return Found(near.leads.map { LeadRow.of(it.lead, it.distanceM) }, near.total)
    }

    private suspend fun Fieldfare.searched(
        here: Here?,
        wish: NearMeWish,
    ): Found {
        val hits = search(wish.text, LIST).filter { wish.status == null || it.status == wish.status }
        return Found(hits.map { LeadRow.of(it, metresTo(here?.position, it)) }, hits.size)
    }

    private fun alert(near: NearbyLead) = mutableState.update { it.copy(alert = LeadRow.of(near.lead, near.distanceM)) }

    companion object {
        /** Radii to choose from, metres. */
        val RADII = listOf(250, 500, 1_000, 2_000)
        private const val LIST = 100
    }
}
