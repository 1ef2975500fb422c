package dev.fieldfare

import kotlinx.coroutines.channels.Channel

/** Notes changes until somebody takes them; what comes meanwhile is merged, so that nothing is lost. */
internal class Inbox : ChangeListener {
    val signals: Channel<Unit> = Channel(Channel.CONFLATED)
    private var waiting: ChangeNotice? = null

    override fun changed(notice: ChangeNotice) {
        synchronized(this) { waiting = waiting?.and(notice) ?: notice }
        signals.trySend(Unit)
    }

    /** Everything since the last time. */
    fun take(): ChangeNotice =
        synchronized(this) {
            val taken = waiting
            waiting = null
            taken ?: NOTHING
        }

    fun end() {
        signals.close()
    }

    private companion object {
        val NOTHING =
            ChangeNotice(
                leads = emptyList(),
                allLeads = false,
                visits = false,
                reference = false,
                consents = false,
                operations = false,
                days = false,
            )
    }
}

/** A notice that says what both say. */
internal fun ChangeNotice.and(other: ChangeNotice): ChangeNotice =
    ChangeNotice(
        leads = (leads + other.leads).distinct().sorted(),
        allLeads = allLeads || other.allLeads,
        visits = visits || other.visits,
        reference = reference || other.reference,
        consents = consents || other.consents,
        operations = operations || other.operations,
        days = days || other.days,
    )
