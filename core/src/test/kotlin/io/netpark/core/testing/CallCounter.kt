package io.netpark.core.testing

import io.netpark.core.sys.LibC
import java.lang.reflect.InvocationTargetException
import java.lang.reflect.Proxy
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

/** Counts the calls that go through [libc], by the name of its method. */
class CallCounter(real: LibC = Bindings.best) {

    private val calls = ConcurrentHashMap<String, AtomicLong>()

    val libc: LibC = Proxy.newProxyInstance(javaClass.classLoader, arrayOf(LibC::class.java)) { _, method, arguments ->
        calls.computeIfAbsent(method.name) { AtomicLong() }.incrementAndGet()
        try {
            method.invoke(real, *arguments.orEmpty())
        } catch (failure: InvocationTargetException) {
            throw failure.targetException
        }
    } as LibC

    operator fun get(method: String): Long = calls[method]?.get() ?: 0

    /** Waits of either poller. */
    val waits: Long get() = WAITS.sumOf { this[it] }

    /** All calls but the [waits], which a loop makes whenever it comes to it. */
    fun withoutWaits(): Map<String, Long> = calls.mapValues { it.value.get() } - WAITS

    /**
     * Waits until no call has been made for a while: what was going on before has settled, also if a thread was slow or the kernel. A loop
     * that spins never settles; that is for the test to find, so that this ends.
     */
    fun awaitQuiet() {
        val end = fromNow(SOON)
        var seen = -1L
        var looks = 0
        while (looks < 28 && System.nanoTime() - end < 0) {
            val now = calls.values.sumOf { it.get() }
            looks = if (now == seen) looks + 1 else 0
            seen = now
            Thread.sleep(40)
        }
    }

    override fun toString() = calls.toSortedMap().toString()

    private companion object {
        val WAITS = setOf("epollWait", "epollPwait2", "poll")
    }
}
