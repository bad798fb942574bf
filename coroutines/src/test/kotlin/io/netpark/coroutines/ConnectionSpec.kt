package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import java.nio.ByteBuffer
import java.nio.ReadOnlyBufferException

/** What a connection promises, on every binding, poller and address family, and in several orders of the threads. */
class ConnectionSpec : NetparkSpec(body = {
    for (flavour in allAndOrdered) for (host in listOf("127.0.0.1", "::1")) {
        fun contract(behaviour: String, body: suspend kotlinx.coroutines.CoroutineScope.(Reactor) -> Unit) =
            test("$flavour $host: $behaviour") { onReactor(flavour, body = body) }

        contract("bytes arrive as they were sent, through direct buffers, heap buffers and arrays") { reactor ->
            reactor.withPair(host) { client, server ->
                val sent = pattern(300_000)
                val writer = async {
                    client.write(ByteBuffer.allocateDirect(100_000).put(sent, 0, 100_000).flip())
                    client.write(ByteBuffer.wrap(sent, 100_000, 100_000))
                    client.write(sent, 200_000, 100_000)
                }
                server.readFully(sent.size) shouldBe sent
                writer.await()
            }
        }

        contract("several buffers are written and read as one stream") { reactor ->
            reactor.withPair(host) { client, server ->
                val parts = Array(3) { i -> ByteBuffer.wrap(pattern(1000, i)) }
                client.write(parts)
                parts.forEach { it.hasRemaining() shouldBe false }
                val targets = arrayOf(ByteBuffer.allocate(500), ByteBuffer.allocateDirect(2500))
                while (targets[1].hasRemaining()) server.read(targets)
                val read = ByteArray(3000).also {
                    targets[0].flip().get(it, 0, 500)
                    targets[1].flip().get(it, 500, 2500)
                }
                read shouldBe pattern(1000, 0) + pattern(1000, 1) + pattern(1000, 2)
            }
        }

        if (flavour.wire.halfCloses) contract("a half-close is an end of stream to the peer, which can still answer") { reactor ->
            reactor.withPair(host) { client, server ->
                client.write("request")
                client.shutdownOutput()
                client.shutdownOutput()
                String(server.readToEnd()) shouldBe "request"
                server.write("answer")
                server.close()
                String(client.readToEnd()) shouldBe "answer"
                client.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM
                shouldThrow<NetparkException.Reset> { client.write("more") }
            }
        }

        contract("R2: final bytes and the end of the stream that come together are both delivered") { reactor ->
            repeat(20) {
                reactor.withPair(host) { client, server ->
                    val reader = async { server.readToEnd() }
                    client.write(ByteArray(10))
                    client.close()
                    reader.await().size shouldBe 10
                }
            }
        }

        contract("a reset is told from an end of stream") { reactor ->
            reactor.withPair(host) { client, server ->
                val reader = async(flavour.elsewhere(reactor)) { runCatching { server.read(ByteArray(1)) } }
                client.reset()
                val failure = reader.await().exceptionOrNull()
                (failure is NetparkException.Reset) shouldBe true
                failure!!.message!! shouldContain "read from"
            }
        }

        contract("both sides know both addresses") { reactor ->
            reactor.withPair(host) { client, server ->
                client.remoteAddress shouldBe server.localAddress
                client.localAddress shouldBe server.remoteAddress
                client.close()
                client.isOpen shouldBe false
                client.remoteAddress shouldBe server.localAddress
            }
        }

        contract("F5: closing ends a parked read and a parked write with Closed") { reactor ->
            reactor.withPair(host, TINY_BUFFERS) { client, _ ->
                supervisorScope {
                    client.fill()
                    val reader = async { client.read(ByteArray(1)) }
                    val writer = async { client.write(ByteBuffer.allocateDirect(1 shl 20)) }
                    launch { client.close() }
                    shouldThrow<NetparkException.Closed> { reader.await() }
                    shouldThrow<NetparkException.Closed> { writer.await() }
                }
                client.close()
                shouldThrow<NetparkException.Closed> { client.read(ByteArray(1)) }
                shouldThrow<NetparkException.Closed> { client.shutdownOutput() }
            }
        }

        contract("a refused dial says so and names the address") { reactor ->
            HeldPort(host).use { held ->
                val free = held.port
                shouldThrow<NetparkException.Refused> { reactor.dial(host, free) }.message!! shouldContain ":$free"
            }
        }
    }

    test("S5: a second reader is refused while the first is parked, and disturbs nothing") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val reader = async(start = CoroutineStart.UNDISPATCHED) { server.readText(5) }
                shouldThrow<IllegalStateException> { server.read(ByteArray(1)) }.message!! shouldContain "one reader"
                client.write("hello")
                reader.await() shouldBe "hello"
            }
        }
    }

    test("a read without room returns 0 and takes nothing; a read-only target is refused") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("x")
                server.read(ByteArray(0)) shouldBe 0
                shouldThrow<ReadOnlyBufferException> { server.read(ByteBuffer.allocate(4).asReadOnlyBuffer()) }
                shouldThrow<IndexOutOfBoundsException> { server.read(ByteArray(4), 2, 3) }
                server.readText(1) shouldBe "x"
            }
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: S6: reading, writing and closing go on at the same time on three threads") {
        onReactor(flavour, loops = 3) { reactor ->
            repeat(if (flavour.isOrdered) 10 else 30) { round ->
                reactor.withPair { client, server ->
                    val echo = launch(flavour.elsewhere(reactor, round)) { runCatching { echo(server) } }
                    val writer = launch(flavour.elsewhere(reactor, 0)) { runCatching { while (true) client.write(ByteArray(1000)) } }
                    val reader = launch(flavour.elsewhere(reactor, 1)) { runCatching { while (true) client.readFully(1000) } }
                    launch(flavour.elsewhere(reactor, 2)) { client.close() }
                    listOf(writer, reader, echo).forEach { it.join() }
                }
            }
        }
    }

    test("a name is looked up and its addresses are tried in turn") {
        onReactor { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                reactor.dial("localhost", listener.port).use { client ->
                    listener.accept().use { server ->
                        client.write("hi")
                        server.readText(2) shouldBe "hi"
                    }
                }
            }
            shouldThrow<NetparkException.UnknownHost> { reactor.dial("no.such.host.invalid", 1) }
                .message!! shouldContain "no.such.host.invalid"
        }
    }
})
