package io.netpark.samples.load

import java.io.IOException

/** What went wrong, by kind. Safe for use by any thread: errors are rare. */
internal class Errors {

    private val counts = LinkedHashMap<String, Long>()
    private val firsts = LinkedHashMap<String, String>()

    fun note(failure: IOException) = synchronized(this) {
        val kind = kindOf(failure)
        counts.merge(kind, 1, Long::plus)
        firsts.putIfAbsent(kind, failure.message ?: failure.toString())
        Unit
    }

    /** Connecting has failed. How often, the pools count. */
    fun noteConnecting(cause: Throwable) = synchronized(this) {
        firsts.putIfAbsent(CONNECTING, cause.message ?: cause.toString())
        Unit
    }

    /** How many of each, with those of connecting. */
    fun counts(dialFailures: Long): Map<String, Long> = synchronized(this) {
        if (dialFailures == 0L) LinkedHashMap(counts) else counts + (CONNECTING to dialFailures)
    }

    /** What the first of a kind said. */
    fun firsts(): Map<String, String> = synchronized(this) { LinkedHashMap(firsts) }

    private companion object {
        const val CONNECTING = "connecting failed"
    }
}
