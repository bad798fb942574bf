package io.netpark.coroutines.simulation

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.Identity
import io.netpark.core.testing.tls.KeyKind
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.Connection
import io.netpark.coroutines.echo
import io.netpark.coroutines.pattern
import io.netpark.coroutines.readFully
import io.netpark.coroutines.readText
import io.netpark.coroutines.readToEnd
import io.netpark.coroutines.write
import io.netpark.simulation.link.LinkConditions
import io.netpark.simulation.schedule.Trace
import java.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch

private const val PORT = 7000
private val LINK = LinkConditions.IDEAL.withLatency(Duration.ofMillis(20))
private val ROUND_TRIP = 40.milliseconds

private val ROOT = Authority.root("Authority of TlsOnScheduleSpec")

/** With signatures of one length: those of other curves differ, and so would the records. */
private fun identity(name: String): Identity = ROOT.order(name).key(KeyKind.ED25519).issue()

private val SERVER = identity("server")

// Made for each run: a session of the run before would be resumed otherwise.

private fun serverTls(identity: Identity = SERVER, configure: ServerTls.Builder.() -> Unit = {}): ServerTls =
    ServerTls.builder().certificate(identity.chain(), identity.key()).apply(configure).build()

private fun clientTls(): ClientTls = ClientTls.builder().trust(listOf(ROOT.certificate())).build()

/** TLS on a simulated network: the tasks of engines have their turns in the order of the seed, and the time limits are of its time. */
class TlsOnScheduleSpec : NetparkSpec(body = {

    test("one seed is one order of all calls, and the tasks of the engines have a part in it") {
        val fingerprints = (1L..4L).map { seed ->
            val (first, second) = List(2) { conversations(seed) }
            withClue("seed $seed") {
                second.last(4096) shouldContainExactly first.last(4096)
                second.fingerprint() shouldBe first.fingerprint()
                first.last(4096).any { it.startsWith("task ") } shouldBe true
            }
            first.fingerprint()
        }
        fingerprints.toSet().size shouldBeGreaterThan 2
    }

    for ((protocol, roundTrips) in mapOf("TLSv1.2" to 3, "TLSv1.3" to 2)) {
        test("$protocol: a dial takes $roundTrips round trips, and what is said comes back") {
            runNetworkTest(seeds = 1L..5L) {
                network.between(host("server").name, host("client").name, LINK)
                val listener = host("server").reactor.listen(host("server").address(PORT), tls = serverTls { protocols(protocol) })
                launch { listener.serve { echo(it) } }
                dialServer(clientTls()).use { connection ->
                    elapsed shouldBe ROUND_TRIP * roundTrips
                    connection.tlsSession!!.protocol() shouldBe protocol
                    val said = pattern(300_000)
                    launch { connection.write(said) }
                    connection.readFully(said.size).contentEquals(said) shouldBe true
                }
            }
        }
    }

    test("a server that is not what was dialed fails the dial in time, and is told") {
        val other = identity("other.test")
        for (seed in 1L..5L) withClue("seed $seed") {
            val reporter = RecordingReporter()
            runNetworkTest(seed) {
                network.between(host("server").name, host("client").name, LINK)
                val listener = host("server").reactor(loops = 1) { reporter(reporter) }
                    .listen(host("server").address(PORT), tls = serverTls(other))
                launch { listener.serve { error("nobody gets here") } }
                shouldThrow<NetparkException.TlsFailure> { dialServer(clientTls()) }.fault() shouldBe TlsFault.WRONG_HOST
                elapsed shouldBe ROUND_TRIP * 2
                advanceTimeBy(1.seconds)
            }
            reporter.drain().single().what shouldContain "A client was turned away"
        }
    }

    test("a peer that says nothing costs either side the time limit of the handshake, which passes at once") {
        runNetworkTest(seeds = 1L..5L) {
            network.between(host("server").name, host("client").name, LINK)
            val silent = host("server").reactor.listen(host("server").address(PORT))
            launch { silent.serve { it.readToEnd() } }
            shouldThrow<NetparkException.TimedOut> { dialServer(clientTls()) }.timeout() shouldBe NetparkException.Timeout.HANDSHAKE
            elapsed shouldBe ROUND_TRIP + 10.seconds

            val listener = host("server").reactor.listen(host("server").address(PORT + 1), tls = serverTls())
            launch { listener.serve { error("nobody gets here") } }
            val before = elapsed
            host("client").reactor.dial(host("server").address(PORT + 1)).use { it.readToEnd() }
            (elapsed - before in 10.seconds..10.seconds + ROUND_TRIP * 2) shouldBe true
        }
    }
})

private suspend fun NetworkTest.dialServer(tls: ClientTls): Connection =
    with(host("client")) { reactor.dial(dialer.withTls(tls), "server", PORT) }

/** Six clients say something to a server of two loops, over a link with jitter: more of them than there are threads for tasks otherwise. */
private fun conversations(seed: Long): Trace {
    lateinit var trace: Trace
    runNetworkTest(seed) {
        trace = schedule.trace()
        network.between(host("server").name, host("client").name, LINK.withJitter(Duration.ofMillis(1)))
        val listener = host("server").reactor(loops = 2).listen(host("server").address(PORT), tls = serverTls())
        launch { listener.serve { echo(it) } }
        val tls = clientTls()
        List(6) { number ->
            async {
                dialServer(tls).use { connection ->
                    connection.write("client $number")
                    connection.readText(8) shouldBe "client $number"
                }
            }
        }.awaitAll()
        advanceTimeBy(1.seconds) // or the end of the server would find connections open, in the order of the memory
    }
    return trace
}
