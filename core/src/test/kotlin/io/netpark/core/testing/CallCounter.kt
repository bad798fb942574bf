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

    override fun toString() = calls.toSortedMap().toString()

    private companion object {
        val WAITS = setOf("epollWait", "epollPwait2", "poll")
    }
}
