package dev.fieldfare.demo.android

import org.junit.Test
import org.w3c.dom.Element
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What no compiler looks at: the manifest and the rules for backups. */
class ManifestTest {
    private val manifest = parse("AndroidManifest.xml")

    @Test
    fun `every component is a class of the right kind`() {
        val kinds =
            mapOf(
                "application" to "android.app.Application",
                "activity" to "android.app.Activity",
                "service" to "android.app.Service",
                "receiver" to "android.content.BroadcastReceiver",
            )
        var found = 0
        for ((tag, kind) in kinds) {
            for (element in manifest.all(tag)) {
                val name = "dev.fieldfare.demo.android" + element.android("name")
                assertTrue(superclasses(name).contains(kind), "$name is no $kind")
                found += 1
            }
        }
        assertEquals(6, found)
    }

    @Test
    fun `nothing is backed up or moved to another phone`() {
        val app = manifest.all("application").single()
        assertEquals("false", app.android("allowBackup"))
        assertEquals("@xml/data_extraction_rules", app.android("dataExtractionRules"))
        val rules = parse("res/xml/data_extraction_rules.xml")
        for (way in listOf("cloud-backup", "device-transfer")) {
            val domains =
                rules
                    .all(way)
                    .single()
                    .all("exclude")
                    .map { it.getAttribute("domain") }
            val own = listOf("root", "file", "database", "sharedpref", "external")
            val direct = listOf("root", "file", "database", "sharedpref").map { "device_$it" }
            assertEquals((own + direct).toSet(), domains.toSet())
            assertTrue(
                rules
                    .all(way)
                    .single()
                    .all("include")
                    .isEmpty(),
            )
        }
        assertEquals("@xml/full_backup_content", app.android("fullBackupContent"))
        assertEquals(5, parse("res/xml/full_backup_content.xml").all("exclude").size)
    }

    @Test
    fun `the service may use the position, and nobody else may start parts`() {
        val service = manifest.all("service").single { it.android("name") == ".LocationService" }
        assertEquals("location", service.android("foregroundServiceType"))
        for (part in manifest.all("service") + manifest.all("receiver")) {
            assertEquals("false", part.android("exported"), part.android("name"))
        }
        val permissions = manifest.all("uses-permission").map { it.android("name").substringAfterLast('.') }
        assertTrue(permissions.containsAll(listOf("FOREGROUND_SERVICE_LOCATION", "RECEIVE_BOOT_COMPLETED")))
    }

    private fun superclasses(name: String): List<String> =
        generateSequence<Class<*>>(
            Class.forName(name, false, javaClass.classLoader),
        ) { it.superclass }.map { it.name }.toList()

    private fun parse(path: String): Element {
        val factory = DocumentBuilderFactory.newInstance().also { it.isNamespaceAware = true }
        return factory.newDocumentBuilder().parse(File("src/main", path)).documentElement
    }

    private fun Element.all(tag: String): List<Element> =
        getElementsByTagName(tag).let { found -> List(found.length) { found.item(it) as Element } }

    private fun Element.android(name: String): String =
        getAttributeNS("http://schemas.android.com/apk/res/android", name)
}
