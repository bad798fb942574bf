package io.netpark.coroutines

import io.netpark.core.net.serving.Shutdown
import io.netpark.core.net.serving.rules.Server
import io.netpark.core.net.serving.rules.Tally
import java.util.concurrent.ConcurrentHashMap

/** The calls of [Listener.serve] of one listener, and what the phases of a shutdown do to them. */
internal class Servings(
    private val all: MutableSet<Serving>, // any thread adds and removes at any time
    private val closeListener: () -> Unit,
) : Set<Serving> by all, Server {

    constructor(closeListener: () -> Unit) : this(ConcurrentHashMap.newKeySet(), closeListener)

    private val tally = Tally()

    /** Those that were there when accepting stopped. One that begins later finds the listener closed. */
    private var ending = emptyList<Serving>()

    /** Whether a shutdown has begun: no time for a handler to begin anything long. */
    @Volatile var isDraining = false
        private set

    /** Handlers that ask for a request, and have none, are told so. */
    @Volatile var wantsNoRequests = false
        private set

    fun add(serving: Serving) {
        all += serving
    }

    fun remove(serving: Serving) {
        all -= serving
    }

    /** A handler has ended before it was cut off, [idly][isIdle] or not. */
    fun handlerEnded(isIdle: Boolean): Unit = tally.ended(isIdle)

    /** Suspends until the handlers have all returned, and the listener is closed. */
    suspend fun join(): Unit = ending.forEach { it.join() }

    override fun announce() {
        isDraining = true
    }

    override fun stopAccepting() {
        tally.begin()
        closeListener()
        ending = ArrayList(all) // a serving may leave meanwhile; toList() takes the first of what has had one element, and throws
    }

    override fun endIdle() {
        wantsNoRequests = true
        ending.forEach { it.tellIdle() }
    }

    /** What a handler writes is its own affair. */
    override fun flush(nanos: Long): Boolean = false

    override fun cutOff(because: String): Int = ending.sumOf { it.cut() }

    override fun report(cut: Int): Shutdown.Report = tally.report(cut)
}
