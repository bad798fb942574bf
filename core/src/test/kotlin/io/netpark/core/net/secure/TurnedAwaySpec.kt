package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.report.Reporter
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingLog
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.await
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Identity
import io.netpark.core.testing.tls.Material
import io.netpark.core.testing.tls.Order
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.TlsEnds.source
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.use
import io.netpark.core.tls.ClientAuth
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import kotlin.time.Duration.Companion.seconds
import org.conscrypt.Conscrypt

/** A listener with TLS whose connections are accepted and forgotten, as long as [body] runs. */
private fun TestReactor.serving(tls: ServerTls, body: (BlockingListener) -> Unit) {
    listen().use { listener ->
        listener.listener.setTls(tls)
        val accepting = async { runCatching { while (true) listener.accept().also { accepted -> async { echo(accepted) } } } }
        body(listener)
        listener.close()
        accepting.result()
    }
}

private fun echo(connection: BlockingConnection) = connection.use {
    runCatching {
        val bytes = java.nio.ByteBuffer.allocate(100)
        while (it.read(bytes.clear()) >= 0) it.write(bytes.flip())
    }.onFailure { failure -> if (failure !is NetparkException.TlsFailure) println("an echo has ended by $failure") }
}

private class Turned(
    val name: String,
    val client: TlsFault,
    val server: TlsFault,
    val identity: Identity = TlsEnds.identity,
    val trusted: Authority = TlsEnds.root,
    val dialed: String = "127.0.0.1",
    val clientIdentity: Identity? = null,
    val mutual: Boolean = false,
)

/** Clients that do not come in: what both sides are told, what the operator is, and what is only counted. */
class TurnedAwaySpec : NetparkSpec(body = {
    val root = TlsEnds.root
    val refused = TlsFault.CERTIFICATE_REFUSED
    val stranger = Authority.root("A stranger")
    val clientRoot = Authority.root("Root of clients")

    /** What the client makes of the server's alert: RFC 8446 has one for this, RFC 5246 has not, and JDK 17 has another way. */
    fun missing(protocol: String) = when {
        Runtime.version().feature() < 18 -> refused
        protocol == "TLSv1.3" -> TlsFault.CERTIFICATE_MISSING
        else -> TlsFault.NO_COMMON_CIPHER
    }
    fun cases(protocol: String) = listOf(
        Turned("wrong host", TlsFault.WRONG_HOST, refused, identity = root.issue("elsewhere.test")),
        Turned("expired", TlsFault.EXPIRED, refused, identity = root.order("127.0.0.1").expired().issue()),
        Turned("not yet valid", TlsFault.NOT_YET_VALID, refused, identity = root.order("127.0.0.1").notYetValid().issue()),
        Turned("self-signed", TlsFault.UNKNOWN_AUTHORITY, refused, identity = Order.selfSigned("127.0.0.1").issue()),
        Turned("unknown authority", TlsFault.UNKNOWN_AUTHORITY, refused, trusted = stranger),
        Turned("for clients only", TlsFault.BAD_CERTIFICATE, refused, identity = root.order("127.0.0.1").forClients().issue()),
        Turned("for code only", TlsFault.BAD_CERTIFICATE, refused, identity = root.order("127.0.0.1").forCode().issue()),
        Turned("no client certificate", missing(protocol), TlsFault.CERTIFICATE_MISSING, mutual = true),
        // A client of the JDK's sends none that the server has not asked for.
        Turned("a stranger's client certificate", missing(protocol), TlsFault.CERTIFICATE_MISSING, mutual = true,
            clientIdentity = stranger.issueClient("client")),
        Turned("an expired client certificate", refused, TlsFault.EXPIRED, mutual = true,
            clientIdentity = clientRoot.order().commonName("client").forClients().expired().issue()),
        Turned("an expired client certificate with a name of two lines", refused, TlsFault.EXPIRED, mutual = true,
            clientIdentity = clientRoot.order().commonName("client\\0ASEVERE: all is lost").forClients().expired().issue()),
    )

    fun Turned.serverOf(flavour: EngineFlavour, protocol: String): ServerTls = with(ServerTls.builder().protocols(protocol)) {
        if (flavour == EngineFlavour.NETTY_OPENSSL) {
            engines(flavour.server(Material.server(identity).let { if (mutual) it.forClientsOf(clientRoot) else it }).source())
        } else {
            if (flavour == EngineFlavour.CONSCRYPT) provider(Conscrypt.newProvider())
            certificate(identity.chain(), identity.key())
            if (mutual) clientAuth(ClientAuth.NEEDED).trust(listOf(clientRoot.certificate()))
        }
        build()
    }

    fun Turned.clientOf(flavour: EngineFlavour, protocol: String): ClientTls = with(ClientTls.builder().protocols(protocol)) {
        if (flavour == EngineFlavour.NETTY_OPENSSL) {
            engines(flavour.client(Material.client(trusted).let { m -> clientIdentity?.let { m.showing(it) } ?: m }).source())
        } else {
            if (flavour == EngineFlavour.CONSCRYPT) provider(Conscrypt.newProvider())
            trust(listOf(trusted.certificate()))
            clientIdentity?.let { certificate(it.chain(), it.key()) }
        }
        build()
    }

    val pairs = listOf(EngineFlavour.JDK to EngineFlavour.JDK) + (EngineFlavour.available() - EngineFlavour.JDK).flatMap { listOf(it to EngineFlavour.JDK, EngineFlavour.JDK to it) }
    for (protocol in EngineFlavour.PROTOCOLS) for ((clientOf, serverOf) in pairs) {
        test("each side is told in a sentence, and the operator in a line: $clientOf to $serverOf, $protocol") {
            for (case in cases(protocol)) TestReactor { metrics(true) }.use { reactor ->
                TestReactor().use { clients ->
                    withClue(case.name) {
                        reactor.serving(case.serverOf(serverOf, protocol)) { listener ->
                            var port = 0
                            val failure = shouldThrow<NetparkException> {
                                val dialed = Dialer.of(clients.group).withTls(case.clientOf(clientOf, protocol)).await(case.dialed, listener.listener.port())
                                // A client of TLS 1.3 is through before the server has looked at its certificate.
                                BlockingConnection(dialed).use {
                                    port = (it.connection.localAddress() as java.net.InetSocketAddress).port
                                    it.readText(1)
                                }
                            }
                            withClue(failure) {
                                failure.message!!.lines() shouldHaveSize 1
                                failure.message shouldContain "127.0.0.1"
                                // A reset may overtake the alert of a server that the client is still sending to.
                                if (clientOf == EngineFlavour.JDK && serverOf == EngineFlavour.JDK) (failure as NetparkException.TlsFailure).fault() shouldBe case.client
                            }
                            val report = eventually { reactor.reporter.drain().single() }
                            withClue(report) {
                                report.what shouldBe "A client was turned away"
                                report.cause.message!!.lines() shouldHaveSize 1
                                report.cause.message shouldContain "TLS handshake with 127.0.0.1:${if (port == 0) "" else port.toString()}"
                                report.cause.cause.shouldBeNull()
                                val fault = (report.cause as NetparkException.TlsFailure).fault()
                                if (clientOf == EngineFlavour.JDK && serverOf == EngineFlavour.JDK) fault shouldBe case.server
                                eventually { reactor.group.snapshot().total().handshakes().failed() shouldBe mapOf(fault to 1L) }
                            }
                        }
                    }
                }
            }
        }
    }

    fun good(configure: ServerTls.Builder.() -> Unit = {}) =
        ServerTls.builder().certificate(TlsEnds.identity.chain(), TlsEnds.identity.key()).apply(configure).build()
    val client = ClientTls.builder().trust(listOf(root.certificate())).build()

    fun TestReactor.isServed(listener: BlockingListener) =
        BlockingConnection(Dialer.of(group).withTls(client).await("127.0.0.1", listener.listener.port())).use {
            it.write("hello")
            it.readText(5) shouldBe "hello"
        }

    test("the log gets one line for a client that was turned away, without a stack") {
        RecordingLog().use { log ->
            TestReactor { reporter(Reporter.LOG) }.use { reactor ->
                reactor.serving(good()) { listener ->
                    reactor.connect(listener.address).use {
                        it.write("GET / HTTP/1.0\r\n\r\n")
                        val record = eventually { log.records.single() }
                        record.thrown.shouldBeNull()
                        record.message.lines() shouldHaveSize 1
                        record.message shouldContain "A client was turned away: TLS handshake with ${AddressText.of(it.connection.localAddress())}: "
                    }
                }
            }
        }
    }

    test("who only looks whether there is a port is counted, and not reported") {
        val clock = HandMovedClock()
        TestReactor(loops = 1) {
            metrics(true)
            clock(clock)
        }.use { reactor ->
            TestReactor().use { clients ->
                reactor.serving(good()) { listener ->
                    fun failed() = reactor.group.snapshot().total().handshakes()
                    clients.connect(listener.address).close()
                    eventually { failed().failed(TlsFault.ENDED) shouldBe 1 }
                    clients.connect(listener.address).connection.reset()
                    eventually { failed().failed(TlsFault.ENDED) shouldBe 2 }
                    clients.connect(listener.address).use {
                        eventually { // its time begins when it is accepted
                            clock.move(11.seconds, reactor.group)
                            failed().timedOut() shouldBe 1
                        }
                        it.readIsAtEnd() shouldBe true
                    }
                    reactor.reporter.reports.shouldBeEmpty()
                }
            }
        }
    }

    test("many bad clients do not flood the log, and good ones are served meanwhile") {
        val clock = HandMovedClock()
        TestReactor(loops = 1) {
            metrics(true)
            clock(clock)
            reportLimit(5)
        }.use { reactor ->
            TestReactor().use { clients ->
                reactor.serving(good()) { listener ->
                    repeat(100) {
                        clients.connect(listener.address).use { bad -> bad.write("GET / HTTP/1.0\r\n\r\n") }
                        if (it % 25 == 0) clients.isServed(listener)
                    }
                    eventually { reactor.group.snapshot().total().handshakes().failed(TlsFault.NOT_TLS) shouldBe 100 }
                    reactor.onLoop {} // the last of them is reported behind that
                    reactor.reporter.drain().single().what shouldBe "A client was turned away"
                    clock.move(10.seconds, reactor.group)
                    eventually { reactor.reporter.reports shouldHaveSize 1 }
                    reactor.reporter.drain().single().what shouldContain "And 99 more of this kind in the last 10 s"
                }
            }
        }
    }

    test("a server whose engines cannot be made turns clients away, says so, and goes on") {
        TestReactor { metrics(true) }.use { reactor ->
            val broken = ServerTls.builder().engines { _, _ -> throw IllegalStateException("out of engines") }.build()
            reactor.serving(broken) { listener ->
                repeat(3) {
                    reactor.connect(listener.address).use { client ->
                        runCatching { client.readIsAtEnd() }.getOrElse { e -> e is NetparkException.Reset } shouldBe true
                    }
                }
                eventually { reactor.reporter.reports shouldHaveSize 3 }
                reactor.reporter.drain().forEach { it.what shouldContain "TLS did not begin" }
                eventually { reactor.group.snapshot().total().handshakes().failed(TlsFault.ENGINE) shouldBe 3 }
                listener.listener.setTls(good())
                reactor.isServed(listener)
            }
        }
    }
})
