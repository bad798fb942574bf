package io.netpark.coroutines.serving

import io.netpark.core.net.serving.Shutdown
import java.util.concurrent.atomic.AtomicInteger

/** Counts what becomes of the connections that are open when a listener stops accepting: each once. */
internal class Tally {

    @Volatile private var counting = false
    private val idle = AtomicInteger()
    private val finished = AtomicInteger()

    /** From now on. */
    fun begin() {
        counting = true
    }

    /** The handler of a connection has ended before the connection was cut off, [idly][isIdle] or not. */
    fun ended(isIdle: Boolean) {
        if (counting) (if (isIdle) idle else finished).incrementAndGet()
    }

    fun report(cut: Int): Shutdown.Report = Shutdown.Report(idle.get(), finished.get(), 0, cut)
}
