package io.netpark.simulation.contract

import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.linux.PollFd

/** poll(2). */
class PollSpec : ContractSpec({
    contract("it counts the entries that have something, and says what in each") {
        val descriptors = listOf(eventfd(1), eventfd(), eventfd(1))
        val entries = memory(3 * PollFd.SIZE)
        descriptors.forEachIndexed { i, fd -> PollFd.write(entries.buffer(), i, fd, Linux.EPOLLIN) }
        libc.poll(entries.address(), 3, LONG) shouldBe 2
        List(3) { PollFd.readiness(entries.buffer(), it) } shouldBe listOf(Linux.EPOLLIN, 0, Linux.EPOLLIN)
    }

    contract("an entry with a negative number is ignored, one that is not open has NVAL") {
        val entries = memory(2 * PollFd.SIZE)
        PollFd.write(entries.buffer(), 0, -1, Linux.EPOLLIN)
        PollFd.write(entries.buffer(), 1, 1_000_000, Linux.EPOLLIN)
        libc.poll(entries.address(), 2, LONG) shouldBe 1
        List(2) { PollFd.readiness(entries.buffer(), it) } shouldBe listOf(0, Linux.POLLNVAL)
    }

    contract("only what was asked for is reported, and always ERR and HUP") {
        val (left, right) = socketPair()
        send(left, "x") shouldBe 1
        poll(right, Linux.EPOLLOUT) shouldBe Linux.EPOLLOUT
        poll(right, Linux.EPOLLIN) shouldBe Linux.EPOLLIN
        poll(right, 0) shouldBe 0
        close(left)
        poll(right, 0) shouldBe Linux.EPOLLHUP
    }

    contract("one file may be asked for twice") {
        val fd = eventfd(1)
        val entries = memory(2 * PollFd.SIZE)
        PollFd.write(entries.buffer(), 0, fd, Linux.EPOLLIN)
        PollFd.write(entries.buffer(), 1, fd, Linux.EPOLLOUT)
        libc.poll(entries.address(), 2, LONG) shouldBe 2
        List(2) { PollFd.readiness(entries.buffer(), it) } shouldBe listOf(Linux.EPOLLIN, Linux.EPOLLOUT)
    }

    contract("when its time is over it has nothing, and not before") {
        val begun = System.nanoTime()
        poll(eventfd(), Linux.EPOLLIN, 20) shouldBe 0
        System.nanoTime() - begun shouldBeGreaterThanOrEqual 20_000_000
        libc.poll(memory(8).address(), 0, 1) shouldBe 0
    }
})
