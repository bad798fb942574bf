package io.netpark.coroutines

import io.kotest.assertions.withClue
import io.kotest.core.test.TestScope
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.options.NetOptions
import io.netpark.core.poll.Poller
import io.netpark.core.sys.Clock
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.PollerKind
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fault.CountedCalls
import io.netpark.core.testing.fault.FaultChoice
import io.netpark.core.testing.fault.Segments
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Wire
import io.netpark.coroutines.loops.LOOP_TIMERS
import io.netpark.coroutines.simulation.runNetworkTest
import io.netpark.coroutines.tls.awaitTls
import io.netpark.coroutines.tls.startTls
import io.netpark.simulation.kernel.SimulatedKernel
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import java.io.EOFException
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.util.Collections
import java.util.WeakHashMap
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration

/** Runs [body] with a reactor of its own; fails if anything is reported that [body] has not drained. */
fun onReactor(
    libc: LibC = Bindings.best,
    pollers: Poller.Factory = Poller.EPOLL,
    loops: Int = 1,
    buffering: (SegmentPool) -> Buffering = { Buffering(it) },
    pool: SegmentPool.Builder.() -> Unit = {},
    clock: Clock = Clock.SYSTEM,
    body: suspend CoroutineScope.(Reactor, RecordingReporter) -> Unit,
) {
    val reporter = RecordingReporter()
    val segments = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).reporter(reporter).apply(pool).build()
    Reactor(loops, buffering(segments)) {
        libc(libc).pollers(pollers).daemon(true).metrics(true).clock(clock)
            .reporter(reporter).reportLimit(Int.MAX_VALUE)
    }.use { reactor ->
        runBlocking { body(reactor, reporter) }
    }
    segments.shouldHaveLentNothing()
    reporter.forgetClientsThatLeft()
    reporter.shouldBeSilent()
}

/** Whether delays are timers of loops, and so pass by the time of a schedule. There is a run of some specs in which they are not. */
val delaysAreOfLoops: Boolean = System.getProperty(LOOP_TIMERS) != "off"

/** How many orders of threads a contract is tried in. */
private const val ORDERS = 5L

/**
 * As [onReactor], on a kernel in memory, once in the order of each of a few seeds; a failure, and who is stuck, says in which. Then again
 * with [faults][inFaults].
 *
 * @param counted gets the calls of each order
 */
fun inOrders(
    loops: Int = 1,
    counted: (CountedCalls) -> Unit = {},
    body: suspend CoroutineScope.(Reactor, RecordingReporter) -> Unit,
) {
    val calls = (1L..ORDERS).map { seed -> withClue("seed $seed") { inOrder(seed, loops, body) } }
    calls.forEach(counted)
    val drawn = FaultChoice.seed().mod(ORDERS)
    inFaults(calls[drawn.toInt()], drawn + 1, loops, body)
}

/** What calls it makes. */
private fun inOrder(seed: Long, loops: Int, body: suspend CoroutineScope.(Reactor, RecordingReporter) -> Unit): CountedCalls {
    val reporter = RecordingReporter()
    lateinit var kernel: SimulatedKernel
    lateinit var calls: CountedCalls
    lateinit var segments: SegmentPool
    runNetworkTest(seed) {
        kernel = host("host").kernel
        calls = CountedCalls(kernel)
        segments = Segments.of(calls, reporter)
        val reactor = host("host").reactor(loops, Buffering(segments)) {
            libc(calls.libc()).metrics(true).reporter(reporter).reportLimit(Int.MAX_VALUE)
        }
        within { body(reactor, reporter) }
    }
    kernel.descriptors().shouldBeEmpty()
    segments.shouldHaveLentNothing()
    reporter.forgetClientsThatLeft()
    reporter.shouldBeSilent()
    return calls
}

/** Not a kernel of its own: with it a contract runs on kernels in memory, in several [orders][inOrders] of the threads. */
private val ORDERED = Flavour(SimulatedKernel(Clock.SYSTEM), PollerKind.EPOLL, Wire.ofThisRun)

private val ORDERED_IF_TIMED = listOf(ORDERED).filter { delaysAreOfLoops }

val Flavour.isOrdered: Boolean get() = this === ORDERED

/** [Flavour.all], and that of several orders where there is a schedule. */
val allAndOrdered: List<Flavour> = Flavour.all + ORDERED_IF_TIMED

/** As [allAndOrdered], with the one of all that users get: for what takes long, or is the same on all. */
val bestAndOrdered: List<Flavour> = listOf(Flavour(Bindings.best, PollerKind.EPOLL, Wire.ofThisRun)) + ORDERED_IF_TIMED

/**
 * Where a contract has others run at the same time as its own coroutine: on the threads of coroutines, or in several orders, whose schedule
 * does not know those, on the reactor's loops in turn.
 */
fun Flavour.elsewhere(reactor: Reactor, number: Int = 0): CoroutineContext =
    if (isOrdered) reactor.loopDispatchers.let { it[number % it.size] } else Dispatchers.Default

/** A client that gives a dial up leaves the server in the midst of the handshake. */
fun RecordingReporter.forgetClientsThatLeft() = drain()
    .filterNot { report ->
        val cause = report.cause
        report.what.startsWith("A client was turned away") &&
            (cause is NetparkException.Reset || cause is NetparkException.TlsFailure && cause.fault() == NetparkException.TlsFault.ENDED)
    }
    .forEach { report(it.what, it.cause) }

/** Everything has been given back, and nothing of that has waited for the garbage collector. */
fun SegmentPool.shouldHaveLentNothing() = eventually {
    check(statistics().lentSegments() == 0L) { "segments are still lent: ${statistics()}" }
}

/** As [onReactor], without interest in reports. */
fun onReactor(flavour: Flavour, loops: Int = 1, clock: Clock = Clock.SYSTEM, body: suspend CoroutineScope.(Reactor) -> Unit) =
    if (flavour.isOrdered) {
        inOrders(loops) { reactor, _ -> body(reactor.over(flavour.wire)) }
    } else {
        onReactor(flavour.libc, flavour.poller.factory, loops, clock = clock) { reactor, _ -> body(reactor.over(flavour.wire)) }
    }

/** Two connected ends: the dialing one and the accepted one. Both are closed after [body]. */
suspend fun Reactor.withPair(
    host: String = "127.0.0.1",
    options: NetOptions = NetOptions.DEFAULT,
    body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
) {
    listenOver(loopback(host), options).use { listener ->
        listener.connected { dialOver(listener.localAddress, options = options) }.use { (client, server) ->
            if (wire != Wire.PLAIN) server.awaitTls()
            coroutineScope { body(client, server) }
        }
    }
}

/** A connection that [dial] makes, and the other end of it. A TLS handshake needs both. */
suspend fun Listener.connected(dial: suspend () -> Connection): ConnectionPair = coroutineScope {
    val accepted = async(start = CoroutineStart.UNDISPATCHED) { accept() }
    ConnectionPair(dial(), accepted.await())
}

// What the bytes of connections travel by: all that a suite needs that runs over TLS as well

private val wires = Collections.synchronizedMap(WeakHashMap<Reactor, Wire>())

/** From now on the functions below make connections of such a wire, and not of that of this run. */
fun Reactor.over(wire: Wire): Reactor = also { wires[it] = wire }

val Reactor.wire: Wire get() = wires[this] ?: Wire.ofThisRun

/** [Reactor.listen], of the wire. */
fun Reactor.listenOver(address: SocketAddress = loopback(), options: NetOptions = NetOptions.DEFAULT, admission: Admission? = null): Listener =
    listen(address, options, admission, wire.server)

fun Reactor.listenOver(host: String, port: Int, options: NetOptions = NetOptions.DEFAULT, admission: Admission? = null): Listener =
    listen(host, port, options, admission, wire.server)

/** [Reactor.listenOnEachLoop], of the wire. */
fun Reactor.listenOnEachLoopOver(address: SocketAddress): Listener = listenOnEachLoop(address, tls = wire.server)

/** [Reactor.dial], of the wire. */
suspend fun Reactor.dialOver(
    address: SocketAddress,
    timeout: Duration = Duration.INFINITE,
    options: NetOptions = NetOptions.DEFAULT,
): Connection = dial(address, timeout, options, wire.client)

/** [Reactor.dialer], of the wire. */
val Reactor.dialerOver: Dialer get() = dialer.withTls(wire.client)

/** [Reactor.pair], of the wire. */
suspend fun Reactor.pairOver(): ConnectionPair = pair().also { (one, other) ->
    val tls = wire.server ?: return@also
    coroutineScope {
        launch { other.startTls(tls) }
        one.startTls(wire.client!!, Wire.HOST)
    }
}

/** A test of what is otherwise over TLS, or is not there. */
fun NetparkSpec.plainTest(name: String, test: suspend TestScope.() -> Unit) =
    test(name).config(enabled = Wire.ofThisRun == Wire.PLAIN, test = test)

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

/** Runs [operation] up to where it has to wait, and cancels it there. By a limit of time it may be over before it has begun. */
suspend fun breakOff(operation: suspend () -> Unit) = coroutineScope {
    launch(start = CoroutineStart.UNDISPATCHED) { operation() }.apply { isCompleted shouldBe false }.cancelAndJoin()
}

/** Writes until the kernel takes no more: a single write gets stuck. On a busy machine all of them together may take as long. */
suspend fun Connection.fill() {
    val chunk = ByteBuffer.allocateDirect(64 * 1024)
    while (withTimeoutOrNull(300) { write(chunk.clear()) } != null) continue
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

/** As eventually, for what happens on the caller's own thread meanwhile, and by the time of the caller's dispatcher. */
suspend fun soon(assertion: suspend () -> Unit) {
    var failure: Throwable? = null
    withTimeoutOrNull(SOON) {
        var waited = 0L
        while (true) {
            failure = try {
                assertion()
                null
            } catch (e: Throwable) {
                ensureActive()
                e
            }
            if (failure == null) break
            val pause = 1 + waited / 20 // most of what is awaited comes at once, and the rest may be a little late
            delay(pause)
            waited += pause
        }
    } ?: throw failure ?: AssertionError("it hangs")
}
