package io.netpark.core.pool

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.sys.Due
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import java.net.SocketAddress
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds

/** Asks, and waits for the answer. */
private fun CheckedBorrow.await(): PoolLease {
    val lent = CompletableFuture<PoolLease>()
    ask(object : Pool.Borrower {
        override fun lent(lease: PoolLease) {
            lent.complete(lease)
        }

        override fun failed(cause: NetparkException) {
            lent.completeExceptionally(cause)
        }
    })
    return lent.get(SOON.inWholeMilliseconds, TimeUnit.MILLISECONDS)
}

class CheckedBorrowSpec : NetparkSpec(body = {
    fun pool(name: String, body: (pool: Pool, address: SocketAddress) -> Unit) = test(name) {
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT).use { body(it, listener.address) }
            }
        }
    }

    /** Leaves one that has been idle. */
    fun Pool.idle(address: SocketAddress) {
        CheckedBorrow(this, address, Due.FOREVER, CheckedBorrow.NEVER).await().giveBack()
        eventually { snapshot().idle() shouldBe 1 }
    }

    pool("a check is due for a connection that has been idle for its time, and never for a new one") { pool, address ->
        val wish = CheckedBorrow(pool, address, Due.FOREVER, 0)
        val new = wish.await()
        wish.isCheckDue(new) shouldBe false
        new.giveBack()
        eventually { pool.snapshot().idle() shouldBe 1 }
        val used = CheckedBorrow(pool, address, Due.FOREVER, 0).await()
        CheckedBorrow(pool, address, Due.FOREVER, 0).isCheckDue(used) shouldBe true
        CheckedBorrow(pool, address, Due.FOREVER, 1.hours.inWholeNanoseconds).isCheckDue(used) shouldBe false
        CheckedBorrow(pool, address, Due.FOREVER, CheckedBorrow.NEVER).isCheckDue(used) shouldBe false
        used.giveBack()
    }

    pool("the next is asked for when one is rejected, while time is left") { pool, address ->
        pool.idle(address)
        val wish = CheckedBorrow(pool, address, 1.hours.inWholeNanoseconds, 0)
        val first = wish.await()
        val connection = first.connection()
        wish.isCheckDue(first) shouldBe true
        first.reject()
        val second = wish.await()
        second.connection() shouldNotBe connection
        wish.isCheckDue(second) shouldBe false
        wish.leftNanos() shouldBeInRange 1L..1.hours.inWholeNanoseconds
        second.giveBack()
        pool.snapshot().evicted()[Eviction.CHECK] shouldBe 1L
    }

    pool("with no time left none is asked for") { pool, address ->
        pool.idle(address)
        val wish = CheckedBorrow(pool, address, 0, 0)
        wish.await().reject()
        val failure = shouldThrow<NetparkException.TimedOut> { wish.await() }
        failure.timeout() shouldBe NetparkException.Timeout.BORROW
        failure.message shouldContain "borrow a connection to "
        failure.message shouldContain "that its check accepts"
        pool.snapshot().open() shouldBe 0
    }

    pool("what is cancelled is never answered, and what has been answered is not cancelled") { pool, address ->
        val wish = CheckedBorrow(pool, address, Due.FOREVER, 0)
        wish.cancel() shouldBe false
        val lease = wish.await()
        wish.cancel() shouldBe false
        lease.connection().setTimeout(Direction.READ, 50.milliseconds.inWholeNanoseconds)
        lease.passedCheck()
        lease.connection().timeoutNanos(Direction.READ) shouldBe Due.FOREVER
        lease.discard()
    }
})
