package io.netpark.core.testing

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.streams.ConnectionDescriptor
import java.io.ByteArrayOutputStream
import java.io.EOFException
import java.net.InetSocketAddress
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** A thread in a parking slot. Used for one park; counts how often it was run, which may not be more than once. */
class ThreadWaiter : Waiter {
    private val latch = CountDownLatch(1)

    @Volatile
    var runs = 0
        private set

    override fun run() {
        runs++
        latch.countDown()
    }

    fun await(): Boolean = latch.await(SOON.inWholeMilliseconds, TimeUnit.MILLISECONDS)
}

private val parkedThreads = AtomicInteger()

/** Waits until [count] threads are parked. */
fun awaitParkedThreads(count: Int = 1) = eventually {
    check(parkedThreads.get() == count) { "${parkedThreads.get()} threads are parked, not $count" }
}

/** Parks the thread until there is reason to retry. Gives the operation up if that does not come soon, or on interrupt. */
fun Descriptor.parkThread(direction: Direction) {
    val waiter = ThreadWaiter()
    if (!park(direction, waiter)) return
    parkedThreads.incrementAndGet()
    var woken = false
    try {
        woken = waiter.await()
    } finally {
        parkedThreads.decrementAndGet()
        if (!woken) {
            unpark(direction, waiter)
            abandon(direction)
        }
    }
    check(woken) { "$this: parked to $direction and never woken" }
}

/** The whole of a blocking operation: start, and park and retry until it has ended. */
inline fun Descriptor.perform(direction: Direction, start: () -> Int, retry: () -> Int): Int {
    var outcome = start()
    while (outcome == Descriptor.PARK) {
        parkThread(direction)
        outcome = retry()
    }
    return outcome
}

/** A connection as a thread sees it. */
class BlockingConnection(val connection: ConnectionDescriptor) : AutoCloseable by connection {

    fun connect() = apply { connection.perform(Direction.WRITE, connection::startConnect, connection::retryConnect) }

    fun read(target: ByteBuffer): Int =
        connection.perform(Direction.READ, { connection.startRead(target) }, { connection.retryRead(target) })

    fun read(targets: Array<ByteBuffer>): Int =
        connection.perform(Direction.READ, { connection.startRead(targets) }, { connection.retryRead(targets) })

    fun write(source: ByteBuffer) {
        connection.perform(Direction.WRITE, { connection.startWrite(source) }, { connection.retryWrite(source) })
    }

    fun write(sources: Array<ByteBuffer>) {
        connection.perform(Direction.WRITE, { connection.startWrite(sources) }, { connection.retryWrite(sources) })
    }

    fun write(bytes: ByteArray) = write(ByteBuffer.wrap(bytes))

    fun write(text: String) = write(text.toByteArray())

    /** Reads until [target] is full. */
    fun readFully(target: ByteBuffer): ByteBuffer {
        while (target.hasRemaining()) {
            if (read(target) == ConnectionDescriptor.END_OF_STREAM) throw EOFException("${target.remaining()} bytes are missing")
        }
        return target.flip()
    }

    fun readFully(length: Int): ByteArray = readFully(ByteBuffer.allocate(length)).array()

    fun readText(length: Int): String = String(readFully(length))

    /** Everything up to the end of the stream, as Latin-1. */
    fun readAll(): String {
        val all = ByteArrayOutputStream()
        val target = ByteBuffer.allocate(65_536)
        while (read(target.clear()) != ConnectionDescriptor.END_OF_STREAM) all.write(target.array(), 0, target.position())
        return all.toString(Charsets.ISO_8859_1)
    }

    /** Reads what there is, at most [most] bytes; an empty text at the end of the stream. */
    fun readSome(most: Int = 4096): String {
        val target = ByteBuffer.allocateDirect(most)
        read(target)
        return Charsets.UTF_8.decode(target.flip()).toString()
    }

    /**
     * Fixes SO_RCVBUF. By itself the kernel lets it grow with what is read, to tens of megabytes (tcp_rmem): a peer's next write
     * is then not stuck where a test wants it to be.
     */
    fun keepReceiveBufferSmall() = connection.setOption(NetOption.RECEIVE_BUFFER, 65_536)

    fun readIsAtEnd(): Boolean = read(ByteBuffer.allocateDirect(1)) == ConnectionDescriptor.END_OF_STREAM

    override fun toString() = connection.toString()
}

/** A listener as a thread sees it. */
class BlockingListener(val listener: ListenerDescriptor) : AutoCloseable by listener {

    val address get() = listener.localAddress() as InetSocketAddress

    fun accept(): BlockingConnection {
        var connection = listener.startAccept()
        while (connection == null) {
            listener.parkThread(Direction.READ)
            connection = listener.retryAccept()
        }
        return BlockingConnection(connection)
    }
}
