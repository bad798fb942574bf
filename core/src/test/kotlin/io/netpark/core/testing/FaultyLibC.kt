package io.netpark.core.testing

import com.sun.jna.Pointer
import io.netpark.core.linux.EpollEvent
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import java.util.SplittableRandom
import java.util.concurrent.atomic.AtomicLong

/**
 * A C library that has bad days, but only legal ones: interrupted calls, spurious EAGAIN, short reads and writes, accepts
 * that fail, batches cut short, delays. Faults are drawn from a seed, [probability] of them a call.
 *
 * Where a fault would break what edge triggering promises (a read that says "empty" or falls short although bytes wait), the
 * edge is triggered again, by setting the registration once more: epoll then reports current readiness anew.
 */
class FaultyLibC(
    private val real: LibC = Bindings.best,
    val seed: Long = System.nanoTime(),
    private val probability: Double = 0.2,
) : LibC by real {

    private class Registration(val epfd: Int, val events: Int, val data: Long)

    private val draws = AtomicLong()
    private val injected = AtomicLong()

    /** Guarded by itself, as is every epoll_ctl: a stale registration must never overwrite a newer one. */
    private val registrations = HashMap<Int, Registration>()
    private val event = NativeMemory.allocate(EpollEvent.SIZE)

    /** How many faults there have been. */
    val faults: Long get() = injected.get()

    override fun toString() = "faulty ${real.binding()} (seed $seed, probability $probability)"

    // Drawing

    /** One of [choices] faults, or -1 for none. Delays come on top, everywhere. */
    private fun draw(choices: Int): Int {
        val random = SplittableRandom(seed + draws.getAndIncrement() * 0x9E3779B9L)
        if (random.nextDouble() < probability) delay(random.nextInt(50))
        if (choices == 0 || random.nextDouble() >= probability) return -1
        injected.incrementAndGet()
        return random.nextInt(choices)
    }

    private fun delay(length: Int) {
        if (length % 2 == 0) Thread.yield() else repeat(length * 10) { Thread.onSpinWait() }
    }

    /** Less than [whole], but at least 1. */
    private fun part(whole: Long): Long = if (whole > 1) SplittableRandom(seed xor draws.get()).nextLong(1, whole) else whole

    // Readiness

    override fun epollCtl(epfd: Int, operation: Int, fd: Int, event: Long): Int = synchronized(registrations) {
        val result = real.epollCtl(epfd, operation, fd, event)
        if (operation == Linux.EPOLL_CTL_DEL) {
            registrations.remove(fd)
        } else if (result == 0) {
            val struct = Pointer(event).getByteBuffer(0, EpollEvent.SIZE.toLong())
            registrations[fd] = Registration(epfd, EpollEvent.readiness(struct, 0), EpollEvent.data(struct, 0))
        }
        result
    }

    private fun triggerAgain(fd: Int) = synchronized(registrations) {
        registrations[fd]?.let {
            EpollEvent.write(event.buffer(), 0, it.events, it.data)
            real.epollCtl(it.epfd, Linux.EPOLL_CTL_MOD, fd, event.address())
        }
    }

    override fun epollWait(epfd: Int, events: Long, capacity: Int, timeoutMillis: Int): Int = when (draw(2)) {
        0 -> -Errno.EINTR
        1 -> real.epollWait(epfd, events, 1, timeoutMillis)
        else -> real.epollWait(epfd, events, capacity, timeoutMillis)
    }

    override fun epollPwait2(epfd: Int, events: Long, capacity: Int, timespec: Long): Int = when (draw(2)) {
        0 -> -Errno.EINTR
        1 -> real.epollPwait2(epfd, events, 1, timespec)
        else -> real.epollPwait2(epfd, events, capacity, timespec)
    }

    override fun poll(pollfds: Long, count: Long, timeoutMillis: Int): Int =
        if (draw(1) == 0) -Errno.EINTR else real.poll(pollfds, count, timeoutMillis)

    // Reading

    override fun read(fd: Int, address: Long, length: Long): Long =
        if (draw(1) == 0) -Errno.EINTR.toLong() else real.read(fd, address, length)

    override fun recv(fd: Int, address: Long, length: Long, flags: Int): Long = when (draw(3)) {
        0 -> -Errno.EINTR.toLong()
        1 -> spuriousEagain(fd)
        2 -> real.recv(fd, address, part(length), flags).also { triggerAgain(fd) }
        else -> real.recv(fd, address, length, flags)
    }

    override fun readv(fd: Int, iovec: Long, count: Int): Long = when (draw(3)) {
        0 -> -Errno.EINTR.toLong()
        1 -> spuriousEagain(fd)
        2 -> real.readv(fd, iovec, part(count.toLong()).toInt()).also { triggerAgain(fd) }
        else -> real.readv(fd, iovec, count)
    }

    // Writing

    override fun write(fd: Int, address: Long, length: Long): Long =
        if (draw(1) == 0) -Errno.EINTR.toLong() else real.write(fd, address, length)

    override fun send(fd: Int, address: Long, length: Long, flags: Int): Long = when (draw(3)) {
        0 -> -Errno.EINTR.toLong()
        1 -> spuriousEagain(fd)
        2 -> real.send(fd, address, part(length), flags)
        else -> real.send(fd, address, length, flags)
    }

    override fun sendmsg(fd: Int, msghdr: Long, flags: Int): Long = when (draw(3)) {
        0 -> -Errno.EINTR.toLong()
        1 -> spuriousEagain(fd)
        2 -> shortSendmsg(fd, msghdr, flags)
        else -> real.sendmsg(fd, msghdr, flags)
    }

    override fun sendfile(out: Int, `in`: Int, offset: Long, count: Long): Long = when (draw(3)) {
        0 -> -Errno.EINTR.toLong()
        1 -> spuriousEagain(out)
        2 -> real.sendfile(out, `in`, offset, part(count))
        else -> real.sendfile(out, `in`, offset, count)
    }

    /** Of a pipe and a socket, whichever the spurious EAGAIN is about is triggered again. */
    override fun splice(`in`: Int, inOffset: Long, out: Int, outOffset: Long, length: Long, flags: Int): Long = when (draw(3)) {
        0 -> -Errno.EINTR.toLong()
        1 -> -Errno.EAGAIN.toLong().also { triggerAgain(`in`); triggerAgain(out) }
        2 -> real.splice(`in`, inOffset, out, outOffset, part(length), flags).also { triggerAgain(`in`) }
        else -> real.splice(`in`, inOffset, out, outOffset, length, flags)
    }

    // Files

    override fun open(path: Long, flags: Int): Int = if (draw(1) == 0) -Errno.EINTR else real.open(path, flags)

    override fun pread(fd: Int, address: Long, length: Long, offset: Long): Long = when (draw(2)) {
        0 -> -Errno.EINTR.toLong()
        1 -> real.pread(fd, address, part(length), offset)
        else -> real.pread(fd, address, length, offset)
    }

    // Messages: never short, since what is cut off a message is lost

    override fun recvmsg(fd: Int, msghdr: Long, flags: Int): Long = when (draw(2)) {
        0 -> -Errno.EINTR.toLong()
        1 -> spuriousEagain(fd)
        else -> real.recvmsg(fd, msghdr, flags)
    }

    override fun recvmmsg(fd: Int, mmsghdrs: Long, count: Int, flags: Int): Int = when (draw(3)) {
        0 -> -Errno.EINTR
        1 -> spuriousEagain(fd).toInt()
        2 -> real.recvmmsg(fd, mmsghdrs, part(count.toLong()).toInt(), flags).also { triggerAgain(fd) }
        else -> real.recvmmsg(fd, mmsghdrs, count, flags)
    }

    override fun sendmmsg(fd: Int, mmsghdrs: Long, count: Int, flags: Int): Int = when (draw(3)) {
        0 -> -Errno.EINTR
        1 -> spuriousEagain(fd).toInt()
        2 -> real.sendmmsg(fd, mmsghdrs, part(count.toLong()).toInt(), flags)
        else -> real.sendmmsg(fd, mmsghdrs, count, flags)
    }

    private fun shortSendmsg(fd: Int, msghdr: Long, flags: Int): Long {
        val header = Pointer(msghdr)
        val count = header.getLong(MSGHDR_IOVLEN)
        if (count < 2) return real.sendmsg(fd, msghdr, flags)
        header.setLong(MSGHDR_IOVLEN, part(count))
        return real.sendmsg(fd, msghdr, flags).also { header.setLong(MSGHDR_IOVLEN, count) }
    }

    private fun spuriousEagain(fd: Int): Long {
        triggerAgain(fd)
        return -Errno.EAGAIN.toLong()
    }

    // Connections

    override fun accept4(fd: Int, sockaddr: Long, lengthAddress: Long, flags: Int): Int {
        val fault = draw(ACCEPT_FAULTS.size)
        return if (fault >= 0) -ACCEPT_FAULTS[fault] else real.accept4(fd, sockaddr, lengthAddress, flags)
    }

    /** Interrupted, the handshake goes on in the kernel. */
    override fun connect(fd: Int, sockaddr: Long, length: Int): Int {
        val result = real.connect(fd, sockaddr, length)
        val begun = result == 0 || result == -Errno.EINPROGRESS
        return if (begun && draw(1) == 0) -Errno.EINTR else result
    }

    /** Interrupted or not, the descriptor is gone. */
    override fun close(fd: Int): Int {
        synchronized(registrations) { registrations.remove(fd) }
        val result = real.close(fd)
        return if (result == 0 && draw(1) == 0) -Errno.EINTR else result
    }

    private companion object {
        /** `msg_iovlen` of `struct msghdr`. */
        const val MSGHDR_IOVLEN = 24L

        val ACCEPT_FAULTS = intArrayOf(
            Errno.EINTR, Errno.EAGAIN, Errno.ECONNABORTED, Errno.EINTR, Errno.ECONNABORTED,
            Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM,
        )
    }
}
