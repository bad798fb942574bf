package io.netpark.coroutines

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.shouldBe
import io.netpark.core.report.PeerFault
import io.netpark.core.report.PeerFaults
import io.netpark.core.report.Withheld
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingLog
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Authority
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.simulation.runNetworkTest
import java.net.InetSocketAddress
import java.net.Socket
import java.util.logging.LogRecord
import kotlin.random.Random
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/** So many bad clients, or handlers that fail. */
private const val BAD = 200

/** What an operator finds in the log when many clients are bad, or a handler fails for each. */
class BadClientsSpec : NetparkSpec(body = {
    val root = Authority.root("Authority of this spec")
    val identity = root.issue("localhost", "127.0.0.1")
    val serverTls = ServerTls.builder().certificate(identity.chain(), identity.key()).build()
    val clientTls = ClientTls.builder().trust(listOf(root.certificate())).build()

    /** A client that says something and leaves, in one of five ways. */
    fun misbehave(kind: Int, address: InetSocketAddress) = Socket(address.address, address.port).use {
        val bytes = Random(kind)
        runCatching { // the server may be faster
            when (kind % 5) {
                0 -> it.getOutputStream().write(bytes.nextBytes(1000)) // garbage
                1 -> it.getOutputStream().write("half a na".toByteArray())
                2 -> it.getOutputStream().write(byteArrayOf(22, 3, 1, 2, 0, 1)) // half a client hello
                3 -> it.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".toByteArray())
                else -> {}
            }
            if (kind % 2 == 0) it.setSoLinger(true, 0) // resets
        }
    }

    /** What the default reporter writes, and by what TLS handshakes have failed. */
    fun logOf(tls: ServerTls?): Pair<List<LogRecord>, Set<TlsFault>> =
        RecordingLog().use { log ->
            var faults = emptySet<TlsFault>()
            // Time stands still, so what comes often is told once more: when the loops end.
            Reactor(2) { daemon(true).metrics(true).clock(HandMovedClock()) }.use { reactor ->
                Reactor(1) { daemon(true) }.use { clients ->
                    runBlocking {
                        val listener = reactor.listen(loopback(), tls = tls)
                        val serving = launch { listener.serve { greeter(it) } }
                        val address = listener.localAddress as InetSocketAddress
                        withContext(Dispatchers.IO) { repeat(BAD) { misbehave(it, address) } }
                        clients.dial(address, tls = if (tls == null) null else clientTls).use {
                            it.write("ann\n")
                            it.reader.awaitLine() shouldBe "hello ann"
                        }
                        soon {
                            val total = reactor.group.snapshot().total()
                            total.connectionsEver() shouldBe BAD + 1L
                            total.connections() shouldBe 0L
                            faults = total.handshakes().failed().keys
                        }
                        serving.cancelAndJoin()
                    }
                }
            } // and what was not told yet is
            log.records to faults
        }

    test("$BAD bad clients of the guide's greeter leave the log empty") {
        logOf(null).first.map { it.message }.shouldBeEmpty()
    }

    test("$BAD bad clients of the guide's greeter with TLS are a handful of lines, without a stack") {
        val (records, faults) = logOf(serverTls)
        withClue(records.joinToString("\n") { it.message }) {
            records.count { "A client was turned away" in it.message } shouldBeGreaterThan 0
            faults.size shouldBeLessThanOrEqualTo 2 // what they send is no TLS, or they leave in the midst of a handshake
            // A line of each kind, and one that counts the rest of it. Of those that leave, a reset is a kind of its own.
            records.size shouldBeLessThanOrEqualTo 2 * (faults.size + 1)
            records.filter { it.thrown != null }.shouldBeEmpty()
            records.filter { it.message.lines().size > 1 }.shouldBeEmpty()
        }
    }

    test("on a simulated network bad clients are counted, and not reported") {
        val reporter = RecordingReporter()
        runNetworkTest(7) {
            val server = host("server")
            val client = host("client").reactor
            val reactor = server.reactor(loops = 2) { reporter(reporter).metrics(true) }
            val listener = reactor.listen(server.address(7000))
            val serving = launch { listener.serve { it.readTimeout = 30.seconds; greeter(it) } }
            val silent = List(BAD) { kind ->
                client.dial(server.address(7000)).apply {
                    when (kind % 4) {
                        0 -> { write("half a na"); close() }
                        1 -> { write("x".repeat(1000)); runCatching { readToEnd() }; close() }
                        2 -> { write("half a na"); delay(1.seconds); reset() }
                        else -> write("half a na")
                    }
                }
            }
            delay(1.minutes)
            val each = BAD / 4L
            reactor.group.snapshot().total().peerFaults() shouldBe PeerFaults(
                listOf(PeerFault.RESET, PeerFault.READ_TIMED_OUT, PeerFault.TRUNCATED, PeerFault.LIMIT).associateWith { each },
            )
            silent.forEach { it.close() }
            serving.cancelAndJoin()
        }
        reporter.shouldBeSilent()
    }

    test("on a simulated network a handler that always fails is told five times, and then every ten seconds") {
        val reporter = RecordingReporter()
        runNetworkTest(7) {
            val server = host("server")
            val client = host("client").reactor
            val listener = server.reactor(loops = 2) { reporter(reporter) }.listen(server.address(7000))
            val serving = launch { listener.serve { error("the handler of ${it.remoteAddress} has a bug") } }
            repeat(BAD) { client.dial(server.address(7000)).use { it.readToEnd() } }
            val told = reporter.drain()
            told.filter { it.cause !is Withheld } shouldHaveSize 5
            delay(11.seconds)
            (told + reporter.drain()).sumOf { (it.cause as? Withheld)?.count() ?: 1L } shouldBe BAD.toLong()
            delay(1.minutes)
            reporter.shouldBeSilent()
            serving.cancelAndJoin()
        }
    }
})
