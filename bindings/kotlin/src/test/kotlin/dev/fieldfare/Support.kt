package dev.fieldfare

import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.io.path.createTempDirectory

/** Enrols every device; for everything else there is no connection. */
class EnrolsOnly : HttpClient {
    val isSilent = AtomicBoolean(false)

    /** The timeout of the request met with silence. */
    @Volatile
    var silentFor: Duration = Duration.ZERO

    override suspend fun send(request: HttpRequest): HttpResponse {
        if (isSilent.get()) {
            silentFor = request.timeout
            kotlinx.coroutines.awaitCancellation()
        }
        if (!request.url.endsWith("/v1/enrol")) {
            throw TransportException.Offline()
        }
        return HttpResponse(200, emptyList(), ENROLLED.toByteArray())
    }

    private companion object {
        const val ENROLLED =
            """{"tenant": "0190a000-0000-7000-8000-000000000001",
                "device": "0190a000-0000-7000-8000-000000000002",
                "rep": {"id": "0190a000-0000-7000-8000-000000000003", "name": "Robin"},
                "refresh_token": "r", "access_token": "a", "expires_in": 900}"""
    }
}

val HERE = LatLng(42.36, -71.06)

fun temporaryDirectory(): Path = createTempDirectory("fieldfare-kotlin-")

fun deleteAll(dir: Path) {
    Files.walk(dir).use { files -> files.sorted(Comparator.reverseOrder()).forEach(Files::delete) }
}

/** An engine of its own folder, enrolled, without a connection, closed and deleted at the end. */
suspend fun <T> withPhone(
    client: HttpClient = EnrolsOnly(),
    vault: MemoryVault = MemoryVault(),
    isEnrolled: Boolean = true,
    clock: WallClock? = null,
    block: suspend (Fieldfare) -> T,
): T {
    val dir = temporaryDirectory()
    try {
        return Fieldfare.open(offline(dir), vault, client, clock).use { phone ->
            if (isEnrolled) {
                phone.enrol("CODE", "Phone")
            }
            block(phone)
        }
    } finally {
        deleteAll(dir)
    }
}

fun offline(dir: Path) = EngineConfig(dir = "$dir/phone", serverUrl = "https://sync.example")

fun leadAt(
    name: String,
    lat: Double = HERE.lat,
    lon: Double = HERE.lon,
) = NewLead(name = name, position = LatLng(lat, lon))

const val NOBODY: LeadId = "0190a000-0000-7000-8000-00000000ffff"
