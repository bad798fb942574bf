package io.netpark.coroutines.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.pool.Eviction
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.tls.Authority
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.Connection
import io.netpark.coroutines.ConnectionPool
import io.netpark.coroutines.Listener
import io.netpark.coroutines.onReactor
import io.netpark.coroutines.readText
import io.netpark.coroutines.readToEnd
import io.netpark.coroutines.soon
import io.netpark.coroutines.write
import java.net.InetSocketAddress
import java.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** Clients of TLS, and pools of them. */
class DialTlsSpec : NetparkSpec(body = {
    val root = Authority.root("Authority of this spec")
    val identity = root.issue("localhost", "127.0.0.1")
    val server = ServerTls.builder().certificate(identity.chain(), identity.key()).build()
    val client = ClientTls.builder().trust(listOf(root.certificate())).build()

    /** A listener with a handler, for as long as [body] takes. */
    suspend fun Listener.with(handler: suspend CoroutineScope.(Connection) -> Unit, body: suspend () -> Unit) = use { listener ->
        coroutineScope {
            val serving = launch { listener.serve(handler = handler) }
            body()
            serving.cancelAndJoin()
        }
    }

    suspend fun echo(connection: Connection) {
        while (connection.reader.await()) {
            connection.writer.append(connection.reader)
            connection.writer.flush()
        }
    }

    suspend fun Connection.ask() {
        write("ping")
        readText(4) shouldBe "ping"
    }

    // Dials

    test("a dial ends with the handshake, by name, by address, by a dialer of one's own") {
        onReactor { reactor, _ ->
            val listener = reactor.listen("127.0.0.1", 0, tls = server)
            listener.with({ echo(it) }) {
                val dials = listOf<Pair<String?, suspend () -> Connection>>(
                    "localhost" to { reactor.dial("localhost", listener.port, tls = client) },
                    null to { reactor.dial("127.0.0.1", listener.port, tls = client) },
                    null to { reactor.dial(listener.localAddress, tls = client) },
                    "localhost" to { reactor.dial(InetSocketAddress.createUnresolved("localhost", listener.port), tls = client) },
                    "localhost" to { reactor.dial(reactor.dialer.withTls(client), "localhost", listener.port) },
                )
                for ((name, dial) in dials) dial().use {
                    it.tlsSession!!.serverName() shouldBe name
                    it.ask()
                }
            }
        }
    }

    test("a session is resumed by the next dial of the same name and port, once its ticket was read") {
        onReactor { reactor, _ ->
            val listener = reactor.listen("127.0.0.1", 0, tls = server)
            listener.with({ echo(it) }) {
                val resumed = List(3) { reactor.dial(listener.localAddress, tls = client).use { it.ask(); it.tlsSession!!.resumed() } }
                resumed shouldBe listOf(false, true, true)
            }
        }
    }

    test("a server that is not what was dialed, is not known, or speaks something else fails the dial, and says what to do") {
        onReactor { reactor, reporter ->
            val other = root.issue("other.test")
            val others = ServerTls.builder().certificate(other.chain(), other.key()).build()
            val stranger = Authority.root("a stranger").issue("127.0.0.1")
            val strangers = ServerTls.builder().certificate(stranger.chain(), stranger.key()).build()
            val servers = listOf(
                Triple(TlsFault.WRONG_HOST, others, "127.0.0.1"),
                Triple(TlsFault.UNKNOWN_AUTHORITY, strangers, "127.0.0.1"),
                Triple(TlsFault.NOT_TLS, null, "127.0.0.1"),
            )
            for ((fault, tls, named) in servers) {
                val listener = reactor.listen(loopback(), tls = tls)
                listener.with({ it.write("220 smtp.test\r\n"); it.readToEnd() }) {
                    val failure = shouldThrow<NetparkException.TlsFailure> { reactor.dial(listener.localAddress, tls = client) }
                    failure.fault() shouldBe fault
                    failure.message!! shouldContain named
                }
            }
            reporter.drain()
        }
    }

    test("a unix address has no name: the client's settings have one, or the dial says so") {
        onReactor { reactor, _ ->
            val listener = reactor.listen(UnixAddress.abstractName("netpark-dial-tls-${ProcessHandle.current().pid()}"), tls = server)
            listener.with({ echo(it) }) {
                val named = ClientTls.builder().trust(listOf(root.certificate())).serverName("localhost").build()
                reactor.dial(listener.localAddress, tls = named).use { it.ask() }
                shouldThrow<NetparkException> { reactor.dial(listener.localAddress, tls = client) }.message!! shouldContain "serverName"
            }
        }
    }

    test("a server that does not answer costs the time of the dial, or of a handshake, whichever is less, and nothing is left open") {
        onReactor { reactor, _ ->
            val listener = reactor.listen(loopback()) // no TLS, and nobody says a word
            val before = openDescriptors()
            val hasty = ClientTls.builder().trust(listOf(root.certificate())).handshakeTimeout(Duration.ofMillis(40)).build()
            listener.with({ it.readToEnd() }) {
                val byDial = shouldThrow<NetparkException.TimedOut> { reactor.dial(listener.localAddress, 1.seconds, tls = client) }
                byDial.timeout() shouldBe NetparkException.Timeout.CONNECT
                byDial.message!! shouldContain "the TLS handshake has not ended"
                val byHandshake = shouldThrow<NetparkException.TimedOut> { reactor.dial(listener.localAddress, tls = hasty) }
                byHandshake.timeout() shouldBe NetparkException.Timeout.HANDSHAKE
                soon { openDescriptors() shouldBe before }
            }
        }
    }

    test("a dial that is cancelled in the handshake, at whatever instant, leaves nothing open, and the server is not troubled") {
        onReactor(loops = 2) { reactor, _ ->
            val listener = reactor.listen(loopback(), tls = server)
            val before = openDescriptors()
            listener.with({ runCatching { echo(it) } }) {
                repeat(150) { round ->
                    val dialing = launch(Dispatchers.Default) { reactor.dial(listener.localAddress, tls = client).close() }
                    repeat(round * 100) { Thread.onSpinWait() }
                    dialing.cancelAndJoin()
                }
                reactor.dial(listener.localAddress, tls = client).use { it.ask() }
                soon { openDescriptors() shouldBe before }
            }
        }
    }

    test("a server that ends without close_notify has cut its answer off") {
        onReactor { reactor, _ ->
            val listener = reactor.listen(loopback())
            listener.with({ connection ->
                val tls = HandMadeTls(connection, server)
                tls.handshake()
                connection.write(tls.seal("half an answer"))
            }) {
                reactor.dial(listener.localAddress, tls = client).use {
                    it.readText(14) shouldBe "half an answer"
                    shouldThrow<NetparkException.Truncated> { it.readToEnd() }.message!! shouldContain "close_notify"
                }
            }
        }
    }

    // Pools

    test("an idle connection of a pool stays on tickets and key updates, which it answers, and leaves on close_notify") {
        onReactor { reactor, _ ->
            val listener = reactor.listen(loopback())
            val update = CompletableDeferred<Unit>()
            val updated = CompletableDeferred<Unit>()
            val end = CompletableDeferred<Unit>()
            listener.with({ connection ->
                val tls = HandMadeTls(connection, server)
                tls.handshake() // with a ticket
                tls.readText(4) shouldBe "ping"
                connection.write(tls.seal("ping"))
                update.await()
                connection.write(tls.keyUpdate())
                updated.complete(Unit)
                tls.readText(4) shouldBe "ping" // of the new keys of both sides
                connection.write(tls.seal("ping"))
                end.await()
                connection.write(tls.closeNotify())
                connection.readToEnd()
            }) {
                ConnectionPool(reactor, dialer = reactor.dialer.withTls(client)).use { pool ->
                    pool.use(listener.localAddress) { it.ask() }
                    update.complete(Unit)
                    updated.await()
                    repeat(3) { withContext(reactor.loopDispatchers.single()) {} } // it has come, and has been looked at
                    pool.snapshot().idle() shouldBe 1
                    pool.use(listener.localAddress) { it.ask() }
                    pool.snapshot().created() shouldBe 1
                    end.complete(Unit)
                    soon { pool.snapshot().idle() shouldBe 0 }
                    pool.snapshot().evicted()[Eviction.PEER_CLOSED] shouldBe 1
                }
            }
        }
    }

    test("a pool lends only what has shaken hands, and its borrowers hear why there is nothing") {
        onReactor { reactor, reporter ->
            val stranger = Authority.root("a stranger").issue("127.0.0.1")
            val strangers = ServerTls.builder().certificate(stranger.chain(), stranger.key()).build()
            val listener = reactor.listen(loopback(), tls = strangers)
            listener.with({ error("nobody gets here") }) {
                ConnectionPool(reactor, dialer = reactor.dialer.withTls(client)).use { pool ->
                    val failure = shouldThrow<NetparkException.TimedOut> { pool.borrow(listener.localAddress, 2.seconds) }
                    failure.timeout() shouldBe NetparkException.Timeout.BORROW
                    failure.message!! shouldContain "authority"
                }
            }
            reporter.drain()
        }
    }
})
