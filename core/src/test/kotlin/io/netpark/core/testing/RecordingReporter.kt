package io.netpark.core.testing

import io.netpark.core.report.Reporter
import java.util.concurrent.ConcurrentLinkedQueue

/** Keeps what is reported, so that a test can ask for it and an unexpected report fails. */
class RecordingReporter : Reporter {

    class Report(val what: String, val cause: Throwable) {
        override fun toString() = "$what: $cause"
    }

    private val recorded = ConcurrentLinkedQueue<Report>()

    /** In the order in which they came. */
    val reports: List<Report> get() = recorded.toList()

    override fun report(what: String, cause: Throwable) {
        recorded += Report(what, cause)
    }

    /** Forgets everything and returns it: the test expected it. */
    fun drain(): List<Report> = generateSequence { recorded.poll() }.toList()

    fun shouldBeSilent() {
        val unexpected = recorded.peek() ?: return
        throw AssertionError("unexpected reports: $reports", unexpected.cause)
    }
}
