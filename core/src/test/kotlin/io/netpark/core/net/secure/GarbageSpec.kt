package io.netpark.core.net.secure

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.comparables.shouldBeLessThan
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoop
import io.netpark.core.report.Withheld
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.LoopEcho
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.CountedEngines
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Mutation
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsPeer
import io.netpark.core.testing.tls.peerEngine
import io.netpark.core.testing.tls.shouldKeepNoMemory
import io.netpark.core.tls.ServerTls
import java.io.ByteArrayOutputStream
import java.io.EOFException
import java.io.PrintStream
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.util.SplittableRandom
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.nanoseconds

/** How many bad clients there are in all; the long form is `-Dnetpark.tls.garbage=100000`. */
private val CLIENTS = (System.getProperty("netpark.tls.garbage") ?: "600").toInt()

private val LONG = System.getProperty("netpark.tls.garbage") != null

/** In the long form: how many clients come before turns are measured, as classes are loaded and compiled on the first. */
private const val WARM_UP = 1000

/**
 * In the long form: how much of its thread's processor time one turn of the loop may take, without that of the kernel. A busy
 * machine adds nothing to that. It adds to the kernel's: a system call that sends by loopback does the work of receiving as well,
 * also for others.
 */
private val LONGEST_TURN = 50.milliseconds

/** The first seed; each client has the next. */
private val SEED = (System.getProperty("netpark.tls.garbage.seed") ?: "1").toLong()

/** Clients that speak TLS badly, or not at all: they harm nobody. */
class GarbageSpec : NetparkSpec(body = {
    val flavours = EngineFlavour.available()
    for (flavour in flavours) {
        val count = CLIENTS / flavours.size
        test("$count clients that send garbage leave nothing, hold up nobody, are told of in a few lines: $flavour").config(
            timeout = 60.minutes,
        ) {
            val uncaught = ConcurrentLinkedQueue<Throwable>()
            val printed = Printed()
            val before = Thread.getDefaultUncaughtExceptionHandler()
            Thread.setDefaultUncaughtExceptionHandler { _, e -> uncaught += e }
            val began = System.nanoTime()
            try {
                val engines = CountedEngines.of(Role.SERVER, flavour)
                shouldKeepNoMemory {
                    TestReactor(loops = 1) { metrics(true).reportLimit(5) }.use { reactor ->
                        TestReactor(loops = 1).use { elsewhere ->
                            reactor.listen().use { listener ->
                                listener.listener.setTls(ServerTls.builder().engines(engines.source).build())
                                val serving = Serving(listener)
                                val beat = if (LONG) Heartbeat(reactor.loop) else null
                                val good = GoodClient(elsewhere, listener)
                                val next = AtomicInteger()
                                val bad = List(if (LONG) 16 else 2) {
                                    async {
                                        while (true) {
                                            val i = next.getAndIncrement()
                                            if (i >= count) break
                                            if (i == WARM_UP) beat?.measure()
                                            withClue("seed ${SEED + i}") { BadClient(elsewhere, listener, SEED + i).run() }
                                        }
                                    }
                                }
                                bad.forEach { it.get(50, TimeUnit.MINUTES) }
                                good.stop() shouldBeGreaterThan 2
                                beat?.stop()
                                eventually { reactor.group.snapshot().total().connections() shouldBe 0 }
                                serving.stop()
                                val handshakes = eventually {
                                    reactor.group.snapshot().total().handshakes().also {
                                        it.finished() + it.failed().values.sum() + it.timedOut() shouldBe
                                            reactor.group.snapshot().total().connectionsEver()
                                    }
                                }
                                if (beat != null) {
                                    println(
                                        "garbage: $flavour, $count clients from seed $SEED, ${good.served} good ones in between; " +
                                            "${handshakes.finished()} handshakes finished, failed ${handshakes.failed()}; " +
                                            "a turn of the loop took ${beat.longest} of its thread at most, " +
                                            "${beat.longestWithKernel} with the kernel's work",
                                    )
                                    if (count > 2 * WARM_UP) beat.longest shouldBeLessThan LONGEST_TURN
                                }
                                reactor.group.close() // tells what it has not told yet
                                val reports = reactor.reporter.drain()
                                // One of each kind, and how many more there were, anew every ten seconds.
                                val periods = 1 + (System.nanoTime() - began).nanoseconds.inWholeSeconds.toInt() / 10
                                if (!LONG) reports.size shouldBeLessThan 40 * periods
                                for (report in reports) {
                                    withClue(report) {
                                        val cause = (report.cause as? Withheld)?.cause ?: report.cause
                                        (cause is NetparkException) shouldBe true
                                        cause.cause.shouldBeNull()
                                        cause.message!!.lines().size shouldBe 1
                                        report.what.lines().size shouldBe 1
                                    }
                                }
                            }
                        }
                    }
                }
                engines.shouldBeBack()
                uncaught.toList().shouldBeEmpty()
                printed.lines().filter { it.startsWith("\tat ") }.shouldBeEmpty() // no stack traces
            } finally {
                printed.close()
                Thread.setDefaultUncaughtExceptionHandler(before)
            }
        }
    }
})

/** Accepts, and echoes what comes, on the loop. */
private class Serving(private val listener: BlockingListener) {
    private val accepting = async { runCatching { while (true) LoopEcho(listener.accept().connection).begin() } }

    fun stop() {
        listener.close()
        accepting.result()
    }
}

/** A task of the loop in each of its turns, which sees how much processor time of the loop's thread a turn has taken. */
private class Heartbeat(private val loop: EventLoop) : Runnable {
    private val threads = ManagementFactory.getThreadMXBean()

    @Volatile
    private var stopped = false

    @Volatile
    private var measured = false
    private var last = 0L
    private var lastWithKernel = 0L

    /** Since [measure], as the other. */
    @Volatile
    var longest: Duration = Duration.ZERO
        private set

    @Volatile
    var longestWithKernel: Duration = Duration.ZERO
        private set

    init {
        loop.execute(this)
    }

    override fun run() {
        val now = threads.currentThreadUserTime
        val nowWithKernel = threads.currentThreadCpuTime
        if (measured) {
            longest = maxOf(longest, (now - last).nanoseconds)
            longestWithKernel = maxOf(longestWithKernel, (nowWithKernel - lastWithKernel).nanoseconds)
        }
        last = now
        lastWithKernel = nowWithKernel
        if (!stopped) loop.execute(this)
    }

    fun measure() {
        measured = true
    }

    fun stop() {
        stopped = true
    }
}

/** What is printed to standard error, until it is closed. */
private class Printed : AutoCloseable {
    private val original: PrintStream = System.err
    private val bytes = ByteArrayOutputStream()

    init {
        System.setErr(PrintStream(bytes, true))
    }

    fun lines(): List<String> = bytes.toString().lines()

    override fun close() {
        System.setErr(original)
        original.write(bytes.toByteArray())
    }
}

private class GoodClient(private val reactor: TestReactor, private val listener: BlockingListener) {
    @Volatile
    private var stopped = false

    @Volatile
    var served = 0
        private set

    private val running = async {
        while (!stopped || served < 3) {
            reactor.connect(listener.address).use { plain ->
                val peer = TlsPeer(plain, peerEngine(Role.SERVER, if (served % 2 == 0) "TLSv1.3" else "TLSv1.2")).handshake()
                repeat(3) {
                    peer.write("hello $it")
                    peer.readText(7) shouldBe "hello $it"
                }
                peer.end()
                served++
            }
        }
    }

    fun stop(): Int {
        stopped = true
        running.result()
        return served
    }
}

private class BadClient(private val reactor: TestReactor, private val listener: BlockingListener, seed: Long) {
    private val random = SplittableRandom(seed)
    private val mutation = Mutation(random)

    fun run() = reactor.connect(listener.address).use { plain ->
        try {
            when (random.nextInt(20)) {
                in 0..13 -> plain.write(mutation.of(HELLOS[random.nextInt(HELLOS.size)]))
                in 14..16 -> spoilFlight(plain, 1 + random.nextInt(3))
                else -> spoilData(plain)
            }
            if (random.nextInt(10) == 0) {
                plain.connection.reset()
            } else {
                plain.connection.shutdownOutput()
                plain.readAll() // the server comes to an end
            }
        } catch (_: NetparkException.Reset) {
        } catch (_: EOFException) {
        }
    }

    private fun peer(plain: BlockingConnection) =
        TlsPeer(plain, peerEngine(Role.SERVER, EngineFlavour.PROTOCOLS[random.nextInt(2)]))

    /** A flight behind the first is spoilt, if there is one. */
    private fun spoilFlight(plain: BlockingConnection, which: Int) {
        var flight = 0
        // Where each waits for the other to go on, this one gives up.
        plain.connection.setTimeout(Direction.READ, 200.milliseconds.inWholeNanoseconds)
        runCatching { // its own engine may not like the answer
            peer(plain).apply { send = { plain.write(if (flight++ == which) mutation.of(it) else it) } }.handshake()
        }.onFailure { if (it is IllegalStateException) throw it }
        plain.connection.forgetTimes()
    }

    private fun spoilData(plain: BlockingConnection) {
        val peer = peer(plain).handshake()
        peer.write("fine")
        peer.readText(4)
        repeat(1 + random.nextInt(5)) {
            val records = peer.seal(ByteArray(1 + random.nextInt(if (random.nextInt(5) == 0) 30_000 else 100)))
            plain.write(if (random.nextInt(3) == 0) records else mutation.of(records))
        }
    }

    private companion object {
        /** The first flights of clients. */
        val HELLOS: List<ByteArray> = EngineFlavour.available().flatMap { flavour ->
            EngineFlavour.PROTOCOLS.map { protocol ->
                val engine = peerEngine(Role.SERVER, protocol, flavour)
                engine.beginHandshake()
                val hello = ByteBuffer.allocate(engine.session.packetBufferSize)
                engine.wrap(ByteBuffer.allocate(0), hello)
                engine.closeOutbound()
                hello.array().copyOf(hello.position())
            }
        }
    }
}
