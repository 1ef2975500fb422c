package dev.fieldfare

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable
import java.time.Instant
import java.time.LocalDate
import kotlin.io.path.Path
import kotlin.io.path.readLines
import kotlin.math.max
import kotlin.math.roundToLong

/**
 * What calls cost: `scripts/kotlin-tests --bench`. The generated layer is measured, beside what the same calls cost in
 * Rust; what the hand-written one adds, a change of threads and back, is in a row of its own.
 */
@EnabledIfEnvironmentVariable(named = "FIELDFARE_CALL_COST", matches = ".+")
class CallCostBench {
    @Test
    fun `what calls cost`() =
        runBlocking {
            val rust = inRust()
            val dir = temporaryDirectory()
            val transport = ClientTransport(EnrolsOnly())
            FieldfareEngine.open(offline(dir), MemoryVault(), transport, null).use { engine ->
                engine.enrol("CODE", "Phone")
                furnish(engine)
                println("| Kotlin | in Kotlin | in Rust | ratio |\n|---|---|---|---|")
                figures(engine).forEach { (name, cost) -> println(row(name, cost, rust[name])) }
                engine.shutDown()
            }
            transport.close()
            Fieldfare.open(offline(temporaryDirectory()), MemoryVault()).use { phone ->
                val hop = nanoseconds(2_000) { runBlocking { phone.enrolment() } }
                println("| a call of the package's own class, there and back | ${readable(hop)} | | |")
            }
            deleteAll(dir)
        }

    private fun inRust(): Map<String, Double> =
        Path(System.getenv("FIELDFARE_CALL_COST"))
            .readLines()
            .map { it.split('\t') }
            .associate { (name, cost) -> name to cost.toDouble() }

    private fun furnish(engine: FieldfareEngine) {
        repeat(LEADS) { engine.addLead(leadAt("Lead $it", lat = HERE.lat + it * 0.0009)) }
        engine.grant(Purpose.PROXIMITY_ALERTS, "1", "en", null)
    }

    private fun figures(engine: FieldfareEngine): List<Pair<String, Double>> {
        val cancel = SyncCancel()
        val ten = NearbyQuery(limit = 10)
        var at = Instant.ofEpochSecond(LATER)
        return listOf(
            "a call" to nanoseconds(20_000) { cancel.isCancelled() },
            "a page of 100 leads" to
                nanoseconds(50) { engine.leadsPage(LeadFilter(), LeadOrder.NAME, null, PAGE) },
            "the 10 leads nearest" to nanoseconds(500) { engine.nearby(HERE, ten) },
            "the 10 nearest, ids" to nanoseconds(2_000) { engine.nearbyIds(HERE, ten) },
            "a fix, alerts allowed" to
                nanoseconds(2_000) {
                    at = at.plusSeconds(1)
                    engine.fix(Fix(HERE, at, accuracyM = 5.0), FixContext())
                },
            "a fix on a route" to drive(engine),
        )
    }

    /** Back and forth over a route of 8 kilometres, ten metres a second. */
    private fun drive(engine: FieldfareEngine): Double {
        val far = engine.nearbyIds(HERE, NearbyQuery(radiusM = 8_000.0)).last().lead
        val date = LocalDate.of(2030, 1, 7)
        engine.planDay(PlanDay(date, WORK_HOURS, listOf(StopWish(far)), addsDueLeads = false))
        val session = engine.followDay(date)
        var second = 0L
        return nanoseconds(700) {
            second += 1
            val place = HERE.copy(lat = HERE.lat + second % 700 * 0.00009)
            session.update(Fix(place, Instant.ofEpochSecond(LATER + second), accuracyM = 5.0))
        }
    }

    /** The least of several rounds: other work only ever adds. */
    private inline fun nanoseconds(
        calls: Int,
        call: () -> Unit,
    ): Double =
        (0 until ROUNDS).minOf {
            val began = System.nanoTime()
            repeat(calls) { call() }
            (System.nanoTime() - began).toDouble() / calls
        }

    private fun row(
        name: String,
        cost: Double,
        rust: Double?,
    ): String {
        val ratio = rust?.let { (cost / max(it, 1.0) * 10).roundToLong() / 10.0 }
        return "| $name | ${readable(cost)} | ${rust?.let(::readable) ?: ""} | ${ratio ?: ""} |"
    }

    private fun readable(nanoseconds: Double): String =
        if (nanoseconds < 1_000) {
            "${nanoseconds.roundToLong()} ns"
        } else {
            "${(nanoseconds / 100).roundToLong() / 10.0} µs"
        }

    private companion object {
        const val LEADS = 1_000
        const val ROUNDS = 7
        const val PAGE = 100
        const val LATER = 1_900_000_000L
    }
}
