package io.netpark.core.testing

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.net.transfer.Relay
import io.netpark.core.net.transfer.Transfer
import io.netpark.core.sys.OpenDescriptor
import java.util.Random
import java.util.concurrent.CompletableFuture

/** A transfer that has begun, and how it ends. */
class RunningTransfer(
    source: ConnectionDescriptor,
    target: ConnectionDescriptor,
    count: Long = Long.MAX_VALUE,
    ahead: LinkBuffer? = null,
    aheadCounts: Long = 0,
    pool: SegmentPool = SegmentPool.shared(),
    unread: LinkBuffer? = null,
) {
    private val end = CompletableFuture<Exception?>()

    private val outcome = Transfer.Outcome { _, failure -> check(end.complete(failure)) }

    val transfer =
        if (unread == null) {
            Transfer(source, target, ahead, aheadCounts, count, pool, outcome)
        } else {
            Transfer(source, target, ahead, unread, count, pool, outcome)
        }

    init {
        transfer.start()
    }

    val isOver: Boolean get() = end.isDone

    /** Null if there was none. */
    fun failure(): Exception? = end.result()

    /** Throws if it failed. */
    fun copied(): Long {
        failure()?.let { throw AssertionError("$transfer: $it", it) }
        return transfer.copied()
    }
}

/** A relay that has begun, and how it ends. */
class RunningRelay(one: ConnectionDescriptor, other: ConnectionDescriptor) {
    private val end = CompletableFuture<Exception?>()

    val relay = Relay(one, other, null, 0, null, 0, SegmentPool.shared()) { _, failure -> check(end.complete(failure)) }

    init {
        relay.start()
    }

    val isOver: Boolean get() = end.isDone

    fun failure(): Exception? = end.result()
}

/** What a pair of connected ends is made of. */
enum class Transport {
    IPV4, IPV6, UNIX;

    fun pair(reactor: TestReactor): Pair<BlockingConnection, BlockingConnection> = when (this) {
        IPV4 -> reactor.pair("127.0.0.1")
        IPV6 -> reactor.pair("::1")
        UNIX -> {
            val fds = NativeMemory.allocate(8)
            check(reactor.libc.socketpair(Linux.AF_UNIX, Linux.SOCK_STREAM or Linux.SOCK_CLOEXEC, 0, fds.address()) == 0)
            fun end(i: Int) = BlockingConnection(ConnectionDescriptor.adopt(reactor.group.next(), OpenDescriptor.of(fds.buffer().getInt(4 * i))))
            end(0) to end(1)
        }
    }
}

/** Two pairs, whose inner ends are to be copied between: `left - source`, `target - right`. */
class Chain(reactor: TestReactor, from: Transport = Transport.IPV4, to: Transport = from) : AutoCloseable {
    private val first = from.pair(reactor)
    private val second = to.pair(reactor)
    val left = first.first
    val source: ConnectionDescriptor = first.second.connection
    val target: ConnectionDescriptor = second.first.connection
    val right = second.second

    override fun close() {
        left.close()
        source.close()
        target.close()
        right.close()
    }
}

/** Writes in pieces of any size, with pauses at times. */
fun BlockingConnection.writeInPieces(bytes: ByteArray, seed: Long, most: Int = 300_000) {
    val random = Random(seed)
    var written = 0
    while (written < bytes.size) {
        val length = minOf(bytes.size - written, 1 + random.nextInt(if (random.nextInt(4) == 0) most else 2000))
        write(java.nio.ByteBuffer.wrap(bytes, written, length))
        written += length
        if (random.nextInt(20) == 0) Thread.sleep(1)
    }
}

/** Different at every position, and for every seed. */
fun noise(length: Int, seed: Long): ByteArray = ByteArray(length).also { Random(seed).nextBytes(it) }
