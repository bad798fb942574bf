package io.netpark.core.fd

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.poll.Poller
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds

/** Closing, against everything that may be going on. */
class CloseSpec : NetparkSpec(body = {
    /** Sees a descriptor that is closed although it is not open: somebody else's, next time. */
    class CloseChecker(private val real: LibC) : LibC by real {
        val mistakes: MutableSet<Int> = ConcurrentHashMap.newKeySet()

        override fun close(fd: Int): Int = real.close(fd).also { if (it != 0) mistakes += fd }
    }

    for (flavour in Flavour.all) {
        test("$flavour, F5: closing wakes a parked reader and a parked writer, and both learn why") {
            TestReactor(flavour).use { reactor ->
                reactor.pair().use { client, _ ->
                    val reader = async { client.readSome() }
                    val writer = async { client.write(ByteArray(10_000_000)) }
                    awaitParkedThreads(2)
                    client.close()
                    for (failure in listOf(reader.failure(), writer.failure())) {
                        (failure is NetparkException.Closed) shouldBe true
                        failure.message!! shouldContain "closed here"
                    }
                }
            }
        }

        test("$flavour, S7: closing the group wakes whoever reads, writes and accepts") {
            TestReactor().use { peers ->
                val peer = peers.listen()
                val reactor = TestReactor(flavour, loops = 2)
                val listener = reactor.listen()
                val clients = List(2) { reactor.connect(peer.address) }
                val accepted = List(2) { peer.accept() }
                val operations = listOf(
                    async { clients[0].readSome() },
                    async { clients[1].write(ByteArray(10_000_000)) },
                    async { listener.accept() },
                )
                awaitParkedThreads(3)
                reactor.close()
                for (operation in operations) (operation.failure() is NetparkException.Closed) shouldBe true
                shouldThrow<NetparkException.Closed> { clients[0].readSome() }.message!! shouldContain "with its event loop"
                shouldThrow<NetparkException.Closed> { reactor.listen() }
                reactor.group.loops().all { it.isTerminated } shouldBe true
                (accepted + peer).forEach { it.close() }
            }
        }
    }

    test("S7: closing the group wakes whoever dials, and what it wakes may close each other") {
        val undecided = object : LibC by Bindings.best {
            override fun getpeername(fd: Int, sockaddr: Long, lengthAddress: Long) = -Errno.ENOTCONN
        }
        TestReactor(undecided).use { reactor ->
            reactor.listen().use { listener ->
                val busy = CountDownLatch(1)
                val entered = CountDownLatch(1)
                reactor.loop.execute { // so that it sees no readiness, but the end
                    entered.countDown()
                    busy.await()
                }
                entered.await()
                val dialers = List(3) { reactor.dial(listener.address) }
                val woken = ConcurrentHashMap.newKeySet<Int>()
                dialers.forEachIndexed { i, dialer ->
                    dialer.connection.startConnect() shouldBe Descriptor.PARK
                    dialer.connection.park(Direction.WRITE) {
                        woken += i
                        dialers.forEach { it.close() }
                    } shouldBe true
                }
                reactor.loop.shutdown()
                busy.countDown()
                reactor.group.close()
                woken shouldBe setOf(0, 1, 2)
                dialers.forEach { shouldThrow<NetparkException.Closed> { it.connection.retryConnect() } }
            }
        }
    }

    test("S2: waiters of one batch all run, although the first closes the others' descriptors") {
        TestReactor().use { reactor ->
            val pairs = List(3) { reactor.pair() }
            val order = LinkedBlockingQueue<String>()
            for ((_, server) in pairs) {
                val connection = server.connection
                connection.startRead(ByteBuffer.allocate(1)) shouldBe Descriptor.PARK
                connection.park(Direction.READ) {
                    pairs.forEach { if (it.second !== server) it.second.close() }
                    order += if (runCatching { connection.retryRead(ByteBuffer.allocate(1)) }.isSuccess) "read" else "closed"
                } shouldBe true
            }
            val written = CountDownLatch(1)
            val entered = CountDownLatch(1)
            reactor.loop.execute { // so that one wait finds all three
                entered.countDown()
                written.await()
            }
            entered.await()
            pairs.forEach { (client, _) -> client.write("x") }
            written.countDown()
            List(3) { order.poll(SOON.inWholeSeconds, TimeUnit.SECONDS) } shouldBe listOf("read", "closed", "closed")
            pairs.forEach { it.use { _, _ -> } }
        }
    }

    test("F6: of many closers one closes; other calls at the same time reach no foreign descriptor") {
        val checker = CloseChecker(Bindings.best)
        TestReactor(checker).use { reactor ->
            reactor.listen().use { listener ->
                lateinit var connection: ConnectionDescriptor
                race(
                    300,
                    { connection.close() },
                    { connection.close() },
                    { runCatching { connection.shutdownOutput() } },
                    { runCatching { connection.resetOnClose() } },
                    beforeEach = {
                        connection = reactor.connect(listener.address).connection
                        listener.accept().close()
                    },
                )
                connection.close()
            }
        }
        checker.mistakes.shouldBeEmpty()
    }

    test("E1, F7: ready, deadline, close and cancellation race for a parked read: it is run once or taken back, and closed once") {
        val checker = CloseChecker(Bindings.best)
        TestReactor(checker).use { reactor ->
            reactor.listen().use { listener ->
                lateinit var connection: ConnectionDescriptor
                lateinit var peer: BlockingConnection
                lateinit var waiter: NumberedWaiter
                val takenBack = AtomicInteger()
                race(
                    300,
                    { peer.write("x") },
                    { connection.setDeadline(Direction.READ, fromNow((-1).milliseconds)) },
                    { connection.close() },
                    { if (connection.unpark(Direction.READ, waiter)) takenBack.incrementAndGet() },
                    { connection.nudge(Direction.READ) },
                    beforeEach = {
                        peer = reactor.connect(listener.address)
                        connection = listener.accept().connection
                        waiter = NumberedWaiter(0)
                        takenBack.set(0)
                        connection.startRead(ByteBuffer.allocate(1)) shouldBe Descriptor.PARK
                        connection.park(Direction.READ, waiter) shouldBe true
                    },
                    afterEach = {
                        eventually { waiter.runs.get() + takenBack.get() shouldBe 1 }
                        shouldThrow<NetparkException.Closed> { connection.retryRead(ByteBuffer.allocate(1)) }
                        peer.close()
                    },
                )
            }
        }
        checker.mistakes.shouldBeEmpty()
    }

    test("F7: closing inside a waiter, on the loop's own thread, neither deadlocks nor leaks") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, server ->
                val done = CompletableFuture<Boolean>()
                val connection = server.connection
                connection.startRead(ByteBuffer.allocate(1)) shouldBe Descriptor.PARK
                connection.park(Direction.READ) {
                    connection.close()
                    val retried = runCatching { connection.retryRead(ByteBuffer.allocate(1)) }
                    done.complete(retried.exceptionOrNull() is NetparkException.Closed)
                } shouldBe true
                client.write("x")
                done.result() shouldBe true
                client.readIsAtEndOrReset() shouldBe true
            }
        }
    }

    test("F1: a reader never sees bytes of whoever gets its descriptor's number after closing") {
        val libc = Bindings.best
        TestReactor(loops = 1).use { reactor ->
            val stop = AtomicBoolean()
            val canaries = async {
                val memory = NativeMemory.allocate(16)
                memory.buffer().put(8, 'c'.code.toByte())
                val type = Linux.SOCK_STREAM or Linux.SOCK_NONBLOCK or Linux.SOCK_CLOEXEC
                while (!stop.get()) {
                    libc.socketpair(Linux.AF_UNIX, type, 0, memory.address()) shouldBe 0
                    val fds = listOf(memory.buffer().getInt(0), memory.buffer().getInt(4))
                    fds.forEach { libc.send(it, memory.address() + 8, 1, Linux.MSG_NOSIGNAL) }
                    fds.forEach { libc.close(it) }
                }
            }
            repeat(200) {
                reactor.pair().use { client, server ->
                    val reader = async {
                        val seen = StringBuilder()
                        try {
                            while (true) seen.append(server.readSome(1).ifEmpty { break })
                        } catch (_: NetparkException.Closed) {
                        }
                        seen.toString()
                    }
                    client.write("aaaa")
                    server.close()
                    reader.result().all { it == 'a' } shouldBe true
                }
            }
            stop.set(true)
            canaries.result()
        }
    }

    test("F9: a descriptor that epoll refuses is closed, and the error says which") {
        val none = object : LibC by Bindings.best {
            val refused = AtomicInteger()
            override fun epollCtl(epfd: Int, operation: Int, fd: Int, event: Long): Int =
                if (operation == Linux.EPOLL_CTL_ADD && refused.getAndIncrement() > 0) -Errno.ENOSPC
                else Bindings.best.epollCtl(epfd, operation, fd, event)
        }
        TestReactor(none, Poller.EPOLL).use { reactor ->
            shouldThrow<NetparkException.SystemError> { reactor.listen() }.message!! shouldContain "max_user_watches"
        }
    }
})

private fun BlockingConnection.readIsAtEndOrReset(): Boolean =
    try {
        readIsAtEnd()
    } catch (_: NetparkException.Reset) {
        true
    }
