package dev.fieldfare.demo.android

import android.app.Application
import android.os.Build
import dev.fieldfare.EngineConfig
import dev.fieldfare.Fieldfare
import dev.fieldfare.HttpClient
import dev.fieldfare.KeyVault
import dev.fieldfare.demo.DemoApp
import dev.fieldfare.demo.EngineDayPlans
import dev.fieldfare.demo.FixIntake
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import java.io.File
import java.time.InstantSource
import java.time.ZoneId

/** What the parts of the app share: the engine and what is around it. */
class Core(
    val phone: Fieldfare,
) {
    val intake = FixIntake(phone)
}

/** The process: one engine, opened when somebody needs it first, in the foreground or in the background. */
open class PhoneApplication : Application() {
    /** Lives as long as the process. */
    val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val opening = Mutex()
    private var core: Core? = null
    private var app: DemoApp? = null

    /** The engine. Suspends while its files are opened. */
    suspend fun core(): Core = opening.withLock { core ?: open().also { core = it } }

    /** The screens' presenters. */
    suspend fun app(): DemoApp {
        val core = core()
        return opening.withLock { app ?: presenters(core).also { app = it } }
    }

    override fun onCreate() {
        super.onCreate()
        Notices.makeChannels(this)
        SyncJob.schedule(this)
    }

    /** Where the server is; no more is needed to begin. */
    protected open fun config(): EngineConfig =
        EngineConfig(dir = File(noBackupFilesDir, "fieldfare").path, serverUrl = SERVER)

    protected open fun vault(): KeyVault = KeystoreVault()

    /** The engine's own HTTPS, unless a company's proxies or pinning ask for more. */
    protected open fun httpClient(): HttpClient? = null

    private suspend fun open(): Core = Core(Fieldfare.open(config(), vault(), httpClient()))

    private fun presenters(core: Core): DemoApp =
        DemoApp(
            phone = core.phone,
            intake = core.intake,
            plans = EngineDayPlans(core.phone, ZoneId.systemDefault(), InstantSource.system()),
            outer = scope,
            deviceName = Build.MODEL ?: "Android",
        ).also { it.start() }

    private companion object {
        const val SERVER = "https://sync.example.com"
    }
}
