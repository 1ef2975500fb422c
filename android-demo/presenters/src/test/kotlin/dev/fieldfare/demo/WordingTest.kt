package dev.fieldfare.demo

import dev.fieldfare.FieldValue
import dev.fieldfare.FieldfareException
import dev.fieldfare.LeadStatus
import org.junit.jupiter.api.Test
import java.time.Duration
import java.time.Instant
import java.time.ZoneId
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class WordingTest {
    @Test
    fun `distances are as precise as a walker can use`() =
        assertEquals(
            listOf("0 m", "45 m", "100 m", "130 m", "1.2 km", "10.0 km", "12 km"),
            listOf(1.0, 44.0, 99.0, 127.0, 1_234.0, 9_999.0, 12_400.0).map(::distanceText),
        )

    @Test
    fun `times are short`() {
        assertEquals("under a minute", durationText(Duration.ofSeconds(20)))
        assertEquals("1 min", durationText(Duration.ofSeconds(59)))
        assertEquals("2 h 05", durationText(Duration.ofMinutes(125)))
        assertEquals(
            listOf("just now", "59 min ago", "3 h ago", "4 days ago"),
            listOf(30L, 3_599L, 11_000L, 86_400L * 4).map { agoText(Duration.ofSeconds(it)) },
        )
        assertEquals("07:05", clockText(Instant.parse("2026-11-25T12:05:00Z"), ZoneId.of("America/New_York")))
    }

    @Test
    fun `columns and values read as words`() {
        assertEquals("Postal code", columnText("postal_code"))
        assertEquals("–", valueText(FieldValue.Text("")))
        assertEquals("12", valueText(FieldValue.Number(12)))
    }

    @Test
    fun `problems say what to do and name no class`() {
        val problems = listOf(FieldfareException.Offline(), FieldfareException.Busy(), FieldfareException.DiskFull())
        for (problem in problems) {
            val text = problemText(problem)
            assertTrue(text.endsWith(".") && text.first().isUpperCase(), text)
            assertFalse(text.contains("Exception"))
        }
    }

    @Test
    fun `a lead moves on, and out of do-not-contact only in the office`() {
        assertTrue(nextStatuses(LeadStatus.DO_NOT_CONTACT).isEmpty())
        for (status in LeadStatus.entries) {
            assertFalse(LeadStatus.NEW in nextStatuses(status))
            assertFalse(status in nextStatuses(status))
        }
        assertFalse(LeadStatus.QUALIFIED in nextStatuses(LeadStatus.CUSTOMER))
    }
}
