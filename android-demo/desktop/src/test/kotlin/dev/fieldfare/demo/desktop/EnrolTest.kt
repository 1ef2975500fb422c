package dev.fieldfare.demo.desktop

import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.createComposeRule
import androidx.compose.ui.test.performTextReplacement
import dev.fieldfare.demo.ui.DemoTheme
import dev.fieldfare.demo.ui.Panel
import dev.fieldfare.demo.ui.ScreenTitle
import kotlinx.coroutines.runBlocking
import org.junit.Rule
import org.junit.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The first screen, and the pictures. */
class EnrolTest {
    @get:Rule
    val rule = createComposeRule()

    @Test
    fun `a wrong code is refused, a right one brings the leads`() =
        runBlocking { Stage.open() }.use { stage ->
            rule.show(stage.app())
            rule.await(hasTestTag("code"))
            rule.tag("enrol").assertIsNotEnabled()
            rule.tag("code").performTextReplacement("WRONG-CODE")
            rule.click("enrol")
            rule.await(hasText("That code is not valid any more. Ask for another."))
            rule.tag("code").performTextReplacement(stage.world.code("Ada"))
            rule.click("enrol")
            rule.await(hasTestTag("tab Near me"))
            rule.click("tab Sync")
            rule.await(hasText("210 leads on this phone"))
        }

    @Test
    fun `pictures are made, another one for light and dark`() {
        val png = byteArrayOf(0x89.toByte(), 'P'.code.toByte(), 'N'.code.toByte(), 'G'.code.toByte())
        val (light, dark) = pictureOf(isDark = false) to pictureOf(isDark = true)
        assertContentEquals(png, light.take(4).toByteArray())
        assertTrue(!light.contentEquals(dark))
    }

    private fun pictureOf(isDark: Boolean): ByteArray =
        runBlocking { picture { DemoTheme(isDark) { Panel { ScreenTitle("Title") } } } }

    @Test
    fun `there is a zone in which it is morning, at any hour`() {
        for (hour in 0..23) {
            val noon =
                java.time.Instant
                    .parse("2026-11-25T00:10:00Z")
                    .plusSeconds(3_600L * hour)
            val local = noon.atZone(morningZone { noon })
            assertEquals(9, local.hour, "at $hour")
        }
    }
}
