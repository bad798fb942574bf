package io.netpark.core.testing

import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import java.lang.reflect.InvocationTargetException
import java.lang.reflect.Method
import java.lang.reflect.Proxy

/** What must not fail: a descriptor that could not be closed would be lost by the test, and a loop that is not woken never ends. */
private val UNHARMED = setOf("close", "write", "toString", "binding")

/** A C library that has an error thrown in the n-th call of one thread, or says EAGAIN to it. */
class Sabotage {
    private var thread: Thread? = null
    private var at = 0
    private var calls = 0
    private var error: Throwable? = null
    private var parking = false
    var hit = false
        private set

    val libc: LibC = Proxy.newProxyInstance(javaClass.classLoader, arrayOf(LibC::class.java)) { _, method, arguments ->
        if (thread === Thread.currentThread() && method.name !in UNHARMED) harm(method)?.let { return@newProxyInstance it }
        try {
            method.invoke(Bindings.best, *arguments.orEmpty())
        } catch (failure: InvocationTargetException) {
            throw failure.targetException
        }
    } as LibC

    private fun harm(method: Method): Any? {
        if (parking) {
            val errno = when (method.name) {
                "getsockopt" -> return null
                "getpeername" -> Errno.ENOTCONN // a connect that is going on
                else -> Errno.EAGAIN
            }
            return if (method.returnType == Long::class.java) -errno.toLong() else -errno
        }
        if (++calls == at) {
            hit = true
            throw error!!
        }
        return null
    }

    fun arm(call: Int, error: Throwable) {
        at = call
        calls = 0
        hit = false
        this.error = error
        parking = false
        thread = Thread.currentThread()
    }

    fun park() {
        parking = true
        thread = Thread.currentThread()
    }

    fun disarm() {
        thread = null
        parking = false
    }
}
