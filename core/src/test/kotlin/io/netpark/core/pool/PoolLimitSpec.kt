package io.netpark.core.pool

import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.loop.Balancing
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.sys.Due
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import java.lang.ref.WeakReference
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.SocketAddress
import java.net.SocketException
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger

private class Told(private val then: (PoolLease) -> Unit) : Pool.Borrower {
    val future = CompletableFuture<Unit>()

    override fun lent(lease: PoolLease) {
        then(lease)
        future.complete(Unit)
    }

    override fun failed(cause: NetparkException) {
        future.completeExceptionally(cause)
    }
}

private fun Pool.lend(address: SocketAddress): PoolLease {
    val future = CompletableFuture<PoolLease>()
    borrow(address, Due.FOREVER, object : Pool.Borrower {
        override fun lent(lease: PoolLease) {
            future.complete(lease)
        }

        override fun failed(cause: NetparkException) {
            future.completeExceptionally(cause)
        }
    })
    return future.result()
}

/** A pool at its limits, and what must not count against them. */
class PoolLimitSpec : NetparkSpec(body = {
    test("a dial that throws is a failed one: its place is free again, and who waits gets what the next one makes") {
        val bad = AtomicInteger(3)
        val sound = Balancing.roundRobin()
        TestReactor {
            balancing { loops, hash -> if (bad.getAndDecrement() > 0) error("no balance") else sound.choose(loops, hash) }
        }.use { reactor ->
            server { address ->
                val options = PoolOptions.DEFAULT.withMaxConnections(2).withMaxPerDestination(2)
                    .withBackOff(Duration.ofMillis(1), Duration.ofMillis(2))
                Pool(Dialer.of(reactor.group), options).use { pool ->
                    val leases = List(2) { pool.lend(address) }
                    pool.snapshot().apply {
                        dialing() shouldBe 0
                        open() shouldBe 2
                        (dialFailures() in 1..3) shouldBe true
                    }
                    leases.forEach(PoolLease::giveBack)
                }
                // Once an episode; a retry on the loop itself needs no balancing, and ends one.
                reactor.reporter.drain().also { (it.size in 1..3) shouldBe true }
                    .forEach { it.cause.message!! shouldContain "no balance" }
            }
        }
    }

    test("a dial that throws fails at once who does not want to wait for the next") {
        TestReactor { balancing { _, _ -> error("no balance") } }.use { reactor ->
            server { address ->
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withFailFast(true)).use { pool ->
                    repeat(3) {
                        val told = Told { }
                        pool.borrow(address, told)
                        runCatching { told.future.result() }.exceptionOrNull()!!.message!! shouldContain "no balance"
                    }
                    pool.snapshot().dialing() shouldBe 0
                    pool.drain().isDone shouldBe true
                }
                reactor.reporter.drain()
            }
        }
    }

    test("who waits for one destination longer than another for the other one gets the room, though both have come at the same instant") {
        for (swapped in listOf(false, true)) TestReactor { clock(HandMovedClock()) }.use { reactor ->
            server { one -> server { other ->
                val (first, second) = if (swapped) other to one else one to other
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(1)).use { pool ->
                    val lease = pool.lend(first)
                    val waiting = listOf(second, first, second).map { Told { lent -> lent.giveBack() }.also { told -> pool.borrow(it, Due.FOREVER, told) } }
                    lease.giveBack()
                    waiting.forEach { it.future.result() }
                    pool.snapshot().created() shouldBe 4
                }
            } }
        }
    }

    test("20 000 who wait and give back at once are all served, on a small stack") {
        TestReactor().use { reactor ->
            server { address ->
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(1)).use { pool ->
                    val lease = pool.lend(address)
                    val waiting = List(20_000) { Told { it.giveBack() }.also { borrower -> pool.borrow(address, Due.FOREVER, borrower) } }
                    onSmallStack { lease.giveBack() }
                    waiting.forEach { it.future.result() }
                    eventually { check(pool.snapshot().idle() == 1) { "${pool.snapshot()}" } }
                    pool.snapshot().apply {
                        open() shouldBe 1
                        waiting() shouldBe 0
                    }
                }
            }
        }
    }

    test("who gives back at once and borrows again, 100 000 times, needs no more stack for it") {
        TestReactor().use { reactor ->
            server { address ->
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(1)).use { pool ->
                    val rounds = AtomicInteger()
                    val done = CompletableFuture<Unit>()
                    fun again() {
                        pool.borrow(address, Due.FOREVER, Told { lease ->
                            lease.giveBack()
                            if (rounds.incrementAndGet() < 100_000) again() else done.complete(Unit)
                        })
                    }
                    pool.lend(address).giveBack()
                    onSmallStack { again() }
                    done.result()
                    pool.snapshot().open() shouldBe 1
                }
            }
        }
    }

    test("who fails at once and borrows again needs no more stack for it either") {
        TestReactor().use { reactor ->
            val pool = Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT)
            pool.close()
            val rounds = AtomicInteger()
            val done = CompletableFuture<Unit>()
            fun again() {
                pool.borrow(io.netpark.core.testing.loopback(port = 1), Due.FOREVER, object : Pool.Borrower {
                    override fun lent(lease: PoolLease) = error("a closed pool lends")

                    override fun failed(cause: NetparkException) {
                        if (rounds.incrementAndGet() < 20_000) again() else done.complete(Unit)
                    }
                })
            }
            onSmallStack { again() }
            done.result()
        }
    }

    test("never is anything dialed while as many as are allowed are open, though destinations take turns") {
        TestReactor(loops = 2).use { reactor ->
            val servers = List(3) { Accepting() }
            val mostOpen = AtomicInteger()
            try {
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxConnections(2).withMaxPerDestination(2)).use { pool ->
                    val stop = AtomicBoolean()
                    val watching = async {
                        while (!stop.get()) {
                            val now = pool.snapshot()
                            mostOpen.accumulateAndGet(now.open() + now.dialing(), ::maxOf)
                        }
                    }
                    val work = List(3) { thread ->
                        async {
                            repeat(300) { round ->
                                val lease = pool.lend(servers[(thread + round) % 3].address)
                                if (round % 5 == 0) lease.discard() else lease.giveBack()
                            }
                        }
                    }
                    work.forEach { it.result() }
                    stop.set(true)
                    watching.result()
                    mostOpen.get() shouldBeLessThanOrEqual 2
                    pool.snapshot().waiting() shouldBe 0
                    eventually { pool.snapshot().dialing() shouldBe 0 } // for who has got another meanwhile
                }
            } finally {
                servers.forEach(Accepting::close)
            }
        }
    }

    test("giving back what the peer has closed, or the pool, is no mistake of the borrower's") {
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                val pool = Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT)
                val lease = pool.lend(listener.address)
                lease.connection().setIdleTimeout(1)
                listener.accept().close()
                eventually { check(lease.connection().isClosed) { "not idle yet" } }
                lease.giveBack()
                pool.snapshot().open() shouldBe 0
                val second = pool.lend(listener.address)
                pool.close()
                second.giveBack()
                pool.snapshot().open() shouldBe 0
            }
        }
    }

    test("what the loops know of a pool that is closed does not keep it") {
        TestReactor(loops = 2).use { reactor ->
            reactor.listen().use { listener ->
                val forgotten = List(10) { usedAndClosed(reactor, listener.address) }
                eventually {
                    System.gc()
                    check(forgotten.all { it.get() == null }) { "${forgotten.count { it.get() != null }} pools are still reachable" }
                }
            }
            reactor.reporter.drain()
        }
    }
})

/** One that has an idle connection, borrowers with time, and a destination that fails and is tried again. */
private fun usedAndClosed(reactor: TestReactor, address: SocketAddress): WeakReference<Pool> {
    val nobody = ServerSocket(0, 1, InetAddress.getLoopbackAddress()) // is never accepted from, and refuses once it is closed
    val refusing = nobody.localSocketAddress
    nobody.close()
    val pool = Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT.withMaxPerDestination(1))
    val lease = pool.lend(address)
    val timed = Told { it.giveBack() }
    pool.borrow(address, Duration.ofHours(1).toNanos(), timed)
    lease.giveBack()
    timed.future.result()
    val failing = Told { }
    pool.borrow(refusing, Due.FOREVER, failing)
    eventually { check(pool.snapshot().dialFailures() > 0) { "has not failed yet" } }
    pool.close()
    runCatching { failing.future.result() }
    return WeakReference(pool)
}

/** Accepts whatever comes, and keeps it until it ends. */
private class Accepting : AutoCloseable {
    private val socket = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    private val accepted = ArrayList<Socket>()
    val address: SocketAddress get() = socket.localSocketAddress
    private val accepting = async {
        try {
            while (true) accepted += socket.accept()
        } catch (_: SocketException) {
            // Closed.
        }
    }

    override fun close() {
        socket.close()
        accepting.result()
        accepted.forEach(Socket::close)
    }
}

private fun server(body: (SocketAddress) -> Unit) = Accepting().use { body(it.address) }

private fun onSmallStack(body: () -> Unit) {
    val result = CompletableFuture<Unit>()
    Thread(null, { runCatching(body).fold(result::complete, result::completeExceptionally) }, "small stack", 128 * 1024).start()
    result.result()
}
