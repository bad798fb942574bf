package io.netpark.core.sys

import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.linux.PollFd
import io.netpark.core.memory.NativeMemory
import java.net.InetSocketAddress
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Memory for the arguments of direct calls, and the descriptors that they opened; closing closes those. */
class Calls(private val libc: LibC) : AutoCloseable {

    private val memory = NativeMemory.allocate(1024)
    private val opened = mutableListOf<Int>()

    val address: Long get() = memory.address()
    val buffer: ByteBuffer get() = memory.buffer()

    /** The memory from [offset] on, for structs that are written by index. */
    fun at(offset: Int): ByteBuffer =
        memory.buffer().slice(offset, memory.size() - offset).order(ByteOrder.nativeOrder())

    fun open(result: Int): Int {
        result shouldBeGreaterThanOrEqual 0
        opened += result
        return result
    }

    /** The two that the kernel wrote to [address]. */
    fun openPair(): Pair<Int, Int> = open(buffer.getInt(0)) to open(buffer.getInt(4))

    fun put(address: InetSocketAddress): Int = SockAddr.write(buffer, 0, address)

    /** Sets a `socklen_t` and returns where it is. */
    fun length(value: Int): Long {
        buffer.putInt(LENGTH, value)
        return address + LENGTH
    }

    fun socketAddress(): InetSocketAddress = SockAddr.read(buffer, 0, SockAddr.MAX_SIZE) as InetSocketAddress

    fun text(offset: Int, length: Int) = String(ByteArray(length) { buffer.get(offset + it) })

    fun awaitReadable(fd: Int) {
        PollFd.write(at(POLLFD), 0, fd, Linux.EPOLLIN)
        libc.poll(address + POLLFD, 1, 10_000) shouldBe 1
    }

    override fun close() = opened.forEach { libc.close(it) }

    private companion object {
        const val LENGTH = 900
        const val POLLFD = 912
    }
}
