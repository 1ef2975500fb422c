package dev.fieldfare.demo.android

import android.app.job.JobInfo
import android.app.job.JobScheduler
import kotlinx.coroutines.runBlocking
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import kotlin.test.assertEquals
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(manifest = Config.NONE, sdk = [34], application = TestPhone::class)
class SyncJobTest {
    private val jobs = application.getSystemService(JobScheduler::class.java)!!

    @Test
    fun `it is scheduled once, needs a network and outlives a restart`() {
        SyncJob.schedule(application)
        val job = jobs.allPendingJobs.single()
        assertTrue(job.isPersisted && job.isPeriodic)
        assertEquals(30 * 60_000, job.intervalMillis)
        assertEquals(JobInfo.NETWORK_TYPE_ANY, @Suppress("DEPRECATION") job.networkType)
    }

    @Test
    fun `without a connection it asks to be repeated`() {
        runBlocking { application.core().phone.enrol("CODE", "Phone") }
        assertTrue(runJob(), "it does not ask")
    }

    @Test
    fun `before the phone belongs to somebody there is nothing to do`() =
        assertTrue(!runJob(), "it asks to be repeated")

    /** Whether the job asked to be repeated. */
    private fun runJob(): Boolean {
        val job = Robolectric.buildService(SyncJob::class.java).create().get()
        assertTrue(job.onStartJob(null))
        awaitThat("it ends") { shadowOf(job).isJobFinished }
        return shadowOf(job).isRescheduleNeeded
    }
}
