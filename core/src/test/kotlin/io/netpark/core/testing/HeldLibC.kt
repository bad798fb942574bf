package io.netpark.core.testing

import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import java.util.concurrent.atomic.AtomicLong

/** A C library whose sends and receives a test holds up, cuts short, or has fail. */
class HeldLibC(private val real: LibC = Bindings.best) : LibC by real {

    /** How much a send of so many bytes takes: nothing is EAGAIN, what is negative an errno. */
    @Volatile
    var sends: (Long) -> Long = { it }

    /** As [sends], of what is received. */
    @Volatile
    var receives: (Long) -> Long = { it }

    private val received = AtomicLong()

    /** How often something was to be received. */
    val receptions: Long get() = received.get()

    override fun send(fd: Int, address: Long, length: Long, flags: Int): Long =
        moved(sends(length)) { real.send(fd, address, it, flags) }

    override fun recv(fd: Int, address: Long, length: Long, flags: Int): Long {
        received.incrementAndGet()
        return moved(receives(length)) { real.recv(fd, address, it, flags) }
    }

    private fun moved(length: Long, call: (Long) -> Long): Long =
        if (length > 0) call(length) else if (length == 0L) -Errno.EAGAIN.toLong() else length

    override fun toString() = "held ${real.binding()}"
}
