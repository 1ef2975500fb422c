package dev.fieldfare

import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow

/**
 * The library's log lines of at least this gravity, in batches, while collected. They hold no personal data. One
 * collector at a time, for every engine of the process: the latest counts.
 */
public fun logs(level: LogLevel): Flow<List<LogEntry>> =
    callbackFlow {
        val sink =
            object : LogSink {
                override fun log(entries: List<LogEntry>) {
                    trySend(entries)
                }
            }
        val logging = startLogging(sink, level)
        awaitClose {
            logging.stop()
            logging.close()
        }
    }
