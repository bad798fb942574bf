package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.pool.Pool
import io.netpark.core.pool.PoolLease
import io.netpark.core.pool.PoolOptions
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.ChildJvm
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.await
import io.netpark.core.testing.eventually
import io.netpark.core.testing.needs
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.TlsPeer
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.peerEngine
import io.netpark.core.testing.tls.shouldKeepNoMemory
import io.netpark.core.testing.tls.tls
import io.netpark.core.testing.use
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import java.nio.ByteBuffer
import java.nio.file.Files
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import kotlin.io.path.writeText

/** What engines say to each other in the midst of data: updates of keys, tickets. And what tickets are for. */
class KeyUpdateSpec : NetparkSpec(body = {
    test("keys that are updated every few records, in both directions, with data running") {
        val properties = Files.createTempFile("netpark", ".security")
        try {
            properties.writeText("jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^16, ChaCha20-Poly1305 KeyUpdate 2^16\n")
            val output = ChildJvm("io.netpark.core.net.secure.KeyLimitsProbeKt").option("-Djava.security.properties=$properties")
                .option("-Djavax.net.debug=ssl,handshake").run("4000000")
            output.lines().filter { "KeyUpdate" in it }.size shouldBeGreaterThan 60
            output shouldContain "all has come"
        } finally {
            Files.delete(properties)
        }
    }

    test("updates of OpenSSL's, with and without asking for one, and no renegotiation").config(enabledOrReasonIf = { needs("openssl", "version") }) {
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                listener.listener.setTls(ServerTls.builder().certificate(TlsEnds.identity.chain(), TlsEnds.identity.key()).build())
                for (protocol in listOf("-tls1_3", "-tls1_2")) {
                    val client = ProcessBuilder("openssl", "s_client", "-connect", "127.0.0.1:${listener.listener.port()}", protocol)
                        .redirectErrorStream(true).start()
                    try {
                        val output = StringBuffer()
                        val reading = async { client.inputStream.reader().forEachLine { output.append(it).append('\n') } }
                        listener.accept().use { connection ->
                            fun say(text: String) = client.outputStream.run {
                                write("$text\n".toByteArray())
                                flush()
                            }
                            for (i in 1..5) {
                                // A letter is a command if it is all that is read at once.
                                if (protocol == "-tls1_3") for (command in listOf("K", "k")) {
                                    say(command)
                                    eventually { check(output.split("KEYUPDATE").size == 2 * i + if (command == "K") 0 else 1) { output } }
                                }
                                say("question $i")
                                connection.readText("question 1\n".length) shouldBe "question $i\n"
                                connection.write("answer $i\n")
                                eventually { output.toString() shouldContain "answer $i\n" }
                            }
                            if (protocol == "-tls1_2") {
                                say("R")
                                val failure = runCatching { connection.readText(1) }.exceptionOrNull() as NetparkException.TlsFailure
                                failure.fault() shouldBe NetparkException.TlsFault.RENEGOTIATION
                            }
                        }
                        client.outputStream.close()
                        check(client.waitFor(20, TimeUnit.SECONDS))
                        reading.result()
                    } finally {
                        client.destroyForcibly()
                    }
                }
            }
        }
    }

    for (flavour in EngineFlavour.available()) for (role in Role.entries) {
        test("a peer that wants to negotiate again is refused, once the data in front of that is read: $flavour as $role") {
            TestReactor().use { reactor ->
                reactor.oursAndPeer(role, "TLSv1.2").handshake(role.tls(flavour, "TLSv1.2")).use { pair ->
                    pair.peer.write("data")
                    pair.peer.engine.beginHandshake()
                    pair.peer.answer() // a new ClientHello, or a HelloRequest
                    pair.ours.readText(4) shouldBe "data"
                    repeat(2) { shouldThrow<NetparkException.TlsFailure> { pair.ours.readText(1) }.fault() shouldBe TlsFault.RENEGOTIATION }
                    shouldThrow<NetparkException> { pair.ours.write("x") }
                }
            }
        }
    }

    test("a peer that wants ever new keys and reads nothing is not read any more; then it reads, and all goes on") {
        TestReactor().use { reactor ->
            TestReactor().use { elsewhere ->
                shouldKeepNoMemory {
                    reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).use { pair ->
                        pair.connection.setOption(NetOption.SEND_BUFFER, 4096)
                        pair.ours.keepReceiveBufferSmall()
                        pair.peer.plain.connection.setOption(NetOption.SEND_BUFFER, 65_536)
                        pair.peer.plain.connection.setOption(NetOption.RECEIVE_BUFFER, 8192)
                        pair.handshake(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3"))
                        val before = SegmentPool.shared().statistics().lentBytes()
                        val reading = async { pair.ours.readText(4) }
                        val plain = pair.peer.plain.connection
                        var updates = 0
                        var source = ByteBuffer.allocate(0)
                        // Until nothing more is taken for a while.
                        var patience = 0
                        while (patience < 250) {
                            if (!source.hasRemaining()) source = ByteBuffer.wrap(pair.peer.keyUpdate()).also { updates++ }
                            if (plain.startWrite(source) == Descriptor.PARK) {
                                plain.abandon(Direction.WRITE)
                                patience++
                                Thread.sleep(4)
                            } else {
                                patience = 0
                            }
                            check(updates < 1_000_000)
                        }
                        reading.isDone shouldBe false
                        updates shouldBeGreaterThan 2400 // the answers to fewer are taken
                        // What is pending, what was read and is not looked at, and the segments that these are in.
                        SegmentPool.shared().statistics().lentBytes() - before shouldBeLessThan 512 * 1024
                        val answers = async { pair.peer.readText(4) }
                        pair.peer.plain.write(source)
                        pair.peer.write("data")
                        reading.result() shouldBe "data"
                        val writing = async { pair.ours.write("more") }
                        answers.result() shouldBe "more"
                        writing.result()
                    }
                }
            }
        }
    }

    test("a flood of records without data is taken in turns, and does not keep others from theirs") {
        TestReactor().use { reactor ->
            TestReactor().use { elsewhere ->
                reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).handshake(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3")).use { pair ->
                    val flood = (1..2000).map { pair.peer.keyUpdate() }.reduce(ByteArray::plus)
                    val writing = async {
                        pair.peer.plain.write(flood)
                        pair.peer.write("data")
                        pair.peer.readText(2)
                    }
                    val target = ByteBuffer.allocate(4)
                    var turns = 0
                    // On the loop, where turns count.
                    while (true) {
                        val outcome = reactor.onLoop { pair.connection.startRead(target) }
                        if (outcome == 4) break
                        outcome shouldBe Descriptor.PARK
                        pair.connection.abandon(Direction.READ)
                        turns++
                    }
                    turns shouldBeGreaterThan 10
                    pair.ours.write("ok")
                    writing.result() shouldBe "ok"
                }
            }
        }
    }

    // Idle connections

    test("a watched connection that gets a ticket, or an update of keys, goes on being watched; one that gets more does not") {
        for (role in Role.entries) for (flavour in EngineFlavour.available()) TestReactor().use { reactor ->
            reactor.oursAndPeer(role, "TLSv1.3").handshake(if (role == Role.SERVER) TlsEnds.server(flavour, "TLSv1.3") else TlsEnds.client(flavour, "TLSv1.3")).use { pair ->
                withClue("$flavour as $role") {
                    fun watched(): Int {
                        repeat(20) {
                            val outcome = pair.connection.startWatch()
                            if (outcome != Descriptor.PARK) return outcome
                            pair.connection.abandon(Direction.READ)
                        }
                        return pair.connection.peekInput()
                    }
                    watched() shouldBe 0 // tickets
                    pair.peer.plain.write(pair.peer.keyUpdate())
                    watched() shouldBe 0
                    pair.peer.write("data")
                    eventually { watched() shouldBe 1 }
                    pair.ours.readText(4)
                    pair.peer.plain.write(pair.peer.keyUpdate())
                    watched() shouldBe 0
                    pair.peer.end()
                    eventually { watched() shouldBe ConnectionDescriptor.END_OF_STREAM }
                }
            }
        }
    }

    class Lent : Pool.Borrower {
        val future = CompletableFuture<PoolLease>()

        override fun lent(lease: PoolLease) {
            future.complete(lease)
        }

        override fun failed(cause: NetparkException) {
            future.completeExceptionally(cause)
        }
    }

    for (protocol in EngineFlavour.PROTOCOLS) test("a pooled connection stays in the pool when it gets a ticket or an update, and leaves it at close_notify: $protocol") {
        TestReactor().use { reactor ->
            TestReactor().use { elsewhere ->
                elsewhere.listen().use { listener ->
                    val client = ClientTls.builder().trust(listOf(TlsEnds.root.certificate())).build()
                    Pool(Dialer.of(reactor.group).withTls(client), PoolOptions.DEFAULT).use { pool ->
                        fun borrow() = Lent().also { pool.borrow(listener.address, it) }.future.result()
                        // With a ticket, as all servers of the JDK.
                        val accepting = async { TlsPeer(listener.accept(), peerEngine(Role.CLIENT, protocol)).handshake() }
                        val first = borrow()
                        val connection = first.connection()
                        first.giveBack()
                        val peer = accepting.result()
                        peer.plain.use {
                            repeat(3) {
                                if (protocol == "TLSv1.3") peer.plain.write(peer.keyUpdate())
                                repeat(3) { reactor.onLoop {} } // it has come
                                val again = borrow()
                                (again.connection() === connection) shouldBe true
                                BlockingConnection(again.connection()).write("x")
                                peer.readText(1) shouldBe "x" // by the keys that the update has asked for
                                again.giveBack()
                            }
                            pool.snapshot().created() shouldBe 1
                            peer.end()
                            eventually { connection.isClosed shouldBe true }
                        }
                    }
                }
            }
        }
    }

    // Resumption

    for (protocol in EngineFlavour.PROTOCOLS) for (close in listOf("the client closes", "the server closes", "each ends its output", "the client is cut off")) {
        test("a client that comes back resumes its session, though $close, and also when certificates were read again: $protocol") {
            val folder = Files.createTempDirectory("netpark")
            val (chain, key) = folder.resolve("chain") to folder.resolve("key")
            try {
                TlsEnds.identity.writeChain(chain)
                TlsEnds.identity.writeKey(key)
                TestReactor(loops = 2).use { reactor ->
                    reactor.listen().use { listener ->
                        val server = ServerTls.builder().certificate(chain, key).protocols(protocol).build()
                        listener.listener.setTls(server)
                        val dialer = Dialer.of(reactor.group).withTls(ClientTls.builder().trust(listOf(TlsEnds.root.certificate())).build())
                        fun resumed(): List<Boolean> {
                            val accepting = async { listener.accept() }
                            val dialed = dialer.await("127.0.0.1", listener.listener.port())
                            return (BlockingConnection(dialed) to accepting.result().awaitTls()).use { one, other ->
                                one.write("x")
                                other.readText(1)
                                other.write("y")
                                one.readText(1)
                                when (close) {
                                    "the client closes" -> one.close()
                                    "the server closes" -> other.close()
                                    "each ends its output" -> {
                                        one.connection.shutdownOutput()
                                        other.readIsAtEnd()
                                        other.connection.shutdownOutput()
                                        one.readIsAtEnd()
                                    }
                                    else -> other.connection.reset()
                                }
                                listOf(one, other).map { it.connection.tlsSession()!!.resumed() }
                            }
                        }
                        resumed() shouldBe listOf(false, false)
                        repeat(3) { resumed() shouldBe listOf(true, true) }
                        server.reload()
                        repeat(3) { resumed() shouldBe listOf(true, true) }
                    }
                }
            } finally {
                folder.toFile().deleteRecursively()
            }
        }
    }
})
