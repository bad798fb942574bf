package io.netpark.simulation.contract

import io.kotest.matchers.shouldBe
import io.netpark.core.linux.EpollEvent
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import java.lang.management.ManagementFactory
import java.lang.management.ThreadMXBean
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicReference

/** A call that a thread is in. */
private class Blocked<T>(private val thread: Thread, private val outcome: CompletableFuture<T>) {

    /** Waits until the thread makes no progress in native code, or until it waits in the model. */
    fun isBlocked(): Blocked<T> = apply {
        var cpu = -1L
        eventually {
            val now = THREADS.getThreadCpuTime(thread.id)
            val still = now == cpu
            cpu = now
            Thread.sleep(2)
            check(still) { "the call is under way still" }
        }
        outcome.isDone shouldBe false
    }

    fun result(): T = outcome.result()

    private companion object {
        val THREADS: ThreadMXBean = ManagementFactory.getThreadMXBean()
    }
}

/** Makes a call on a thread of its own, which waits in it. */
private fun <T> blocked(call: () -> T): Blocked<T> {
    val thread = AtomicReference<Thread>()
    val outcome = async {
        thread.set(Thread.currentThread())
        call()
    }
    eventually { check(thread.get() != null) }
    return Blocked(thread.get(), outcome).isBlocked()
}

/** Calls that block their thread: what they wait for, and what ends the wait. */
class BlockingSpec : ContractSpec({
    contract("read of an eventfd waits for a write") {
        val fd = eventfd(flags = 0)
        val bytes = memory(8)
        val reading = blocked { libc.read(fd, bytes.address(), 8) }
        writeNumber(fd, 6) shouldBe 8
        reading.result() shouldBe 8
        bytes.buffer().getLong(0) shouldBe 6
    }

    contract("read of a pipe waits for bytes or the last writer's end, write for room") {
        val (reader, writer) = pipe(0)
        val bytes = memory(10)
        val reading = blocked { libc.read(reader, bytes.address(), 10) }
        write(writer, "now") shouldBe 3
        reading.result() shouldBe 3
        val size = libc.fcntl(writer, Linux.F_GETPIPE_SZ, 0)
        val much = memory(size + 1000)
        val writing = blocked { libc.write(writer, much.address(), size + 1000L) }
        eventually { poll(writer, Linux.EPOLLOUT) shouldBe 0 } // it is full
        read(reader, size) shouldBe size.toLong()
        writing.result() shouldBe size + 1000L
        read(reader) shouldBe 1000
        val atTheEnd = blocked { libc.read(reader, bytes.address(), 10) }
        close(writer)
        atTheEnd.result() shouldBe 0
    }

    contracts(Family.entries, "recv waits for bytes, and for the end") { family ->
        val (client, server) = connection(family)
        libc.fcntl(server, Linux.F_SETFL, 0) shouldBe 0
        val bytes = memory(10)
        val receiving = blocked { libc.recv(server, bytes.address(), 10, 0) }
        send(client, "now") shouldBe 3
        receiving.result() shouldBe 3
        val atTheEnd = blocked { libc.recv(server, bytes.address(), 10, 0) }
        libc.shutdown(client, Linux.SHUT_WR) shouldBe 0
        atTheEnd.result() shouldBe 0
    }

    contracts(Family.entries, "shutdown by another thread ends a recv") { family ->
        val (_, server) = connection(family)
        libc.fcntl(server, Linux.F_SETFL, 0) shouldBe 0
        val bytes = memory(10)
        val receiving = blocked { libc.recv(server, bytes.address(), 10, 0) }
        libc.shutdown(server, Linux.SHUT_RD) shouldBe 0
        receiving.result() shouldBe 0
    }

    contracts(Family.INTERNET, "a reset ends a recv") { family ->
        val (client, server) = connection(family)
        libc.fcntl(server, Linux.F_SETFL, 0) shouldBe 0
        val bytes = memory(10)
        val receiving = blocked { libc.recv(server, bytes.address(), 10, 0) }
        resetByClose(client)
        receiving.result() shouldFailWith Errno.ECONNRESET
    }

    contracts(Family.entries, "send waits until all of it is taken") { family ->
        val (client, server) = connection(family)
        libc.fcntl(client, Linux.F_SETFL, 0) shouldBe 0
        val much = memory(16 * 1024 * 1024)
        val sending = blocked { libc.send(client, much.address(), much.size().toLong(), Linux.MSG_NOSIGNAL) }
        var received = 0L
        while (received < much.size()) {
            awaitReadable(server)
            received += receive(server)
        }
        sending.result() shouldBe much.size().toLong()
    }

    contracts(Family.entries, "accept waits for a connection") { family ->
        val listener = listener(family, flags = 0)
        val accepting = blocked { libc.accept4(listener, 0, 0, Linux.SOCK_CLOEXEC) }
        dial(family, listener)
        own(accepting.result())
    }

    contracts(Family.INTERNET, "a listener that is shut down ends an accept") { family ->
        val listener = listener(family, flags = 0)
        val accepting = blocked { libc.accept4(listener, 0, 0, Linux.SOCK_CLOEXEC) }
        libc.shutdown(listener, Linux.SHUT_RDWR) shouldBe 0
        accepting.result() shouldFailWith Errno.EINVAL
    }

    contract("unix: connect waits for room in the backlog") {
        val listener = listener(Family.UNIX, backlog = 0)
        connect(socket(Family.UNIX), localAddress(listener)) shouldBe 0
        val client = socket(Family.UNIX, flags = 0)
        val address = localAddress(listener)
        val connecting = blocked { connect(client, address) }
        accept(listener)
        connecting.result() shouldBe 0
    }

    contract("epoll_wait waits without end for what is registered meanwhile, and for what becomes ready") {
        val (epfd, fd) = epoll() to eventfd()
        val events = memory(EpollEvent.SIZE)
        val waiting = blocked { libc.epollWait(epfd, events.address(), 1, -1) }
        watch(epfd, fd, Linux.EPOLLIN, 5)
        waiting.isBlocked()
        writeNumber(fd, 1)
        waiting.result() shouldBe 1
        EpollEvent.data(events.buffer(), 0) shouldBe 5
        unwatch(epfd, fd)
        val again = blocked { libc.epollWait(epfd, events.address(), 1, LONG) }
        watch(epfd, fd, Linux.EPOLLIN, 6)
        again.result() shouldBe 1
    }

    contract("poll waits for the first of many") {
        val descriptors = List(3) { eventfd() }
        val epfd = epoll()
        for (fd in descriptors) watch(epfd, fd, Linux.EPOLLIN)
        val polling = blocked { poll(epfd, Linux.EPOLLIN, -1) }
        writeNumber(descriptors[1], 1)
        polling.result() shouldBe Linux.EPOLLIN
    }

    contract("splice waits at a pipe that is empty, unless it is told not to") {
        val (reader, writer) = pipe(0)
        val (left, right) = socketPair()
        libc.splice(reader, 0, left, 0, 100, Linux.SPLICE_F_NONBLOCK) shouldFailWith Errno.EAGAIN
        val moving = blocked { libc.splice(reader, 0, left, 0, 100, 0) }
        write(writer, "now") shouldBe 3
        moving.result() shouldBe 3
        receiveText(right) shouldBe "now"
    }

    contract("results and errors of many threads do not mix") {
        val threads = List(4) { i ->
            val fd = eventfd()
            val bytes = memory(8)
            async {
                repeat(5_000) {
                    if (i % 2 == 0) {
                        libc.read(-1, bytes.address(), 8) shouldFailWith Errno.EBADF
                    } else {
                        libc.read(fd, bytes.address(), 8) shouldFailWith Errno.EAGAIN
                    }
                }
            }
        }
        threads.forEach { it.result() }
    }
})
