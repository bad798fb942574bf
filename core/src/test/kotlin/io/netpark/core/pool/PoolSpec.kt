package io.netpark.core.pool

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import java.net.SocketAddress
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutionException
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** A borrower for a thread to wait with. Counts how often it was told, which may not be more than once. */
private class Borrowed : Pool.Borrower {
    private val future = CompletableFuture<PoolLease>()
    private val told = AtomicInteger()

    override fun lent(lease: PoolLease) {
        check(told.incrementAndGet() == 1) { "told twice" }
        future.complete(lease)
    }

    override fun failed(cause: NetparkException) {
        check(told.incrementAndGet() == 1) { "told twice" }
        future.completeExceptionally(cause)
    }

    fun await(): PoolLease = try {
        future.get(SOON.inWholeMilliseconds, TimeUnit.MILLISECONDS)
    } catch (e: ExecutionException) {
        throw e.cause!!
    }

    val isTold: Boolean get() = told.get() > 0
}

private fun Pool.borrow(address: SocketAddress): Borrowed = Borrowed().also { borrow(address, it) }

/** A C library under which something is looked at whenever it is asked for input, or to close something. */
private class WatchedLibC(private val real: LibC) : LibC by real {
    @Volatile
    var look: () -> Unit = {}

    override fun recv(fd: Int, address: Long, length: Long, flags: Int): Long {
        look()
        return real.recv(fd, address, length, flags).also { look() }
    }

    override fun close(fd: Int): Int {
        look()
        return real.close(fd).also { look() }
    }
}

/** What only the core's own users meet; the rest is tested through both APIs. */
class PoolSpec : NetparkSpec(body = {
    test("a borrower that throws disturbs no other, however it was told") {
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(1)).use { pool ->
                    pool.borrow(listener.address, object : Pool.Borrower {
                        override fun lent(lease: PoolLease): Unit = error("mine")
                        override fun failed(cause: NetparkException): Unit = error("mine")
                    })
                    val lease = pool.borrow(listener.address).await()
                    eventually { reactor.reporter.drain() shouldHaveSize 1 }
                    pool.borrow(listener.address, object : Pool.Borrower {
                        override fun lent(lease: PoolLease): Unit = error("mine")
                        override fun failed(cause: NetparkException): Unit = error("mine")
                    })
                    val waiting = pool.borrow(listener.address)
                    val drained = pool.drain()
                    shouldThrow<NetparkException.Closed> { waiting.await() }
                    drained.isDone shouldBe false
                    lease.giveBack()
                    drained.get(SOON.inWholeMilliseconds, TimeUnit.MILLISECONDS)
                    reactor.reporter.drain() shouldHaveSize 1
                }
            }
        }
    }

    test("who waits gets no connection that something has come on, though the poller has not told of it yet") {
        TestReactor(loops = 2).use { reactor ->
            reactor.listen().use { listener ->
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(1)).use { pool ->
                    val lease = pool.borrow(listener.address).await()
                    listener.accept().use { server ->
                        val client = BlockingConnection(lease.connection())
                        val reader = async { client.readSome() }
                        awaitParkedThreads() // so that no readiness is left over
                        server.write("answer")
                        reader.result() shouldBe "answer"
                        val holding = CountDownLatch(1)
                        val hold = CountDownLatch(1)
                        client.connection.loop().execute { holding.countDown(); hold.await() }
                        holding.await()
                        try {
                            server.write("and something that nobody asked for")
                            eventually { client.connection.peekInput() shouldBe 1 }
                            val waiting = pool.borrow(listener.address)
                            lease.giveBack()
                            hold.countDown()
                            val other = waiting.await()
                            other.connection() shouldNotBe client.connection
                            other.giveBack()
                            pool.snapshot().evicted()[Eviction.UNASKED_BYTES] shouldBe 1L
                        } finally {
                            hold.countDown()
                        }
                    }
                    listener.accept().close()
                }
            }
        }
    }

    test("no snapshot shows half of what becomes of a connection") {
        val libc = WatchedLibC(Bindings.best)
        TestReactor(libc).use { reactor ->
            reactor.listen().use { listener ->
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT).use { pool ->
                    val seen = ConcurrentLinkedQueue<String>()
                    libc.look = {
                        pool.snapshot().let {
                            val closed = it.evicted().values.sum()
                            val there = it.destinations().values.sumOf { part -> part.idle() }
                            seen += if (it.open().toLong() != it.created() - closed || there != it.idle()) "$it"
                            else "idle ${it.idle()}, lent ${it.lent()}, borrows ${it.borrowed()}, closed $closed"
                        }
                    }
                    fun seenIn(phase: () -> Unit): Set<String> = seen.run { clear(); phase(); toSet() }

                    val first = pool.borrow(listener.address).await()
                    val server = listener.accept()
                    first.giveBack()
                    seenIn { pool.borrow(listener.address).await().giveBack() } shouldBe setOf( // looked at on both ways
                        "idle 1, lent 0, borrows 1, closed 0",
                        "idle 0, lent 1, borrows 2, closed 0",
                    )
                    seenIn {
                        server.write("nobody asked")
                        eventually { pool.snapshot().idle() shouldBe 0 }
                    } shouldBe setOf("idle 1, lent 0, borrows 2, closed 0")
                    pool.snapshot().evicted() shouldBe mapOf(Eviction.UNASKED_BYTES to 1L)
                    libc.look = {}
                    server.close()
                }
            }
        }
    }

    test("a borrower is told once: by a connection, its time, its cancellation or the end of the pool") {
        TestReactor(loops = 2).use { reactor ->
            reactor.listen().use { listener ->
                for (round in 0 until 200) {
                    val pool = Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(1))
                    val lease = pool.borrow(listener.address).await()
                    val waiting = Borrowed()
                    val borrow = pool.borrow(listener.address, TimeUnit.MICROSECONDS.toNanos(200), waiting)
                    var cancelled = false
                    race(1, { lease.giveBack() }, { cancelled = borrow.cancel() }, { if (round % 3 == 0) pool.close() })
                    if (!cancelled) {
                        try {
                            waiting.await().discard()
                        } catch (e: NetparkException) {
                            (e is NetparkException.TimedOut || e is NetparkException.Closed) shouldBe true
                        }
                    } else {
                        waiting.isTold shouldBe false
                    }
                    pool.close()
                    pool.snapshot().also {
                        it.waiting() shouldBe 0
                        it.open() shouldBe 0
                    }
                }
            }
        }
    }

    for (libc in Bindings.all) {
        test("lending meets what the peer does at that moment, over ${libc.binding()}: never a dead connection that could be known") {
            TestReactor(libc, loops = 2).use { reactor ->
                reactor.listen().use { listener ->
                    Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(1)).use { pool ->
                        repeat(300) {
                            val lease = pool.borrow(listener.address).await()
                            val server = listener.accept()
                            lease.giveBack()
                            var second: Borrowed? = null
                            race(1, { server.close() }, { second = pool.borrow(listener.address) })
                            val again = second!!.await()
                            // Lent before the close, or a new one; in either case the pool's count is right.
                            pool.snapshot().open() shouldBe 1
                            again.discard()
                            listener.listener.startAccept()?.close()
                                ?: listener.listener.abandon(io.netpark.core.fd.Direction.READ)
                        }
                        pool.snapshot().open() shouldBe 0
                    }
                }
            }
        }
    }

    test("closing the event loops answers everybody, and the pool can still be closed") {
        repeat(50) {
            val reactor = TestReactor(loops = 2)
            val listener = reactor.listen()
            val pool = Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(1))
            pool.borrow(listener.address).await()
            val waiting = List(5) { Borrowed() }
            race(1, { waiting.forEach { pool.borrow(listener.address, it) } }, { reactor.close() })
            waiting.forEach { shouldThrow<NetparkException> { it.await() }.shouldBeInstanceOf<NetparkException.Closed>() }
            pool.close()
        }
    }
})
