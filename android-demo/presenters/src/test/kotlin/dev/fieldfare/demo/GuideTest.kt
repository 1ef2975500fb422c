package dev.fieldfare.demo

import org.junit.jupiter.api.Test
import java.io.File
import kotlin.test.assertTrue

/** What docs/android.md shows is code that is compiled and tested: every block of it stands in a source, word by word. */
class GuideTest {
    private val repository = File("../..").canonicalFile

    @Test
    fun `every block of code stands in a source`() {
        val blocks = blocks(File(repository, "docs/android.md").readText())
        assertTrue(blocks.size >= 5, "only ${blocks.size} blocks were found")
        val sources = sources().map { plain(it.readText()) }
        for (block in blocks) {
            assertTrue(sources.any { plain(block) in it }, "in no source:\n$block")
        }
    }

    private fun blocks(text: String): List<String> =
        Regex(
            "```(?:kotlin|xml)\n(.*?)```",
            RegexOption.DOT_MATCHES_ALL,
        ).findAll(text).map { it.groupValues[1] }.toList()

    private fun sources(): Sequence<File> =
        File(repository, "android-demo")
            .walk()
            .onEnter { it.name != "target" && it.name != "build" }
            .filter { it.extension in setOf("kt", "kts", "xml") }

    /** Without indentation and empty lines. */
    private fun plain(text: String): String =
        text
            .lines()
            .map { it.trim() }
            .filter { it.isNotEmpty() }
            .joinToString("\n")
}
