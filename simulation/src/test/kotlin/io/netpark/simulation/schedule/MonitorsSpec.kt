package io.netpark.simulation.schedule

import io.kotest.matchers.collections.shouldContainExactly
import io.netpark.core.testing.NetparkSpec
import kotlin.concurrent.thread

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
})
