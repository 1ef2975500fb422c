package dev.fieldfare.demo.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import dev.fieldfare.FieldfareException
import dev.fieldfare.SyncOptions
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import java.time.Duration

/** Syncs now and then while there is a network, also when the app is closed and after a restart of the phone. */
class SyncJob : JobService() {
    private var running: Job? = null

    override fun onStartJob(params: JobParameters?): Boolean {
        val app = application as PhoneApplication
        running =
            app.scope.launch {
                val isWorthRepeating = sync(app)
                jobFinished(params, isWorthRepeating)
            }
        return true
    }

    /** Android wants the network back: what was done stays done, and the rest comes next time. */
    override fun onStopJob(params: JobParameters?): Boolean {
        running?.cancel()
        return true
    }

    private suspend fun sync(app: PhoneApplication): Boolean =
        try {
            val phone = app.core().phone
            if (phone.enrolment() != null) phone.sync(SyncOptions(isBackground = true))
            false
        } catch (_: FieldfareException.Busy) {
            false
        } catch (_: FieldfareException.TryLater) {
            false
        } catch (_: FieldfareException.Offline) {
            true
        } catch (_: FieldfareException) {
            false
        }

    companion object {
        private const val ID = 1
        private val EVERY: Duration = Duration.ofMinutes(30)

        fun schedule(context: Context) {
            val scheduler = context.getSystemService(JobScheduler::class.java) ?: return
            if (scheduler.getPendingJob(ID) != null) return
            val job =
                JobInfo
                    .Builder(ID, ComponentName(context, SyncJob::class.java))
                    .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
                    .setPeriodic(EVERY.toMillis())
                    .setPersisted(true)
                    .build()
            scheduler.schedule(job)
        }
    }
}
