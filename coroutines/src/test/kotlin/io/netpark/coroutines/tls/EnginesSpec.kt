package io.netpark.coroutines.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.tls
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.Connection
import io.netpark.coroutines.ConnectionPool
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.handover.detach
import io.netpark.coroutines.onReactor
import io.netpark.coroutines.pattern
import io.netpark.coroutines.readFully
import io.netpark.coroutines.readText
import io.netpark.coroutines.readToEnd
import io.netpark.coroutines.transfer.copyTo
import io.netpark.coroutines.transfer.sendFile
import io.netpark.coroutines.write
import java.net.SocketAddress
import java.nio.file.Files
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

/** What connections do with each kind of engine: the contract suites run with that of the JDK. */
class EnginesSpec : NetparkSpec(body = {
    for (protocol in EngineFlavour.PROTOCOLS) for (flavour in EngineFlavour.available()) {
        val server = Role.SERVER.tls(flavour, protocol) as ServerTls
        val client = Role.CLIENT.tls(flavour, protocol) as ClientTls

        /** A server with this handler, for as long as [body] takes. */
        fun served(handler: suspend (Connection) -> Unit, body: suspend (Reactor, SocketAddress) -> Unit) =
            onReactor(loops = 2) { reactor, _ ->
                reactor.listen(loopback(), tls = server).use { listener ->
                    val serving = launch { listener.serve { handler(it) } }
                    body(reactor, listener.localAddress)
                    serving.cancelAndJoin()
                }
            }

        suspend fun echo(connection: Connection) {
            while (connection.awaitRequest()) {
                connection.writer.append(connection.reader)
                connection.writer.flush()
            }
        }

        suspend fun Connection.ask(question: String = "ping") {
            write(question)
            readText(question.length) shouldBe question
        }

        test("$flavour, $protocol: writes of all sizes, frames among them, come back, and then the end") {
            served({ echo(it) }) { reactor, address ->
                reactor.dial(address, tls = client).use { connection ->
                    connection.tlsSession!!.protocol() shouldBe protocol
                    for (size in listOf(1, 700, 16_384, 16_385, 100_000, 3_000_000)) coroutineScope {
                        launch { connection.write(pattern(size)) }
                        connection.readFully(size).contentEquals(pattern(size)) shouldBe true
                    }
                    connection.frames.write { putString("framed") }
                    connection.readText(6) shouldBe "framed"
                    connection.shutdownOutput()
                    connection.readToEnd().size shouldBe 0
                }
            }
        }

        test("$flavour, $protocol: files are sent, and copies carry what they are given") {
            val file = Files.createTempFile("netpark", ".bin")
            try {
                Files.write(file, pattern(700_000))
                served({ it.sendFile(file) }) { reactor, address ->
                    // From the server to a client, and on to another server.
                    reactor.listen(loopback(), tls = server).use { further ->
                        val arrived = CompletableDeferred<ByteArray>()
                        coroutineScope {
                            val serving = launch { further.serve { arrived.complete(it.readToEnd()) } }
                            reactor.dial(address, tls = client).use { source ->
                                reactor.dial(further.localAddress, tls = client).use { target ->
                                    source.copyTo(target) shouldBe 700_000
                                    target.shutdownOutput()
                                    arrived.await().contentEquals(pattern(700_000)) shouldBe true
                                }
                            }
                            serving.cancelAndJoin()
                        }
                    }
                }
            } finally {
                Files.delete(file)
            }
        }

        test("$flavour, $protocol: a read that is cancelled, or whose time is over, has taken nothing, and detaching is refused") {
            served({ echo(it) }) { reactor, address ->
                reactor.dial(address, tls = client).use { connection ->
                    connection.ask()
                    repeat(5) {
                        withTimeoutOrNull(2.milliseconds) { connection.readText(1) }.shouldBeNull()
                        connection.ask()
                    }
                    connection.readTimeout = 2.milliseconds
                    shouldThrow<NetparkException.TimedOut> { connection.readText(1) }
                    connection.readTimeout = Duration.INFINITE
                    connection.ask()
                    shouldThrow<IllegalStateException> { connection.detach() }
                    connection.ask()
                }
            }
        }

        test("$flavour, $protocol: TLS begins in the midst of a connection, which a pool keeps") {
            onReactor(loops = 2) { reactor, _ ->
                reactor.listen(loopback()).use { listener ->
                    val serving = launch {
                        listener.serve {
                            it.readText(1) shouldBe "x"
                            it.startTls(server)
                            echo(it)
                        }
                    }
                    ConnectionPool(reactor).use { pool ->
                        repeat(3) {
                            pool.use(listener.localAddress) {
                                if (it.tlsSession == null) {
                                    it.write("x")
                                    it.startTls(client, TlsEnds.HOST).protocol() shouldBe protocol
                                }
                                it.ask()
                            }
                        }
                        pool.snapshot().created() shouldBe 1
                    }
                    serving.cancelAndJoin()
                }
            }
        }
    }
})
