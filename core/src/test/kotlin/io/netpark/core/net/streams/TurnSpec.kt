package io.netpark.core.net.streams

import com.sun.jna.Pointer
import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.PollerKind
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.util.Collections
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import kotlin.io.path.writeBytes

private const val LENGTH = 9_000_000
private const val TURN = 2L * 1024 * 1024

/** A peer that takes everything at once. What each call gave it is in [calls]. */
private class Bottomless : LibC by Bindings.best {
    val calls: MutableList<Long> = Collections.synchronizedList(ArrayList())

    private fun take(length: Long): Long = length.also { calls += it }

    override fun send(fd: Int, address: Long, length: Long, flags: Int) = take(length)

    override fun sendmsg(fd: Int, msghdr: Long, flags: Int): Long {
        val vector = Pointer(Pointer(msghdr).getLong(16))
        return take((0 until Pointer(msghdr).getLong(24)).sumOf { vector.getLong(16 * it + 8) })
    }

    override fun sendfile(out: Int, `in`: Int, offset: Long, count: Long) = take(count)
}

/** One operation does not keep the loop for itself, however fast its peer is. */
class TurnSpec : NetparkSpec(body = {
    /** Writes on the loop of the connection, and counts how often others had their turn before it was done. */
    fun turns(connection: ConnectionDescriptor, start: () -> Int, retry: () -> Int): Int {
        val loop = connection.loop()
        val turns = CompletableFuture<Int>()
        var others = 0
        lateinit var other: Runnable
        other = Runnable {
            others++
            if (!turns.isDone) loop.execute(other)
        }
        fun goOn(outcome: Int) {
            try {
                var now = outcome
                while (now == Descriptor.PARK) {
                    if (connection.park(Direction.WRITE) { goOn(retry()) }) return
                    now = retry()
                }
                turns.complete(others)
            } catch (e: Throwable) {
                turns.completeExceptionally(e)
            }
        }
        loop.execute {
            loop.execute(other)
            goOn(start())
        }
        return turns.get(20, TimeUnit.SECONDS)
    }

    val file = tempdir().toPath().resolve("file").also { it.writeBytes(ByteArray(LENGTH)) }

    for (poller in PollerKind.all) {
        test("$poller: a write of whatever kind moves 2 MiB on a loop, and then others have their turn") {
            val libc = Bottomless()
            TestReactor(libc, poller.factory).use { reactor ->
                reactor.pair().use { client, _ ->
                    val connection = client.connection
                    val direct = ByteBuffer.allocateDirect(LENGTH)
                    fun check(what: String, start: () -> Int, retry: () -> Int) {
                        libc.calls.clear()
                        withClue(what) {
                            turns(connection, start, retry) shouldBeGreaterThanOrEqual (LENGTH / TURN).toInt()
                            libc.calls.sum() shouldBe LENGTH
                            libc.calls.max() shouldBeLessThanOrEqual TURN
                        }
                    }
                    val heap = ByteBuffer.allocate(LENGTH)
                    check("a direct buffer", { connection.startWrite(direct) }, { connection.retryWrite(direct) })
                    check("a heap buffer", { connection.startWrite(heap) }, { connection.retryWrite(heap) })
                    direct.clear()
                    val several = arrayOf(ByteBuffer.allocateDirect(0), direct)
                    check("several buffers", { connection.startWrite(several) }, { connection.retryWrite(several) })
                    LinkBuffer(SegmentPool.shared()).use { chain ->
                        chain.link(direct.clear()) {}
                        check("a chain", { connection.startWrite(chain) }, { connection.retryWrite(chain) })
                        repeat(LENGTH / 1000) { chain.put(ByteBuffer.wrap(ByteArray(1000))) }
                        check("a chain of segments", { connection.startWrite(chain) }, { connection.retryWrite(chain) })
                    }
                    FileTransfer.open(file).use { transfer ->
                        check("a file", { connection.startSend(transfer) }, { connection.retrySend(transfer) })
                    }
                }
            }
        }
    }

    test("a thread that waits for itself alone writes at once") {
        val libc = Bottomless()
        TestReactor(libc).use { reactor ->
            reactor.pair().use { client, _ ->
                client.connection.startWrite(ByteBuffer.allocateDirect(LENGTH)) shouldBe 0
                FileTransfer.open(file).use { client.connection.startSend(it) shouldBe 0 }
                libc.calls.shouldNotBeEmpty()
            }
        }
    }

    test("given up when its turn is over, a write leaves the connection to others") {
        TestReactor(Bottomless()).use { reactor ->
            reactor.pair().use { client, _ ->
                val done = CompletableFuture<Int>()
                client.connection.loop().execute {
                    client.connection.startWrite(ByteBuffer.allocateDirect(LENGTH))
                    client.connection.abandon(Direction.WRITE)
                    done.complete(client.connection.startWrite(ByteBuffer.allocateDirect(1)))
                }
                done.get(10, TimeUnit.SECONDS) shouldBe 0
            }
        }
    }
})
