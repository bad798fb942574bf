package io.netpark.ktor.channels

import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Wire
import io.netpark.coroutines.Buffering
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.tls.awaitTls
import java.net.SocketAddress
import java.nio.file.Files
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** What a connection is made of. What holds for the channels of one holds for those of all. */
enum class Carrier(private val wire: Wire = Wire.PLAIN) {
    TCP,
    UNIX,
    TLS(Wire.TLS_1_3);

    /** Whether a peer can be told by a reset. A unix socket knows none, and its peer reads the end of the stream. */
    val knowsResets: Boolean get() = this != UNIX

    /** Two connected ends, [times] times over. Everything that was borrowed for them is given back after [body]. */
    fun connect(
        options: NetOptions = NetOptions.DEFAULT,
        buffering: (SegmentPool) -> Buffering = { Buffering(it) },
        times: Int = 1,
        body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
    ) {
        val reporter = RecordingReporter()
        val segments = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).reporter(reporter).build()
        Reactor(2, buffering(segments)) { daemon(true).reporter(reporter).reportLimit(Int.MAX_VALUE) }.use { reactor ->
            runBlocking { withTimeout(LONGEST) { repeat(times) { reactor.connect(options, body) } } }
        }
        eventually { check(segments.statistics().lentSegments() == 0L) { "segments are still lent: ${segments.statistics()}" } }
        reporter.shouldBeSilent()
    }

    private suspend fun Reactor.connect(options: NetOptions, body: suspend CoroutineScope.(Connection, Connection) -> Unit) {
        val folder = Files.createTempDirectory("carrier")
        val address: SocketAddress = if (this@Carrier == UNIX) UnixAddress.path("$folder/socket") else loopback()
        listen(address, options, null, wire.server).use { listener ->
            coroutineScope {
                val accepted = async(start = CoroutineStart.UNDISPATCHED) { listener.accept() }
                dial(listener.localAddress, LONGEST, options, wire.client).use { client ->
                    accepted.await().use { server ->
                        if (this@Carrier == TLS) server.awaitTls()
                        coroutineScope { body(client, server) }
                    }
                }
            }
        }
        Files.delete(folder)
    }

    companion object {
        val RESETTING: List<Carrier> = entries.filter { it.knowsResets }

        val LONGEST: Duration = 100.seconds

        /** Small kernel buffers, so that a writer gets stuck soon. */
        val TIGHT: NetOptions = NetOptions.DEFAULT.withSendBuffer(4096).withReceiveBuffer(4096)
    }
}

/** Different at every position, and for every [seed]. */
fun pattern(length: Int, seed: Int = 1): ByteArray = ByteArray(length) { (it * 31 + (it shr 8) * 7 + seed * 13).toByte() }

/** Waits for what happens on other threads, or on this one. */
suspend fun soon(assertion: () -> Unit) {
    val end = TimeSource.Monotonic.markNow() + 20.seconds
    while (true) {
        try {
            return assertion()
        } catch (e: AssertionError) {
            if (end.hasPassedNow()) throw e
        }
        delay(1.milliseconds)
    }
}

/** The failure of the connection that [this] was told of, in whatever it is wrapped. */
fun Throwable.netparkCause(): NetparkException? =
    generateSequence(this) { it.cause }.filterIsInstance<NetparkException>().firstOrNull()
