package io.netpark.core.testing

import java.util.concurrent.ConcurrentLinkedQueue
import java.util.logging.Handler
import java.util.logging.LogRecord
import java.util.logging.Logger

/** Keeps what Netpark writes to the JDK's log, and has nothing of it printed, until it is closed. */
class RecordingLog : Handler(), AutoCloseable {

    /** Held: what the JDK knows by name only may be collected, with its handlers. */
    private val logger = Logger.getLogger("io.netpark")
    private val recorded = ConcurrentLinkedQueue<LogRecord>()

    /** In the order in which they came. */
    val records: List<LogRecord> get() = recorded.toList()

    init {
        logger.addHandler(this)
        logger.useParentHandlers = false
    }

    override fun publish(record: LogRecord) {
        recorded += record
    }

    override fun flush() {}

    override fun close() {
        logger.removeHandler(this)
        logger.useParentHandlers = true
    }
}
