package io.netpark.simulation.schedule

import io.kotest.matchers.collections.shouldContainExactly
import io.netpark.core.testing.NetparkSpec
import kotlin.concurrent.thread

/** Two methods of the same instructions, of which one has a monitor. */
private class Looker(private val seen: MutableList<Boolean>) {
    @Synchronized
    fun holding() {
        seen += Monitors.callerHoldsAny()
    }

    fun free() {
        seen += Monitors.callerHoldsAny()
    }
}

class MonitorsSpec : NetparkSpec(body = {
    val monitor = Any()

    test("who holds a monitor is told from who does not, the first time and later") {
        val seen = mutableListOf<Boolean>()
        fun look() {
            seen += Monitors.callerHoldsAny()
        }
        thread {
            repeat(3) {
                look()
                synchronized(monitor) { look() }
                look()
            }
        }.join()
        seen shouldContainExactly List(3) { listOf(false, true, false) }.flatten()
    }

    test("of two methods that one call calls by references, each has its own answer") {
        val seen = mutableListOf<Boolean>()
        val looker = Looker(seen)
        listOf(Runnable(looker::free), Runnable(looker::holding)).forEach { it.run() }
        seen shouldContainExactly listOf(false, true)
    }
})
