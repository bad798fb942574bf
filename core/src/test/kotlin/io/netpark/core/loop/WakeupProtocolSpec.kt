package io.netpark.core.loop

import io.netpark.core.testing.NetparkSpec
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import org.jetbrains.lincheck.Lincheck

/** The protocol of EventLoop.sleep, apart from the loop. */
private class WakeupProtocol {
    private val tasks = ConcurrentLinkedQueue<Int>()
    private val asleep = AtomicBoolean()
    val signals = AtomicInteger()

    fun produce() {
        tasks += 1
        if (asleep.get() && asleep.compareAndSet(true, false)) signals.incrementAndGet()
    }

    /** Whether the loop would wait without end. */
    fun goToSleep(): Boolean {
        asleep.set(true)
        return tasks.isEmpty()
    }
}

class WakeupProtocolSpec : NetparkSpec(leaksMatter = false, body = {
    test("M6: in every interleaving the loop sees the task, or one producer sees it asleep") {
        Lincheck.runConcurrentTest(500) {
            val protocol = WakeupProtocol()
            val producers = List(2) { thread { protocol.produce() } }
            val waits = protocol.goToSleep()
            producers.forEach { it.join() }
            check(!waits || protocol.signals.get() == 1) { "asleep with tasks, and ${protocol.signals} signals" }
        }
    }
})
