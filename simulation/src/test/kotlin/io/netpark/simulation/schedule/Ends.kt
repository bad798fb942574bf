package io.netpark.simulation.schedule

import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Descriptor
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

/** The two ends of a TCP connection on one loop, and what others do with them at the same time; and what there may be aside of it. */
internal class Ends(val schedule: Schedule, private val executor: Executor, val group: EventLoopGroup) : AutoCloseable {
    val loop: EventLoop = group.next()
    val near: ConnectionDescriptor
    val far: ConnectionDescriptor
    private var tasks = 0
    private var failure: Throwable? = null

    /** Listens while a connection waits to be accepted; only where one was dialed aside. */
    lateinit var listener: ListenerDescriptor
    val pairs = mutableListOf<ConnectionDescriptor.Pair>()
    /** Of those who listen aside. */
    private val waiters = mutableListOf<Woken>()

    init {
        listen().use { listener ->
            far = dial(listener)
            near = schedule.accept(listener)
        }
    }

    private fun listen() = ListenerDescriptor.listen(group, loopback(), NetOptions.DEFAULT, null)

    private fun dial(listener: ListenerDescriptor): ConnectionDescriptor =
        Connecting.begin(loop, listener.localAddress() as InetSocketAddress, NetOptions.DEFAULT).also {
            schedule.perform(it, Direction.WRITE, it::startConnect, it::retryConnect)
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
    fun hear(from: ConnectionDescriptor = near) {
        val target = ByteBuffer.allocate(2)
        schedule.read(from, target) shouldBe 1
        target.get(0) shouldBe 7
    }

    fun hearEnd() {
        schedule.read(near, ByteBuffer.allocate(2)) shouldBe ConnectionDescriptor.END_OF_STREAM
    }

    // Aside

    fun dialAside() {
        listener = listen()
        dial(listener)
    }

    fun pair(): ConnectionDescriptor.Pair = ConnectionDescriptor.pair(loop, loop).also { pairs += it }

    /** Parks a read on a pair of its own. */
    fun listenAside() {
        val listening = pair().first()
        listening.startRead(ByteBuffer.allocate(1)) shouldBe Descriptor.PARK
        listening.park(Direction.READ, Woken().also { waiters += it }) shouldBe true
    }

    /** Says a byte to all who listen aside. On the loop, which learns of none of them before it has said the last. */
    fun sayAside() {
        for (pair in pairs) pair.second().startWrite(ByteBuffer.wrap(byteArrayOf(7))) shouldBe 0
    }

    /** Until all who listen aside are told, and have their byte. */
    fun awaitAside() {
        schedule.await { waiters.all { it.isSo } }
        for (pair in pairs) pair.first().retryRead(ByteBuffer.allocate(1)) shouldBe 1
    }

    /** Those that were dialed aside the loop closes. */
    override fun close() {
        pairs.forEach { it.close() }
        near.close()
        far.close()
    }
}
