package dev.fieldfare

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.withContext
import java.time.Duration
import java.time.Instant
import java.time.LocalDate
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicBoolean

/**
 * The engine of a field-sales app: leads, proximity, visits, consent and sync, offline first.
 *
 * Open one for each folder and process with [Fieldfare.open] and keep it for as long as the app runs. Every call
 * suspends instead of blocking, so it may come from the main thread. What it writes is durable when it returns.
 *
 * Failures are [FieldfareException]s, one class for each kind.
 */
public class Fieldfare private constructor(
    private val engine: FieldfareEngine,
    private val dispatcher: CoroutineDispatcher,
    private val ownTransport: AutoCloseable?,
) : AutoCloseable {
    private val isClosed = AtomicBoolean(false)
    private val inboxes: MutableSet<Inbox> = ConcurrentHashMap.newKeySet()
    private val mutableAlerts =
        MutableSharedFlow<NearbyLead>(extraBufferCapacity = ALERT_BUFFER, onBufferOverflow = BufferOverflow.DROP_OLDEST)
    private val mutableSyncState = MutableStateFlow<SyncState>(SyncState.Idle(null))

    /**
     * What changed, in batches, from the moment of collecting. Notices that come while the collector is busy are
     * merged, none is lost. Ends when the engine is closed.
     */
    public val changes: Flow<ChangeNotice> =
        flow {
            withInbox { inbox ->
                for (signal in inbox.signals) {
                    emit(inbox.take())
                }
            }
        }

    /** Leads the rep should be told of, as [fix] and [fixes] find them. */
    public val alerts: SharedFlow<NearbyLead> = mutableAlerts.asSharedFlow()

    /** How the sync that runs, or ran last, is going. */
    public val syncState: StateFlow<SyncState> = mutableSyncState.asStateFlow()

    /** What happened when the files were opened. */
    public suspend fun openReport(): OpenReport = call { openReport() }

    /**
     * Asks [query] now and again after every change, and gives its answer whenever it is another one. For screens:
     * `fieldfare.watch { nearby(here, NearbyQuery(radiusM = 500.0)) }`.
     */
    public fun <T> watch(query: suspend Fieldfare.() -> T): Flow<T> =
        flow {
            withInbox { inbox ->
                var last = answer(query) ?: return@withInbox
                emit(last.value)
                for (signal in inbox.signals) {
                    inbox.take()
                    val next = answer(query) ?: return@withInbox
                    if (next != last) {
                        last = next
                        emit(next.value)
                    }
                }
            }
        }

    /** Makes this install a device of a rep, by the one-time [code] the company gave out. */
    public suspend fun enrol(
        code: String,
        deviceName: String,
    ): Enrolment = guarded { it.enrol(code, deviceName) }

    /** Who this device belongs to; null before [enrol]. */
    public suspend fun enrolment(): Enrolment? = call { enrolment() }

    /** The rep this device belongs to. */
    public suspend fun rep(): Rep = call { rep() }

    /** Where the engine stands. */
    public suspend fun status(): EngineStatus = call { status() }

    /** A lead. */
    public suspend fun lead(id: LeadId): Lead = call { lead(id) }

    /** Leads in the order asked, at most 200; those that are not there are left out. */
    public suspend fun leads(ids: List<LeadId>): List<Lead> = call { leads(ids) }

    /** A page of 1 to 200 leads, after the [LeadPage.next] of the page before. */
    public suspend fun leadsPage(
        filter: LeadFilter = LeadFilter(),
        order: LeadOrder = LeadOrder.NAME,
        after: String? = null,
        limit: Int = PAGE,
    ): LeadPage = call { leadsPage(filter, order, after, limit) }

    /** Every lead that passes, page by page, as the collector asks for them. */
    public fun allLeads(
        filter: LeadFilter = LeadFilter(),
        order: LeadOrder = LeadOrder.NAME,
    ): Flow<Lead> =
        flow {
            var after: String? = null
            do {
                val page = leadsPage(filter, order, after)
                page.leads.forEach { emit(it) }
                after = page.next
            } while (after != null)
        }

    /**
     * Leads whose name, address or notes have the words typed, best first. The last word may be a beginning; accents
     * and case do not count.
     */
    public suspend fun search(
        text: String,
        limit: Int = PAGE,
    ): List<Lead> = call { search(text, limit) }

    /** The leads of highest score in a part of the map. */
    public suspend fun viewport(
        southWest: LatLng,
        northEast: LatLng,
        limit: Int = PAGE,
    ): Viewport = call { viewport(southWest, northEast, limit) }

    /** Leads near a place: exactly those brute force over all leads would give. */
    public suspend fun nearby(
        position: LatLng,
        query: NearbyQuery,
    ): Nearby = call { nearby(position, query) }

    /** The same without reading the leads: ids and distances of all of them. */
    public suspend fun nearbyIds(
        position: LatLng,
        query: NearbyQuery,
    ): List<NearbyId> = call { nearbyIds(position, query) }

    /** The territories this device holds, by name. */
    public suspend fun territories(): List<Territory> = call { territories() }

    /** Changes fields of a lead, all or none. */
    public suspend fun editLead(
        id: LeadId,
        vararg edits: LeadEdit,
    ): Lead = call { editLead(id, edits.toList()) }

    /** Adds a lead, also without a connection. */
    public suspend fun addLead(lead: NewLead): Lead = call { addLead(lead) }

    /** Records a visit, with the lead's new status where it has one. */
    public suspend fun recordVisit(visit: NewVisit): Visit = call { recordVisit(visit) }

    /** Visits to a lead, or to all, by anybody this phone knows of, latest first. */
    public suspend fun visits(lead: LeadId? = null): List<Visit> = call { visits(lead) }

    /** Takes a fix and does with it what is granted now, and nothing else. Its alerts come in [alerts] too. */
    public suspend fun fix(
        fix: Fix,
        context: FixContext = FixContext(),
    ): FixOutcome = call { fix(fix, context) }.also { tell(it) }

    /** Takes several fixes, as platforms deliver them after a pause, oldest first. One outcome for each. */
    public suspend fun fixes(
        fixes: List<Fix>,
        context: FixContext = FixContext(),
    ): List<FixOutcome> = call { fixes(fixes, context) }.onEach { tell(it) }

    /** The regions for the operating system to watch around a place. */
    public suspend fun fences(
        position: LatLng,
        limit: Int? = null,
    ): Fences = call { fences(position, limit) }

    /** The days for which a plan is on this phone, in order. */
    public suspend fun plannedDates(): List<LocalDate> = call { plannedDates() }

    /**
     * A planned day: this phone's own if there is one, else the server's. Visits recorded meanwhile count as made; the
     * times stay until the day is planned anew.
     */
    public suspend fun day(date: LocalDate): DayPlan = call { day(date) }

    /** Shows the server's plan of a day in place of this phone's own. */
    public suspend fun useServerDay(date: LocalDate): DayPlan = call { useServerDay(date) }

    /** Notes the rep's working days, for planning on this phone. */
    public suspend fun setWorkHours(work: WorkHours): Unit = call { setWorkHours(work) }

    /** The rep's working days as noted here, else as the server's latest plan shows them; null if neither is there. */
    public suspend fun workHours(): WorkHours? = call { workHours() }

    /** Plans a day without a connection, in place of this phone's earlier plan of that day. */
    public suspend fun planDay(request: PlanDay): DayPlan = call { planDay(request) }

    /**
     * Plans the rest of a day anew, without a connection: what was visited is behind, committed visits come first, and
     * of the others no more changes its turn than pays.
     */
    public suspend fun replanDay(
        date: LocalDate,
        update: DayUpdate = DayUpdate(),
    ): ReplannedDay = call { replanDay(date, update) }

    /** Leads that can be visited beside what is still planned, everything planned on time, and the minutes it takes. */
    public suspend fun leadsNearDay(
        date: LocalDate,
        query: NearDayQuery = NearDayQuery(),
    ): NearDay = call { leadsNearDay(date, query) }

    /**
     * Begins to follow the route of a day: the road route that came by sync if it leads through the visits still to
     * come in their order, else straight lines from stop to stop, from [position] if it is given. Needs no consent, as
     * the fixes stay in memory; with consent for navigation the drive outlives the process.
     */
    public suspend fun follow(
        date: LocalDate,
        position: LatLng? = null,
    ): Drive = Drive(call { followDay(date, position) }, dispatcher)

    /**
     * Takes up the drive under way where the process ended, if consent for navigation was and is given and its last fix
     * is not older than [maxAge]. Null if there is nothing to take up.
     */
    public suspend fun resumeFollowing(maxAge: Duration): Drive? =
        call { resumeFollowing(maxAge) }?.let { Drive(it, dispatcher) }

    /**
     * Asks the server for another road route as [RouteAdvice.AskForRoute] advises, and follows it. The server learns
     * where the rep is for this one answer and does not keep it, so consent for navigation is needed. Says whether the
     * route is followed: not if the driver is back on the old one, or the request is not the last.
     */
    public suspend fun fetchRoute(
        drive: Drive,
        request: Int,
    ): Boolean = guarded { it.fetchRoute(drive.session, request) }

    /** Notes that the rep agrees to a use of location, having seen this version of the text in this language. */
    public suspend fun grant(
        purpose: Purpose,
        textVersion: String,
        language: String,
        validUntil: Instant? = null,
    ): ConsentEntry = call { grant(purpose, textVersion, language, validUntil) }

    /** Notes that the rep does not agree any more. Unsent positions of the purpose are gone when it returns. */
    public suspend fun withdraw(purpose: Purpose): ConsentEntry = call { withdraw(purpose) }

    /** This device's consent ledger, oldest entry first. */
    public suspend fun consents(): List<ConsentEntry> = call { consents() }

    /** Where the rep's consent stands now. */
    public suspend fun consentState(): ConsentState = call { consentState() }

    /** Changes without an answer, in the order they were made. */
    public suspend fun pending(): List<PendingChange> = call { pending() }

    /** Changes the server refused for good and the rep has not dealt with, oldest first. */
    public suspend fun refused(): List<RefusedChange> = call { refused() }

    /** Offers a refused change again, on the row as it is now. */
    public suspend fun retryRefused(id: OperationId): Unit = call { retryRefused(id) }

    /** Puts a refused change away. */
    public suspend fun discardRefused(id: OperationId): Unit = call { discardRefused(id) }

    /** Values that lost a merge, latest first. */
    public suspend fun conflicts(): List<Conflict> = call { conflicts() }

    /** Everything this phone holds about the rep, as JSON. */
    public suspend fun exportMyData(): String = call { exportMyData() }

    /**
     * Sends what waits and fetches what changed. Progress shows in [syncState]. Cancelling the coroutine ends it as
     * soon as the step under way is done; what was done stays done, and the next sync goes on from there.
     */
    public suspend fun sync(options: SyncOptions = SyncOptions()): SyncReport =
        guarded { engine ->
            try {
                val report = cancellable { engine.sync(options, ProgressInto(mutableSyncState), it) }
                mutableSyncState.value = SyncState.Idle(report)
                report
            } catch (e: CancellationException) {
                mutableSyncState.value = SyncState.Idle(null)
                throw e
            } catch (e: FieldfareException.Busy) {
                throw e
            } catch (e: FieldfareException) {
                mutableSyncState.value = SyncState.Failed(e)
                throw e
            }
        }

    /**
     * Waits until a [sync] would bring something: true, or false after [maxSeconds]. For an app in front, which then
     * syncs and waits again. One small request is kept open meanwhile; without a connection it tries again after waits
     * that grow. Before the first complete sync there is news at once. One at a time: a second one fails with
     * [FieldfareException.Busy]. Cancelling the coroutine ends it.
     */
    public suspend fun waitForNews(maxSeconds: Int? = null): Boolean =
        guarded { engine -> cancellable { engine.waitForNews(maxSeconds, it) } }

    /** Encrypts the phone's files with a new key. Takes time in proportion to the data. */
    public suspend fun rotateKey(): Unit = call { rotateKey() }

    /** Lets go of the files, as a phone may require of an app in the background. A sync under way ends. */
    public suspend fun suspend(): Unit = call { suspend() }

    /** Opens the files again after [suspend]. Null if they were open. */
    public suspend fun resume(): OpenReport? = call { resume() }

    /**
     * Makes everything on this phone unreadable and gone: the key first, then the files. Refuses while the server
     * lacks changes, unless [force] is set.
     */
    public suspend fun erase(force: Boolean = false): Unit = call { erase(force) }

    /**
     * Lets go of the files for good; [changes] and [watch] end. Again is fine. Calls under way end with their result or
     * with [FieldfareException.Closed]; later ones with the latter. Blocks until the files are closed.
     */
    override fun close() {
        if (!isClosed.compareAndSet(false, true)) {
            return
        }
        inboxes.forEach { it.end() }
        try {
            engine.shutDown()
        } finally {
            engine.destroy()
            ownTransport?.close()
        }
    }

    private suspend fun <T> call(block: FieldfareEngine.() -> T): T =
        guarded { engine -> withContext(dispatcher) { engine.block() } }

    private suspend inline fun <T> guarded(block: suspend (FieldfareEngine) -> T): T {
        if (isClosed.get()) {
            throw FieldfareException.Closed()
        }
        try {
            return block(engine)
        } catch (e: CancellationException) {
            throw e
        } catch (e: IllegalStateException) {
            // The object was destroyed between the check and the call.
            throw if (isClosed.get()) FieldfareException.Closed() else e
        } catch (e: InternalException) {
            throw FieldfareException.Internal().initCause(e)
        }
    }

    /** What the engine does for [block] ends when the coroutine is cancelled. */
    private suspend inline fun <T> cancellable(block: suspend (SyncCancel) -> T): T =
        SyncCancel().use { cancel ->
            try {
                block(cancel)
            } catch (e: CancellationException) {
                cancel.cancel()
                throw e
            }
        }

    /** Null if the engine was closed meanwhile, which ends a flow and is no failure of it. */
    private suspend fun <T> answer(query: suspend Fieldfare.() -> T): Answer<T>? =
        try {
            Answer(query())
        } catch (e: FieldfareException.Closed) {
            if (isClosed.get()) null else throw e
        }

    private data class Answer<T>(
        val value: T,
    )

    private suspend inline fun withInbox(block: (Inbox) -> Unit) {
        val inbox = Inbox()
        call { subscribe(inbox) }.use { subscription ->
            inboxes += inbox
            try {
                if (!isClosed.get()) {
                    block(inbox)
                }
            } finally {
                inboxes -= inbox
                subscription.cancel()
            }
        }
    }

    private fun tell(outcome: FixOutcome) {
        outcome.alerts.forEach { mutableAlerts.tryEmit(it) }
    }

    /** Opens engines. */
    public companion object {
        private const val PAGE = 50
        private const val ALERT_BUFFER = 64

        /** The version of the library. */
        public val version: String get() = libraryVersion()

        /**
         * Opens the phone's files, making them if there are none. A damaged file is moved aside and kept; [openReport]
         * says so.
         *
         * @param keyVault keeps the key that the data key is sealed with, in the platform's key store
         * @param httpClient carries requests in place of the library's own HTTPS
         * @param clock tells the time, for tests
         * @param dispatcher runs calls that read or write the files
         * @throws FieldfareException.Key if the files cannot be opened with the vault's key: nothing is touched then
         */
        public suspend fun open(
            config: EngineConfig,
            keyVault: KeyVault,
            httpClient: HttpClient? = null,
            clock: WallClock? = null,
            dispatcher: CoroutineDispatcher = Dispatchers.IO,
        ): Fieldfare {
            val transport = httpClient?.let { ClientTransport(it) }
            return withContext(dispatcher) {
                val engine =
                    try {
                        FieldfareEngine.open(config, keyVault, transport, clock)
                    } catch (e: InternalException) {
                        transport?.close()
                        throw FieldfareException.Internal().initCause(e)
                    } catch (e: FieldfareException) {
                        transport?.close()
                        throw e
                    }
                Fieldfare(engine, dispatcher, transport)
            }
        }
    }
}
