package io.netpark.simulation.schedule

import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoop
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Connecting
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.testing.loopback
import java.net.InetSocketAddress
import java.nio.ByteBuffer
import java.util.concurrent.Executor

/** The two ends of a TCP connection on one loop, and what others do with them at the same time. */
internal class Ends(val schedule: Schedule, private val executor: Executor, group: EventLoopGroup) : AutoCloseable {
    val loop: EventLoop = group.next()
    val near: ConnectionDescriptor
    val far: ConnectionDescriptor
    private var tasks = 0
    private var failure: Throwable? = null

    init {
        ListenerDescriptor.listen(group, loopback(), NetOptions.DEFAULT, null).use { listener ->
            far = Connecting.begin(loop, listener.localAddress() as InetSocketAddress, NetOptions.DEFAULT)
            schedule.perform(far, Direction.WRITE, far::startConnect, far::retryConnect)
            near = schedule.accept(listener)
        }
    }

    fun start(task: () -> Unit) {
        tasks++
        executor.execute {
            try {
                task()
            } catch (e: Throwable) {
                failure = failure ?: e
            } finally {
                tasks--
            }
        }
    }

    fun awaitTasks() {
        schedule.await { tasks == 0 }
        failure?.let { throw it }
    }

    fun say() = schedule.write(far, ByteBuffer.wrap(byteArrayOf(7)))

    /** Asks for more than there is: the next read need not ask the kernel. */
    fun hear() {
        val target = ByteBuffer.allocate(2)
        schedule.read(near, target) shouldBe 1
        target.get(0) shouldBe 7
    }

    fun hearEnd() {
        schedule.read(near, ByteBuffer.allocate(2)) shouldBe ConnectionDescriptor.END_OF_STREAM
    }

    override fun close() {
        near.close()
        far.close()
    }
}
