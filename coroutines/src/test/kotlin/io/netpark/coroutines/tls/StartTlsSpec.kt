package io.netpark.coroutines.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.Wire
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.TlsSession
import io.netpark.coroutines.Connection
import io.netpark.coroutines.ConnectionPair
import io.netpark.coroutines.ConnectionPool
import io.netpark.coroutines.TINY_BUFFERS
import io.netpark.coroutines.awaitParked
import io.netpark.coroutines.connected
import io.netpark.coroutines.handover.detach
import io.netpark.coroutines.handover.writeDescriptors
import io.netpark.coroutines.onReactor
import io.netpark.coroutines.pattern
import io.netpark.coroutines.readFully
import io.netpark.coroutines.readText
import io.netpark.coroutines.readToEnd
import io.netpark.coroutines.serve
import io.netpark.coroutines.soon
import io.netpark.coroutines.withPair
import io.netpark.coroutines.write
import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.TimeSource
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope

/** TLS that begins on a connection that is plain, and the end of handshakes. */
class StartTlsSpec : NetparkSpec(body = {
    val server = Wire.TLS_1_3.server!!
    val client = Wire.TLS_1_3.client!!

    /** Both ends begin; the sessions of the first, a client, and of the second. */
    suspend fun ConnectionPair.secure(): Pair<TlsSession, TlsSession> = coroutineScope {
        val accepting = async { second.startTls(server) }
        first.startTls(client, Wire.HOST) to accepting.await()
    }

    for (wire in listOf(Wire.TLS_1_2, Wire.TLS_1_3)) {
        test("$wire: both ends of a pair begin, and have one session between them") {
            onReactor { reactor, _ ->
                reactor.pair().use { pair ->
                    val (first, second) = pair
                    first.tlsSession.shouldBeNull()
                    coroutineScope {
                        launch { second.startTls(wire.server!!) shouldBe second.tlsSession }
                        first.startTls(wire.client!!, Wire.HOST) shouldBe first.tlsSession
                    }
                    val session = first.tlsSession!!
                    session.protocol() shouldBe if (wire == Wire.TLS_1_2) "TLSv1.2" else "TLSv1.3"
                    session.peerCertificates().first().subjectX500Principal.name shouldContain "localhost"
                    second.tlsSession!!.cipherSuite() shouldBe session.cipherSuite()
                    second.tlsSession!!.serverName() shouldBe Wire.HOST
                    coroutineScope {
                        launch { first.write(pattern(1_000_000)) }
                        second.readFully(1_000_000) shouldBe pattern(1_000_000)
                    }
                    second.write("back")
                    first.readText(4) shouldBe "back"
                    pair.close()
                    first.tlsSession shouldBe session
                }
            }
        }
    }

    test("reader, writer and frames that were used before go on after") {
        onReactor { reactor, _ ->
            reactor.pair().use { pair ->
                val (first, second) = pair
                suspend fun exchange() {
                    first.writer.putString("line\n")
                    first.writer.flush()
                    first.frames.write { putString("frame\n") }
                    second.reader.awaitLine() shouldBe "line"
                    second.reader.awaitLine() shouldBe "frame"
                }
                exchange()
                pair.secure()
                exchange()
            }
        }
    }

    // In the midst of a protocol

    test("what a reader has read beyond the plain part is the first of TLS") {
        onReactor { reactor, _ ->
            reactor.listen(loopback()).use { listener ->
                val serving = launch {
                    listener.serve { connection ->
                        connection.reader.awaitLine() shouldBe "STARTTLS"
                        connection.write("ready\n")
                        connection.startTls(server)
                        connection.write(connection.reader.awaitLine()!!.reversed() + "\n")
                    }
                }
                reactor.dial(listener.localAddress).use { connection ->
                    val tls = HandMadeTls(connection, client, Wire.HOST)
                    connection.write("STARTTLS\n".toByteArray() + tls.say()) // one segment: this client does not wait
                    connection.readText(6) shouldBe "ready\n"
                    connection.write(tls.handshakeToLastFlight() + tls.seal("hello\n"))
                    tls.readText(6) shouldBe "olleh\n"
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("a plain command that came behind STARTTLS is not obeyed (CVE-2011-0411)") {
        onReactor { reactor, _ ->
            reactor.pair().use { (first, second) ->
                second.write("STARTTLS\nEVIL\n")
                first.reader.awaitLine() shouldBe "STARTTLS"
                first.reader.available() shouldBe 5
                shouldThrow<NetparkException.TlsFailure> { first.startTls(server) }.fault() shouldBe TlsFault.NOT_TLS
                first.isOpen shouldBe false
                first.reader.available() shouldBe 0
            }
        }
    }

    test("a handler of serve begins TLS by itself, and is an owner before and after") {
        onReactor { reactor, _ ->
            reactor.listen(loopback()).use { listener ->
                val serving = launch {
                    listener.serve {
                        it.readText(1) shouldBe "x"
                        it.startTls(server)
                        it.write(it.readText(4))
                    }
                }
                reactor.dial(listener.localAddress).use {
                    it.write("x")
                    it.startTls(client, "127.0.0.1").serverName().shouldBeNull() // an address is not sent
                    it.write("ping")
                    it.readText(4) shouldBe "ping"
                }
                serving.cancelAndJoin()
            }
        }
    }

    // What is refused, and leaves everything as it was

    test("it is refused while anything is unsent, or going on, and the connection is as before") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { first, second ->
                suspend fun refused(because: String) {
                    shouldThrow<IllegalStateException> { first.startTls(server) }.message!! shouldContain because
                    first.tlsSession.shouldBeNull()
                }
                first.writer.putString("unflushed")
                refused("flush the writer first, it holds 9 bytes")
                first.writer.flush()
                second.readText(9) shouldBe "unflushed"

                val reading = async(start = CoroutineStart.UNDISPATCHED) { first.readText(1) }
                refused("a read or a write is going on")
                second.write("x")
                reading.await() shouldBe "x"

                val writing = launch(start = CoroutineStart.UNDISPATCHED) { first.write(ByteBuffer.allocate(1_000_000)) }
                refused("a read or a write is going on")
                second.readFully(1_000_000)
                writing.join()

                first.frames.trySend { put(ByteArray(1_000_000)) } shouldBe true
                refused("its frames are still being written")
                second.readFully(1_000_000)
                soon { first.frames.waitingBytes shouldBe 0 }

                val exchanged = ConnectionPair(second, first).secure()
                exchanged.first.protocol() shouldBe "TLSv1.3"
                shouldThrow<IllegalStateException> { first.startTls(server) }.message!! shouldContain "it has TLS already"
                second.write("still there")
                first.readText(11) shouldBe "still there"
            }
        }
    }

    test("a client that has nothing to verify the server by is refused, and the connection is as before") {
        onReactor { reactor, _ ->
            reactor.pair().use { (first, second) ->
                shouldThrow<IllegalStateException> { first.startTls(client, null) }.message!! shouldContain "serverName"
                first.write("plain")
                second.readText(5) shouldBe "plain"
            }
        }
    }

    test("what TLS has not says so in a sentence, and the connection goes on") {
        onReactor { reactor, _ ->
            reactor.pair().use { pair ->
                val (first, second) = pair
                pair.secure()
                shouldThrow<IllegalStateException> { first.detach() }.message!! shouldContain "has TLS"
                OpenDescriptor.eventFd(0).use { passed ->
                    for (framed in listOf(false, true)) withClue("with frames: $framed") {
                        if (framed) first.frames.write { putString("frame") }
                        shouldThrow<IllegalStateException> { first.writeDescriptors(ByteBuffer.allocate(1), passed) }
                            .message!! shouldContain "has TLS"
                    }
                }
                second.readText(5) shouldBe "frame"
                first.write("on")
                second.readText(2) shouldBe "on"
            }
        }
    }

    test("a connection that was given back to its pool cannot be secured; one that was secured stays so for the next borrower") {
        onReactor { reactor, _ ->
            reactor.listen(loopback()).use { listener ->
                val serving = launch {
                    listener.serve {
                        it.readText(1) shouldBe "x"
                        it.startTls(server)
                        while (it.awaitRequest()) {
                            it.writer.append(it.reader)
                            it.writer.flush()
                        }
                    }
                }
                ConnectionPool(reactor).use { pool ->
                    var kept: Connection? = null
                    repeat(2) { round ->
                        pool.use(listener.localAddress) {
                            kept = it
                            (it.tlsSession != null) shouldBe (round == 1)
                            if (it.tlsSession == null) {
                                it.write("x")
                                it.startTls(client, "127.0.0.1")
                            }
                            it.write("ping")
                            it.readText(4) shouldBe "ping"
                        }
                    }
                    pool.snapshot().created() shouldBe 1
                    shouldThrow<IllegalStateException> { kept!!.startTls(server) }.message!! shouldContain "given back"
                }
                serving.cancelAndJoin()
            }
        }
    }

    // Failures

    test("a handshake that fails is thrown on both ends, told to nobody else, and closes them") {
        val stranger = ClientTls.builder().trust(listOf(Authority.root("another").certificate())).build()
        onReactor { reactor, _ ->
            reactor.pair().use { (first, second) ->
                supervisorScope {
                    val accepting = async { second.startTls(server) }
                    val failure = shouldThrow<NetparkException.TlsFailure> { first.startTls(stranger, Wire.HOST) }
                    failure.fault() shouldBe TlsFault.UNKNOWN_AUTHORITY
                    shouldThrow<NetparkException.TlsFailure> { accepting.await() }.fault() shouldBe TlsFault.CERTIFICATE_REFUSED
                }
                first.isOpen shouldBe false
                second.isOpen shouldBe false
                shouldThrow<NetparkException.TlsFailure> { first.write("late") }
            }
        }
    }

    test("a silent peer costs the time of a handshake, whatever a write may take; a deadline is over sooner; either closes it") {
        onReactor { reactor, _ ->
            val limited = ClientTls.builder().trustAnyone().verifyHost(false).handshakeTimeout(java.time.Duration.ofSeconds(1)).build()
            reactor.pair().use { (first, second) ->
                first.writeTimeout = 10.milliseconds
                shouldThrow<NetparkException.TimedOut> { first.startTls(limited, null) }
                    .timeout() shouldBe NetparkException.Timeout.HANDSHAKE
                first.isOpen shouldBe false
                second.readToEnd().isNotEmpty() shouldBe true // what the client has said
            }
            reactor.pair().use { (first, _) ->
                first.writeDeadline = TimeSource.Monotonic.markNow() + 30.milliseconds
                shouldThrow<NetparkException.TimedOut> { first.startTls(client, Wire.HOST) }
                    .timeout() shouldBe NetparkException.Timeout.WRITE
                first.isOpen shouldBe false
            }
        }
    }

    test("cancelled in the midst of the handshake, at whatever instant, it closes the connection, and the peer is told") {
        onReactor(loops = 2) { reactor, _ ->
            repeat(100) { round ->
                reactor.pair().use { (first, second) ->
                    coroutineScope {
                        val securing = launch(Dispatchers.Default) { first.startTls(client, Wire.HOST) }
                        val accepting = async { runCatching { second.startTls(server) } }
                        repeat(round * 50) { Thread.onSpinWait() }
                        securing.cancelAndJoin()
                        if (securing.isCancelled && first.core.hasTls()) first.isOpen shouldBe false // it had begun
                        first.close()
                        if (accepting.await().isSuccess) {
                            second.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM // the last moment
                        } else {
                            second.isOpen shouldBe false
                        }
                    }
                }
            }
        }
    }

    // Waiting for handshakes

    test("who accepts awaits the end of the handshake, learns what was agreed on, and may be cancelled meanwhile") {
        onReactor { reactor, _ ->
            reactor.listen(loopback(), tls = server).use { listener ->
                listener.connected { reactor.dial(listener.localAddress) }.use { (raw, accepted) ->
                    val waiting = launch { accepted.awaitTls() }
                    reactor.awaitParked(1)
                    waiting.cancelAndJoin()
                    accepted.isOpen shouldBe true
                    accepted.tlsSession.shouldBeNull()
                    val again = async(start = CoroutineStart.UNDISPATCHED) { accepted.awaitTls() }
                    shouldThrow<IllegalStateException> { accepted.write("second writer") }
                    val tls = HandMadeTls(raw, client, Wire.HOST)
                    tls.handshake()
                    again.await() shouldBe accepted.tlsSession.shouldNotBeNull()
                    accepted.awaitTls() shouldBe again.await() // at once
                    accepted.write("hello")
                    tls.readText(5) shouldBe "hello"
                }
            }
        }
    }

    test("what is read and written meanwhile waits for the end of the handshake, and frames have their turn before who awaits it") {
        onReactor { reactor, _ ->
            reactor.listen(loopback(), tls = server).use { listener ->
                listener.connected { reactor.dial(listener.localAddress) }.use { (raw, accepted) ->
                    coroutineScope {
                        accepted.frames.trySend { putString("1") } shouldBe true
                        val awaiting = async { accepted.awaitTls() }
                        launch { accepted.write("2") }
                        launch { accepted.readText(4) shouldBe "ping" }
                        delay(5)
                        val tls = HandMadeTls(raw, client, Wire.HOST)
                        tls.handshake()
                        raw.write(tls.seal("ping"))
                        tls.readText(2) shouldBe "12"
                        awaiting.await()
                    }
                }
            }
        }
    }

    test("a handshake that has failed is told to who awaits it, also afterwards; where there is none, that is said") {
        onReactor { reactor, reporter ->
            reactor.listen(loopback(), tls = server).use { listener ->
                listener.connected { reactor.dial(listener.localAddress) }.use { (raw, accepted) ->
                    raw.write("GET / HTTP/1.1\r\n\r\n")
                    repeat(2) { shouldThrow<NetparkException.TlsFailure> { accepted.awaitTls() }.fault() shouldBe TlsFault.NOT_TLS }
                    accepted.isOpen shouldBe false
                    shouldThrow<IllegalStateException> { raw.awaitTls() }.message!! shouldContain "startTls begins it"
                }
            }
            soon { reporter.reports.size shouldBe 1 }
            reporter.drain().single().what shouldContain "A client was turned away"
        }
    }

    test("a connection that is served by itself has its handler started when the handshake is over") {
        onReactor { reactor, reporter ->
            reactor.listen(loopback(), tls = server).use { listener ->
                listener.connected { reactor.dial(listener.localAddress) }.use { (raw, accepted) ->
                    coroutineScope {
                        launch { accepted.serve { it.writer.putString(it.tlsSession!!.protocol()) } }
                        val tls = HandMadeTls(raw, client, Wire.HOST)
                        tls.handshake()
                        tls.readText(7) shouldBe "TLSv1.3"
                    }
                }
                listener.connected { reactor.dial(listener.localAddress) }.use { (raw, accepted) ->
                    raw.write("no TLS at all")
                    shouldThrow<NetparkException.TlsFailure> { accepted.serve { error("there is nobody to be served") } }
                }
            }
            soon { reporter.reports.size shouldBe 1 }
            reporter.drain()
        }
    }
})
