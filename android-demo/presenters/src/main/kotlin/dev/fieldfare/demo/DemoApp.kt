package dev.fieldfare.demo

import dev.fieldfare.Fieldfare
import dev.fieldfare.LeadId
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.plus
import java.time.InstantSource
import java.time.ZoneId

/** The four places the bar at the bottom leads to. */
enum class Tab(
    val text: String,
) {
    NEAR_ME("Near me"),
    TODAY("Today"),
    SYNC("Sync"),
    PRIVACY("Privacy"),
}

/** What lies over the tab. */
sealed interface Sheet {
    /** A lead's details. */
    data class Details(
        val lead: LeadId,
    ) : Sheet

    /** The visit form. */
    data class Visit(
        val lead: LeadId,
    ) : Sheet
}

/** Where the rep is in the app. */
data class Place(
    val tab: Tab = Tab.NEAR_ME,
    val sheet: Sheet? = null,
)

/** The app without its screens: the presenters, and where the rep is among them. */
class DemoApp(
    val phone: Fieldfare,
    val intake: FixIntake,
    plans: DayPlans,
    outer: CoroutineScope,
    deviceName: String,
    clock: InstantSource = InstantSource.system(),
    zone: ZoneId = ZoneId.systemDefault(),
) : AutoCloseable {
    private val scope = outer + SupervisorJob(outer.coroutineContext[Job])
    val nearMe = NearMePresenter(phone, intake, scope)
    val today = TodayPresenter(plans, intake, scope, zone)
    val details = LeadDetailsPresenter(phone, intake, scope, clock)
    val visit = VisitFormPresenter(phone, intake, scope, clock)
    val consent = ConsentPresenter(phone, scope, clock)
    val sync = SyncPresenter(phone, scope, clock)
    val enrol = EnrolPresenter(phone, scope, deviceName, onEnrolled = sync::syncNow)
    private val mutablePlace = MutableStateFlow(Place())

    /** Where the rep is. */
    val place: StateFlow<Place> = mutablePlace.asStateFlow()

    fun start() {
        enrol.start()
        nearMe.start()
        today.start()
        consent.start()
        sync.start()
    }

    fun open(tab: Tab) = mutablePlace.update { Place(tab) }

    fun openLead(lead: LeadId) {
        details.show(lead)
        mutablePlace.update { it.copy(sheet = Sheet.Details(lead)) }
    }

    fun openVisit(lead: LeadId) {
        visit.begin(lead)
        mutablePlace.update { it.copy(sheet = Sheet.Visit(lead)) }
    }

    /** Ends what the presenters look at; the engine stays open. */
    override fun close() = scope.cancel()

    fun closeSheet() = mutablePlace.update { it.copy(sheet = null) }
}
