package io.netpark.samples.proxy

import io.netpark.samples.load.Target
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong

/** A server that clients are passed on to, and what is known of it. */
internal class Upstream(val target: Target) {

    /** Clients that it has now, with those for whom it is being dialed. */
    val now = AtomicInteger()

    /** Clients that it has ever had. */
    val ever = AtomicLong()

    /** Whether the last attempt to connect to it succeeded. At first it is hoped for. */
    @Volatile
    var isHealthy = true
        private set

    /** Says so on standard error, if that is news. */
    fun connected() {
        if (!isHealthy) System.err.println("upstream $target is back")
        isHealthy = true
    }

    fun failed(cause: Exception) {
        if (isHealthy) System.err.println("upstream $target is left out: ${cause.message}")
        isHealthy = false
    }

    override fun toString(): String = "$target${if (isHealthy) "" else " (out)"} $now/$ever"
}
