package io.netpark.core.poll

import com.sun.jna.NativeLibrary
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Flavour
import java.util.concurrent.ConcurrentLinkedQueue

/** Remembers what it is told. */
class RecordingPollable(private val name: String) : Pollable() {
    val seen = ConcurrentLinkedQueue<Int>()

    override fun ready(readiness: Int, woken: WokenBatch) {
        seen += readiness
    }

    override fun pollerClosed(woken: WokenBatch) {
        seen += Readiness.POLLER_CLOSED
    }

    override fun toString() = name
}

/** A poller and descriptors to watch; everything is closed with it. */
class PollerRig(val libc: LibC, factory: Poller.Factory) : AutoCloseable {

    constructor(flavour: Flavour) : this(flavour.libc, flavour.poller.factory)

    val poller: Poller = factory.open(libc)
    private val opened = mutableSetOf<Int>()
    private val memory = NativeMemory.allocate(64)

    class Event(val pollable: Pollable?, val readiness: Int) {
        override fun toString() = "$pollable ${Readiness.describe(readiness)}"
    }

    fun own(fd: Int): Int {
        fd shouldBeGreaterThanOrEqual 0
        opened += fd
        return fd
    }

    fun eventfd(initial: Int = 0): Int = own(libc.eventfd(initial, Linux.EFD_NONBLOCK or Linux.EFD_CLOEXEC))

    fun socketPair(): Pair<Int, Int> {
        val type = Linux.SOCK_STREAM or Linux.SOCK_NONBLOCK or Linux.SOCK_CLOEXEC
        libc.socketpair(Linux.AF_UNIX, type, 0, memory.address()) shouldBe 0
        return own(memory.buffer().getInt(0)) to own(memory.buffer().getInt(4))
    }

    fun pipe(): Pair<Int, Int> {
        libc.pipe2(memory.address(), Linux.O_CLOEXEC or Linux.O_NONBLOCK) shouldBe 0
        return own(memory.buffer().getInt(0)) to own(memory.buffer().getInt(4))
    }

    /** A descriptor of a regular file. */
    fun file(): Int = own(NativeLibrary.getProcess().getFunction("memfd_create").invokeInt(arrayOf<Any>("netpark", 1)))

    /** F_DUPFD. */
    fun duplicate(fd: Int): Int = own(libc.fcntl(fd, 0, 0))

    fun close(fd: Int) {
        opened -= fd
        libc.close(fd) shouldBe 0
    }

    /** Adds [value] to an eventfd, or sends its eight bytes. */
    fun write(fd: Int, value: Long = 1) {
        memory.buffer().putLong(0, value)
        libc.write(fd, memory.address(), 8) shouldBe 8
    }

    fun read(fd: Int): Long = libc.read(fd, memory.address() + 8, 8)

    fun shouldBeEmpty(fd: Int) = read(fd) shouldBe -Errno.EAGAIN

    fun watch(fd: Int, interest: Int, name: String = "fd $fd"): RecordingPollable =
        RecordingPollable(name).also { poller.add(fd, it, interest) }

    /** One wait, wake-ups and stale events left out. */
    fun await(timeoutNanos: Long): List<Event> {
        val found = poller.await(timeoutNanos)
        return (0 until found).map { Event(poller.pollable(it), poller.readiness(it)) }.filter { it.pollable != null }
    }

    /** What a wait that does not wait says about [pollable], of [mask]. */
    fun look(pollable: Pollable, mask: Int = -1, timeoutNanos: Long = 0): Int =
        await(timeoutNanos).filter { it.pollable === pollable }.fold(0) { all, event -> all or event.readiness } and mask

    override fun close() {
        poller.close()
        opened.forEach { libc.close(it) }
    }
}

const val SECOND = 1_000_000_000L
