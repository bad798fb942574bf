package io.netpark.simulation.contract

import io.kotest.assertions.withClue
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC

/** Who calls a kernel: memory for the arguments, and the descriptors that it has opened. Closing closes those, and checks that each was open. */
class Caller(val kernel: Kernel) : AutoCloseable {

    val libc: LibC = kernel.libc

    /** Kept until the end: the kernel knows only its address. */
    private val memory = mutableListOf<NativeMemory>()
    private val opened = linkedSetOf<Int>()
    private val scratch = memory(SCRATCH)

    /** Zeroed memory that stays where it is until the test is over. */
    fun memory(size: Int): NativeMemory = NativeMemory.allocate(size).also { memory += it }

    /** Memory with these bytes. */
    fun memory(content: ByteArray): NativeMemory = memory(maxOf(1, content.size)).apply { buffer().put(0, content) }

    /** The address of a name that a zero byte ends. */
    fun name(path: String): Long = memory(path.toByteArray() + 0).address()

    // Descriptors

    /** A descriptor that the test has from now on. */
    fun own(result: Int): Int {
        if (result < 0) throw AssertionError("expected a descriptor, got ${Errno.describe(-result)}")
        opened += result
        return result
    }

    fun close(fd: Int) {
        opened -= fd
        withClue("close($fd)") { libc.close(fd) shouldBe 0 }
    }

    /** Another number for the same open file. */
    fun duplicate(fd: Int): Int = own(libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, 0))

    /** The two that [call] writes. */
    fun pair(call: (Long) -> Int): Pair<Int, Int> {
        call(scratch.address()) shouldBe 0
        return own(scratch.buffer().getInt(0)) to own(scratch.buffer().getInt(4))
    }

    fun eventfd(initial: Int = 0, flags: Int = Linux.EFD_NONBLOCK): Int = own(libc.eventfd(initial, flags or Linux.EFD_CLOEXEC))

    /** Reader and writer. */
    fun pipe(flags: Int = Linux.O_NONBLOCK): Pair<Int, Int> = pair { libc.pipe2(it, flags or Linux.O_CLOEXEC) }

    /** Two unix sockets that are connected. */
    fun socketPair(type: Int = Linux.SOCK_STREAM, flags: Int = Linux.SOCK_NONBLOCK): Pair<Int, Int> =
        pair { libc.socketpair(Linux.AF_UNIX, type or flags or Linux.SOCK_CLOEXEC, 0, it) }

    fun isOpen(fd: Int): Boolean = libc.fcntl(fd, Linux.F_GETFD, 0) != -Errno.EBADF

    fun statusFlags(fd: Int): Int = libc.fcntl(fd, Linux.F_GETFL, 0).also { it shouldBeGreaterThanOrEqual 0 }

    // Bytes

    /** write(2) of a text. */
    fun write(fd: Int, text: String): Long = libc.write(fd, memory(text.toByteArray()).address(), text.length.toLong())

    /** write(2) of so many bytes. */
    fun write(fd: Int, length: Int): Long = libc.write(fd, room(length), length.toLong())

    /** send(2) of a text. */
    fun send(fd: Int, text: String, flags: Int = 0): Long =
        libc.send(fd, memory(text.toByteArray()).address(), text.length.toLong(), flags or Linux.MSG_NOSIGNAL)

    /** send(2) of so many bytes. */
    fun send(fd: Int, length: Int, flags: Int = 0): Long = libc.send(fd, room(length), length.toLong(), flags or Linux.MSG_NOSIGNAL)

    /** read(2), for its result. */
    fun read(fd: Int, length: Int = SCRATCH): Long = libc.read(fd, room(length), length.toLong())

    /** recv(2), for its result. */
    fun receive(fd: Int, length: Int = SCRATCH, flags: Int = 0): Long = libc.recv(fd, room(length), length.toLong(), flags)

    /** What read(2) reads. */
    fun readText(fd: Int, length: Int = SCRATCH): String = text(read(fd, length))

    /** What recv(2) receives. */
    fun receiveText(fd: Int, length: Int = SCRATCH, flags: Int = 0): String = text(receive(fd, length, flags))

    /** Everything up to an end of stream or EAGAIN, and how long it was. */
    fun drain(fd: Int): Long {
        var total = 0L
        while (true) {
            val result = read(fd)
            if (result <= 0) return total
            total += result
        }
    }

    /** Writes until nothing more fits, and returns how much did. */
    fun fill(fd: Int, piece: Int = SCRATCH): Long {
        var total = 0L
        while (true) {
            val result = write(fd, piece)
            if (result < 0) {
                result shouldFailWith Errno.EAGAIN
                return total
            }
            total += result
        }
    }

    /** The number in an eventfd or a timerfd, which is 0 then. */
    fun readNumber(fd: Int): Long {
        read(fd, Long.SIZE_BYTES) shouldBe Long.SIZE_BYTES.toLong()
        return scratch.buffer().getLong(0)
    }

    /** Adds to an eventfd. */
    fun writeNumber(fd: Int, number: Long): Long {
        scratch.buffer().putLong(0, number)
        return libc.write(fd, scratch.address(), Long.SIZE_BYTES.toLong())
    }

    private fun room(length: Int): Long = if (length <= SCRATCH) scratch.address() else memory(length).address()

    private fun text(result: Long): String {
        if (result < 0) throw AssertionError("expected bytes, got ${Errno.describe(-result.toInt())}")
        return String(ByteArray(result.toInt()) { scratch.buffer().get(it) })
    }

    override fun close() {
        val closed = opened.map { libc.close(it) }
        withClue("the test has closed a descriptor that it did not own, or the kernel has lost one of $opened") {
            closed shouldBe opened.map { 0 }
        }
    }

    companion object {
        /** As much as one call moves, unless it is told otherwise. */
        const val SCRATCH = 64 * 1024
    }
}

/** Says the names of both, if it is not so. */
infix fun Int.shouldFailWith(errno: Int) = toLong() shouldFailWith errno

/** As the other. */
infix fun Long.shouldFailWith(errno: Int) {
    if (this != -errno.toLong()) {
        val got = if (this < 0) Errno.describe(-toInt()) else "the result $this"
        throw AssertionError("expected ${Errno.describe(errno)}, got $got")
    }
}
