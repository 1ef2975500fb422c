package dev.fieldfare

import java.io.BufferedReader
import java.io.BufferedWriter

/** A server and a CRM in a process of their own; see `fieldfare-world` in the repository's tests. */
class World : AutoCloseable {
    private val process: Process =
        ProcessBuilder(System.getProperty("fieldfare.world") ?: error("set fieldfare.world"))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start()
    private val input: BufferedWriter = process.outputWriter()
    private val output: BufferedReader = process.inputReader()

    /** Where phones find the server. */
    val url: String = field(read(), "url")

    fun code(rep: String): String = field(ask("""{"do":"code","rep":"$rep"}"""), "code")

    fun stopServer() = ask("""{"do":"stop_server"}""")

    fun startServer() = ask("""{"do":"start_server"}""")

    fun edit(
        company: String,
        property: String,
        value: String,
    ) = ask("""{"do":"edit","company":"$company","properties":{"$property":"$value"}}""")

    fun delete(company: String) = ask("""{"do":"delete","company":"$company"}""")

    fun revoke(device: String) = ask("""{"do":"revoke","device":"$device"}""")

    fun plant(leads: Int) = ask("""{"do":"plant","leads":$leads}""")

    /** A town full of leads for Ada. */
    fun plantTown(leads: Int) = ask("""{"do":"plant_town","leads":$leads}""")

    fun catchUp() = ask("""{"do":"catch_up"}""")

    /** A company of the CRM with its tasks and notes, as JSON. */
    fun company(company: String): String = ask("""{"do":"company","company":"$company"}""")

    override fun close() {
        input.close()
        process.waitFor()
    }

    @Synchronized
    private fun ask(command: String): String {
        input.write(command)
        input.newLine()
        input.flush()
        return read()
    }

    private fun read(): String {
        val line = output.readLine() ?: error("the world ended")
        check(!line.startsWith("""{"error"""")) { line }
        return line
    }

    private fun field(
        json: String,
        name: String,
    ): String = Regex(""""$name":"([^"]*)"""").find(json)?.groupValues?.get(1) ?: error("no $name in $json")
}

/** Looks again and again until [check] says yes. */
suspend fun waitUntil(
    what: String,
    check: suspend () -> Boolean,
) {
    val end = System.nanoTime() + 60_000_000_000
    while (!check()) {
        check(System.nanoTime() < end) { "waited in vain: $what" }
        kotlinx.coroutines.delay(50)
    }
}
