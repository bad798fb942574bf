package io.netpark.core.memory

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.Segment
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Connecting
import io.netpark.core.net.options.NetOptions
import java.net.InetAddress
import java.net.ServerSocket
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch

/** What a program does that has memory freed: large segments, more than a pool keeps, a pool that is closed; on a loop, and not. */
fun main() {
    EventLoopGroup.builder().loops(1).daemon(true).open().use { group ->
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { server ->
            val connection = Connecting.begin(group.next(), server.localSocketAddress, NetOptions.DEFAULT)
            val peer = server.accept()
            var connected = connection.startConnect()
            while (connected == Descriptor.PARK) {
                connection.await(Direction.WRITE)
                connected = connection.retryConnect()
            }
            val buffer = LinkBuffer(SegmentPool.shared())
            buffer.reserve(100_000)
            buffer.commit(100_000)
            var written = connection.startWrite(buffer)
            while (written == Descriptor.PARK) {
                connection.await(Direction.WRITE)
                written = connection.retryWrite(buffer)
            }
            check(buffer.available() == 0L && SegmentPool.shared().statistics().allocatedBytes() == 0L)
            connection.startRead(ByteBuffer.allocate(100)) // through memory of its own
            check(peer.getInputStream().readNBytes(100_000).size == 100_000)
            val pool = SegmentPool.builder().retained(100_000).build()
            List(100) { pool.take(64 * 1024) }.forEach(Segment::release)
            val done = CountDownLatch(1)
            group.first().execute {
                List(100) { pool.take(64 * 1024) }.forEach(Segment::release)
                done.countDown()
            }
            done.await()
            pool.close()
            println("written 100000")
        }
    }
}

private fun Descriptor.await(direction: Direction) {
    val ready = CountDownLatch(1)
    if (park(direction, ready::countDown)) ready.await()
}
