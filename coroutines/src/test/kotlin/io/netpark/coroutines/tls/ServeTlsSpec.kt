package io.netpark.coroutines.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.report.PeerFault
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.Wire
import io.netpark.core.tls.ClientAuth
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.core.tls.TlsSession
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.Shutdown
import io.netpark.coroutines.TINY_BUFFERS
import io.netpark.coroutines.onReactor
import io.netpark.coroutines.readText
import io.netpark.coroutines.readToEnd
import io.netpark.coroutines.soon
import io.netpark.coroutines.tcpInfo
import io.netpark.coroutines.write
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** Servers of TLS: who gets a handler, and when. */
class ServeTlsSpec : NetparkSpec(body = {
    val root = Authority.root("Authority of this spec")
    val identity = root.issue("localhost", "127.0.0.1")
    val client = ClientTls.builder().trust(listOf(root.certificate())).build()
    fun server(configure: ServerTls.Builder.() -> Unit = {}): ServerTls =
        ServerTls.builder().certificate(identity.chain(), identity.key()).apply(configure).build()
    val hasty = server { handshakeTimeout(Duration.ofSeconds(2)) }

    /** A server that echoes, and what has come of its connections. */
    class Scene(val listener: Listener, val reports: RecordingReporter) {
        val handled = ConcurrentLinkedQueue<TlsSession>()
        val failures = ConcurrentLinkedQueue<Throwable>()
    }

    fun scene(tls: ServerTls = server(), admission: Admission? = null, body: suspend CoroutineScope.(Reactor, Scene) -> Unit) =
        onReactor(loops = 2) { reactor, reports ->
            reactor.listen(loopback(), admission = admission, tls = tls).use { listener ->
                val scene = Scene(listener, reports)
                val serving = launch {
                    listener.serve(onFailure = { _, failure -> scene.failures += failure }) {
                        scene.handled += it.tlsSession.shouldNotBeNull()
                        while (it.awaitRequest()) {
                            it.writer.append(it.reader)
                            it.writer.flush()
                        }
                    }
                }
                coroutineScope { body(reactor, scene) }
                serving.cancelAndJoin()
            }
        }

    suspend fun Connection.ask() {
        write("ping")
        readText(4) shouldBe "ping"
    }

    // Handlers

    test("every kind of listener gives its handlers connections whose handshake is over, wherever handlers run") {
        onReactor(loops = 2) { reactor, _ ->
            val unix = UnixAddress.abstractName("netpark-serve-tls-${ProcessHandle.current().pid()}")
            val named = ClientTls.builder().trust(listOf(root.certificate())).serverName("localhost").build()
            val listeners = listOf<() -> Listener>(
                { reactor.listen(loopback(), tls = server()) },
                { reactor.listen("127.0.0.1", 0, tls = server()) },
                { reactor.listenOnEachLoop(loopback(), tls = server()) },
                { reactor.listen(unix, tls = server()) },
                { reactor.listen(loopback()).use { plain -> reactor.adoptListener(plain.duplicate(), tls = server()) } },
            )
            for (dispatcher in listOf(null, Dispatchers.IO)) for ((kind, listen) in listeners.withIndex()) {
                withClue("$kind on $dispatcher") {
                    listen().use { listener ->
                        val serving = launch {
                            listener.serve(dispatcher = dispatcher) { it.writer.putString(it.tlsSession!!.protocol()) }
                        }
                        repeat(4) {
                            reactor.dial(listener.localAddress, tls = named).use { String(it.readToEnd()) shouldBe "TLSv1.3" }
                        }
                        serving.cancelAndJoin()
                    }
                }
            }
        }
    }

    test("a handler knows what was agreed on: the application protocol, the name that was asked for, who the client is") {
        val tls = server {
            applicationProtocols("h2", "http/1.1")
            clientAuth(ClientAuth.NEEDED)
            trust(listOf(root.certificate()))
        }
        val ann = root.issueClient("ann")
        val known = ClientTls.builder().trust(listOf(root.certificate())).certificate(ann.chain(), ann.key())
            .applicationProtocols("http/1.1").build()
        scene(tls) { reactor, scene ->
            reactor.dial("localhost", scene.listener.port, tls = known).use {
                it.ask()
                it.tlsSession!!.applicationProtocol() shouldBe "http/1.1"
            }
            val session = scene.handled.single()
            session.applicationProtocol() shouldBe "http/1.1"
            session.serverName() shouldBe "localhost"
            session.peerCertificates().first().subjectX500Principal.name shouldContain "ann"
        }
    }

    test("what a client sends with its last word of the handshake is there when its handler asks") {
        scene { reactor, scene ->
            reactor.dial(scene.listener.localAddress).use { raw ->
                val tls = HandMadeTls(raw, client, "127.0.0.1")
                raw.write(tls.handshakeToLastFlight() + tls.seal("ping") + tls.seal("pong"))
                tls.readText(8) shouldBe "pingpong"
            }
        }
    }

    // Clients that get no handler

    test("clients that say nothing keep nobody waiting, are gone when their time is over, and are no news") {
        scene(hasty) { reactor, scene ->
            val silent = List(50) { reactor.dial(scene.listener.localAddress) }
            reactor.dial(scene.listener.localAddress, tls = client).use { it.ask() }
            silent.forEach {
                it.readToEnd().size shouldBe 0
                it.close()
            }
            scene.handled.size shouldBe 1
            scene.failures.shouldBeEmpty()
        }
    }

    test("a client that trickles has the time of a handshake in all, and not for each byte") {
        scene(hasty) { reactor, scene ->
            reactor.dial(scene.listener.localAddress).use { raw ->
                val said = HandMadeTls(raw, client, "127.0.0.1").say()
                val trickling = launch {
                    runCatching {
                        for (byte in said) { // which takes some seconds
                            raw.write(byteArrayOf(byte))
                            delay(10)
                        }
                    }
                }
                runCatching { raw.readToEnd() }
                trickling.isCompleted shouldBe false
            }
            scene.failures.shouldBeEmpty()
            val report = soonOne(scene.reports)
            report.what shouldContain "turned away"
            report.cause.shouldBeInstanceOf<NetparkException.TimedOut>().timeout() shouldBe NetparkException.Timeout.HANDSHAKE
        }
    }

    test("a client that speaks something else, leaves, or shows nothing is told of once, with its address, and no handler hears of it") {
        val mutual = server {
            clientAuth(ClientAuth.NEEDED)
            trust(listOf(root.certificate()))
        }
        val clients = mapOf<TlsFault, suspend (Connection) -> Unit>(
            TlsFault.NOT_TLS to { it.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n") },
            TlsFault.ENDED to { it.write(HandMadeTls(it, client, "127.0.0.1").say()); it.shutdownOutput() },
            TlsFault.CERTIFICATE_MISSING to { HandMadeTls(it, client, "127.0.0.1").handshake() },
        )
        for ((fault, speak) in clients) withClue(fault) {
            scene(mutual) { reactor, scene ->
                reactor.dial(scene.listener.localAddress).use { raw ->
                    speak(raw)
                    runCatching { raw.readToEnd() } // an alert, if it can be read
                    val report = soonOne(scene.reports)
                    report.cause.shouldBeInstanceOf<NetparkException.TlsFailure>().fault() shouldBe fault
                    report.cause.message!! shouldContain "127.0.0.1:${(raw.localAddress as java.net.InetSocketAddress).port}"
                }
                scene.handled.size shouldBe 0
                scene.failures.shouldBeEmpty()
            }
        }
    }

    test("a connection in its handshake has its place, and gives it back") {
        val admission = Admission.of(1, Admission.Excess.WAIT)
        scene(hasty, admission) { reactor, scene ->
            reactor.dial(scene.listener.localAddress).use { silent ->
                soon { admission.open() shouldBe 1 }
                reactor.dial(scene.listener.localAddress, tls = client).use { it.ask() } // when the other one's time is over
                silent.readToEnd().size shouldBe 0
            }
            soon { admission.open() shouldBe 0 }
        }
    }

    // What comes after the handshake

    test("a client that ends without close_notify has cut its stream off, and is counted by that; with it, it has ended") {
        onReactor { reactor, _ ->
            for (orderly in listOf(true, false)) reactor.listen(loopback(), tls = server()).use { listener ->
                val read = CompletableDeferred<Result<ByteArray>>()
                val serving = launch {
                    listener.serve { connection -> runCatching { connection.readToEnd() }.also(read::complete).getOrThrow() }
                }
                reactor.dial(listener.localAddress).use { raw ->
                    val tls = HandMadeTls(raw, client, "127.0.0.1")
                    tls.handshake()
                    raw.write(tls.seal("half") + if (orderly) tls.closeNotify() else ByteArray(0))
                    raw.shutdownOutput()
                    if (orderly) {
                        String(read.await().getOrThrow()) shouldBe "half"
                    } else {
                        shouldThrow<NetparkException.Truncated> { read.await().getOrThrow() }.message!! shouldContain "close_notify"
                    }
                    runCatching { raw.readToEnd() }
                }
                serving.cancelAndJoin()
                reactor.group.snapshot().total().peerFaults().of(PeerFault.TRUNCATED) shouldBe if (orderly) 0 else 1
            }
        }
    }

    test("an answer that a slow reader has not taken when its handler ends arrives whole, with its end") {
        onReactor { reactor, _ ->
            reactor.listen(loopback(), TINY_BUFFERS, tls = server()).use { listener ->
                val serving = launch { listener.serve { it.write(ByteArray(it.reader.awaitInt())) } }
                repeat(30) { round ->
                    val length = 100_000 + round * 1777 // how much room there is at the end is chance
                    reactor.dial(listener.localAddress, options = TINY_BUFFERS, tls = client).use { slow ->
                        slow.writer.putInt(length)
                        slow.writer.flush()
                        delay(2)
                        slow.readToEnd().size shouldBe length
                    }
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("a record that was changed on its way fails the handler, and is counted, and not reported") {
        scene { reactor, scene ->
            reactor.dial(scene.listener.localAddress).use { raw ->
                val tls = HandMadeTls(raw, client, "127.0.0.1")
                tls.handshake()
                raw.write(tls.seal("ping"))
                tls.readText(4) shouldBe "ping"
                raw.write(tls.seal("pong").also { it[it.size - 1]++ })
                runCatching { raw.readToEnd() }
            }
            soon { scene.failures.size shouldBe 1 }
            scene.failures.single().shouldBeInstanceOf<NetparkException.TlsFailure>().fault() shouldBe TlsFault.BAD_RECORD
            soon { reactor.group.snapshot().total().peerFaults().of(PeerFault.TLS) shouldBe 1 }
        }
    }

    // The end

    test("a shutdown ends at once who has not said anything, and lets a handshake that has begun go on to its request") {
        scene { reactor, scene ->
            reactor.dial(scene.listener.localAddress).use { silent ->
                reactor.dial(scene.listener.localAddress).use { raw ->
                    val tls = HandMadeTls(raw, client, "127.0.0.1")
                    val first = tls.say()
                    raw.write(first.copyOf(100))
                    soon { reactor.group.snapshot().total().connections() shouldBe 4 }
                    reactor.awaitRead(raw)
                    val report = async { scene.listener.shutdown(Shutdown(finish = 60.seconds)) }
                    silent.readToEnd().size shouldBe 0
                    raw.write(first.copyOfRange(100, first.size))
                    raw.write(tls.handshakeToLastFlight() + tls.seal("ping"))
                    tls.readText(4) shouldBe "ping" // the request came with the handshake's end
                    report.await() shouldBe Shutdown.Report(1, 1, 0, 0)
                }
            }
        }
    }

    test("a handshake that does not end in the time of a shutdown is cut off, and counted as such") {
        scene { reactor, scene ->
            reactor.dial(scene.listener.localAddress).use { raw ->
                raw.write(HandMadeTls(raw, client, "127.0.0.1").say().copyOf(100))
                soon { reactor.group.snapshot().total().connections() shouldBe 2 }
                reactor.awaitRead(raw)
                scene.listener.shutdown(Shutdown(finish = 100.milliseconds)) shouldBe Shutdown.Report(0, 0, 0, 1)
                runCatching { raw.readToEnd() }
            }
            scene.failures.shouldBeEmpty()
        }
    }

    test("cancelling serve ends the handshakes that go on, and the reactor's end as well; neither is reported") {
        val ends = listOf<suspend (Job, Reactor) -> Unit>({ serving, _ -> serving.cancelAndJoin() }, { _, reactor -> reactor.close() })
        for (end in ends) {
            onReactor { reactor, _ ->
                val listener = reactor.listen(loopback(), tls = server())
                val serving = launch { listener.serve { awaitCancellation() } }
                Reactor(1) { daemon(true) }.use { clients ->
                    clients.dial(listener.localAddress).use { raw ->
                        raw.write(HandMadeTls(raw, client, "127.0.0.1").say().copyOf(100))
                        soon { listener.servings.single().count() shouldBe 1 }
                        end(serving, reactor)
                        runCatching { raw.readToEnd() }
                    }
                }
                serving.join()
            }
        }
    }
})

/** Until what a client has sent is in the server's socket, and each loop has had its turns since: it is read. */
private suspend fun Reactor.awaitRead(client: Connection) {
    soon { client.tcpInfo().unacknowledged() shouldBe 0 }
    repeat(3) { loopDispatchers.forEach { withContext(it) { } } }
}

private suspend fun soonOne(reports: RecordingReporter): RecordingReporter.Report {
    soon { reports.reports.size shouldBe 1 }
    return reports.drain().single()
}
