package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.net.options.NetOptions
import io.netpark.core.poll.Poller
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import java.io.EOFException
import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.seconds

/** Runs [body] with a reactor of its own; fails if anything is reported that [body] has not drained. */
fun onReactor(
    libc: LibC = Bindings.best,
    pollers: Poller.Factory = Poller.EPOLL,
    loops: Int = 1,
    buffering: (SegmentPool) -> Buffering = { Buffering(it) },
    pool: SegmentPool.Builder.() -> Unit = {},
    body: suspend CoroutineScope.(Reactor, RecordingReporter) -> Unit,
) {
    val reporter = RecordingReporter()
    val segments = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).reporter(reporter).apply(pool).build()
    Reactor(loops, buffering(segments)) { libc(libc).pollers(pollers).daemon(true).metrics(true).reporter(reporter) }.use { reactor ->
        runBlocking { body(reactor, reporter) }
    }
    segments.shouldHaveLentNothing()
    reporter.shouldBeSilent()
}

/** Everything has been given back, and nothing of that has waited for the garbage collector. */
fun SegmentPool.shouldHaveLentNothing() = eventually {
    check(statistics().lentSegments() == 0L) { "segments are still lent: ${statistics()}" }
}

/** As [onReactor], without interest in reports. */
fun onReactor(flavour: Flavour, loops: Int = 1, body: suspend CoroutineScope.(Reactor) -> Unit) =
    onReactor(flavour.libc, flavour.poller.factory, loops) { reactor, _ -> body(reactor) }

/** Two connected ends: the dialing one and the accepted one. Both are closed after [body]. */
suspend fun Reactor.withPair(
    host: String = "127.0.0.1",
    options: NetOptions = NetOptions.DEFAULT,
    body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
) {
    listen(loopback(host), options).use { listener ->
        dial(listener.localAddress, options = options).use { client ->
            listener.accept().use { server -> coroutineScope { body(client, server) } }
        }
    }
}

/** Small kernel buffers, so that a writer gets stuck soon. */
val TINY_BUFFERS: NetOptions = NetOptions.DEFAULT.withSendBuffer(4096).withReceiveBuffer(4096)

suspend fun Connection.readFully(length: Int): ByteArray {
    val target = ByteBuffer.allocateDirect(length)
    while (target.hasRemaining()) {
        if (read(target) == Connection.END_OF_STREAM) throw EOFException("${target.remaining()} bytes are missing")
    }
    return ByteArray(length).also { target.flip().get(it) }
}

suspend fun Connection.readText(length: Int): String = String(readFully(length))

/** Everything up to the end of the stream. */
suspend fun Connection.readToEnd(): ByteArray {
    val all = java.io.ByteArrayOutputStream()
    val chunk = ByteArray(8192)
    while (true) {
        val count = read(chunk)
        if (count == Connection.END_OF_STREAM) return all.toByteArray()
        all.write(chunk, 0, count)
    }
}

suspend fun Connection.write(text: String) = write(text.toByteArray())

/** Writes until the kernel takes no more. */
suspend fun Connection.fill() {
    val chunk = ByteBuffer.allocateDirect(64 * 1024)
    kotlinx.coroutines.withTimeoutOrNull(300) {
        while (true) {
            chunk.clear()
            write(chunk)
        }
    }
}

/** The handler of an echo server. */
suspend fun echo(connection: Connection) {
    val buffer = ByteBuffer.allocateDirect(4096)
    while (connection.read(buffer) != Connection.END_OF_STREAM) {
        connection.write(buffer.flip())
        buffer.clear()
    }
}

/** Different at every position, and for every [seed]. */
fun pattern(length: Int, seed: Int = 1): ByteArray = ByteArray(length) { (it * 31 + (it shr 8) * 7 + seed * 13).toByte() }

/** Until so many operations are parked, those of listeners included. */
suspend fun Reactor.awaitParked(operations: Int) = soon { group.snapshot().total().parked() shouldBe operations.toLong() }

/** As eventually, for what happens on the caller's own thread meanwhile. */
suspend fun soon(assertion: suspend () -> Unit) {
    val end = System.nanoTime() + 20.seconds.inWholeNanoseconds
    while (true) {
        try {
            return assertion()
        } catch (e: Throwable) {
            if (System.nanoTime() - end > 0) throw e
        }
        delay(1)
    }
}
