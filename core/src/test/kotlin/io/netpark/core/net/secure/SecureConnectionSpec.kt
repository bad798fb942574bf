package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.net.zerocopy.ZeroCopy
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.perform
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Material
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.TlsPeer
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.both
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.tls
import io.netpark.core.testing.tls.tlsPair
import io.netpark.core.testing.use
import io.netpark.core.tls.ServerTls
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import javax.net.ssl.SSLEngineResult.HandshakeStatus.NOT_HANDSHAKING
import kotlin.random.Random

/** The type of the record with which a flight begins that is encrypted: in TLS 1.3 it has no other meaning (RFC 8446, D.4). */
private const val CHANGE_CIPHER_SPEC: Byte = 20

private fun bytes(count: Int, seed: Int = count) = Random(seed).nextBytes(count)

/** A connection of ours that is a server, and a peer whose records the test has in hand. */
private fun withPeer(
    ours: EngineFlavour,
    protocol: String,
    reactor: TestReactor,
    cut: (BlockingConnection) -> (ByteArray) -> Unit = { plain -> { plain.write(it) } },
    body: (BlockingConnection, TlsPeer) -> Unit,
) {
    EngineFlavour.JDK.client(Material.client(TlsEnds.root)).use { supply ->
        val pair = ConnectionDescriptor.pair(reactor.group.next(), reactor.group.next())
        (BlockingConnection(pair.first) to BlockingConnection(pair.second)).use { plain, secured ->
            val engine = supply.engine(TlsEnds.HOST, 443).apply { enabledProtocols = arrayOf(protocol) }
            secured.connection.startTls(TlsEnds.server(ours, protocol), null, -1, null)
            val peer = TlsPeer(plain, engine).apply { send = cut(plain) }
            peer.handshake()
            secured.awaitTls()
            body(secured, peer)
        }
    }
}

class SecureConnectionSpec : NetparkSpec(body = {
    val flavours = EngineFlavour.available()

    for (protocol in EngineFlavour.PROTOCOLS) for (server in flavours) for (client in flavours) {
        test("what one end writes the other reads, and each reads the other's end: $client to $server, $protocol") {
            TestReactor(loops = 2).use { reactor ->
                reactor.tlsPair(TlsEnds.server(server, protocol), TlsEnds.client(client, protocol)).use { one, other ->
                    one.write("there")
                    other.readText(5) shouldBe "there"
                    other.write("back")
                    one.readText(4) shouldBe "back"
                    val there = bytes(300_000, 1)
                    val back = bytes(400_000, 2)
                    val reading = async { other.readFully(there.size) }
                    val writing = async { other.write(back) }
                    val answer = async { one.readFully(back.size) }
                    one.write(there)
                    reading.result().contentEquals(there) shouldBe true
                    answer.result().contentEquals(back) shouldBe true
                    writing.result()
                    one.connection.tlsSession().shouldNotBeNull().peerCertificates.first() shouldBe TlsEnds.identity.chain.first()
                    one.connection.shutdownOutput()
                    other.readIsAtEnd() shouldBe true
                    other.readIsAtEnd() shouldBe true
                    other.connection.shutdownOutput()
                    one.readIsAtEnd() shouldBe true
                }
            }
        }
    }

    for (flavour in Flavour.all) {
        test("TLS works over every binding and poller ($flavour)") {
            TestReactor(flavour).use { reactor ->
                val tls = TlsEnds.server(EngineFlavour.JDK, "TLSv1.3")
                reactor.tlsPair(tls, TlsEnds.client(EngineFlavour.JDK, "TLSv1.3")).use { one, other ->
                    val there = bytes(3_000_000)
                    val reading = async { other.readFully(there.size) }
                    one.write(ByteBuffer.wrap(there))
                    reading.result().contentEquals(there) shouldBe true
                    other.write("answer")
                    one.readText(6) shouldBe "answer"
                    one.connection.shutdownOutput()
                    other.readIsAtEnd() shouldBe true
                }
            }
        }
    }

    test("a read that meets a ticket, which is no data, goes on waiting, and is woken by what follows") {
        val calls = CallCounter()
        TestReactor(calls.libc, loops = 2).use { reactor ->
            EngineFlavour.JDK.server(Material.server(TlsEnds.identity)).use { supply ->
                reactor.pair().use { plain, secured -> // TCP, where a short read says that there is nothing more
                    val engine = supply.engine(null, -1).apply { enabledProtocols = arrayOf("TLSv1.3") }
                    val tickets = ArrayList<ByteArray>()
                    val peer = TlsPeer(plain, engine)
                    peer.send = { if (engine.handshakeStatus == NOT_HANDSHAKING) tickets += it else plain.write(it) }
                    secured.connection.startTls(TlsEnds.client(EngineFlavour.JDK, "TLSv1.3"), TlsEnds.HOST, 443, null)
                    both({ secured.awaitTls() }, { peer.handshake() })
                    val reading = async { secured.readText(2) }
                    awaitParkedThreads()
                    val before = calls["recv"]
                    tickets.single().let { plain.write(it) }
                    eventually { check(calls["recv"] == before + 2) { calls } } // the ticket, and that there is nothing more
                    awaitParkedThreads()
                    peer.send = { plain.write(it) }
                    peer.write("ok")
                    reading.result() shouldBe "ok"
                }
            }
        }
    }

    for (ours in flavours) {
        test("a client that refuses the certificate and has not encrypted its alert, as those with OpenSSL, is understood: $ours") {
            TestReactor().use { reactor ->
                EngineFlavour.JDK.client(Material.client(TlsEnds.root)).use { supply ->
                    val pair = ConnectionDescriptor.pair(reactor.group.next(), reactor.group.next())
                    (BlockingConnection(pair.first) to BlockingConnection(pair.second)).use { plain, secured ->
                        val engine = supply.engine(TlsEnds.HOST, 443).apply { beginHandshake() }
                        secured.connection.startTls(TlsEnds.server(ours, "TLSv1.3"), null, -1, null)
                        val peer = TlsPeer(plain, engine)
                        val waiting = async { shouldThrow<NetparkException.TlsFailure> { secured.awaitTls() } }
                        peer.write(ByteArray(0)) // its first message
                        peer.receive()
                        plain.write(byteArrayOf(21, 3, 3, 0, 2, 2, 48)) // unknown_ca
                        waiting.result().fault() shouldBe NetparkException.TlsFault.CERTIFICATE_REFUSED
                    }
                }
            }
        }
    }

    for (ours in flavours) for (protocol in EngineFlavour.PROTOCOLS) {
        test("records may come a byte at a time, in the handshake as well: $ours, $protocol") {
            TestReactor().use { reactor ->
                val byteByByte = { plain: BlockingConnection -> { all: ByteArray -> all.forEach { plain.write(byteArrayOf(it)) } } }
                withPeer(ours, protocol, reactor, byteByByte) { connection, peer ->
                    for (size in listOf(1, 2, 700)) {
                        val sent = bytes(size)
                        val writing = async { peer.write(sent) }
                        connection.readFully(size).contentEquals(sent) shouldBe true
                        writing.result()
                    }
                    connection.write("ok")
                    peer.readText(2) shouldBe "ok"
                }
            }
        }

        test("a record may be cut anywhere: $ours, $protocol") {
            TestReactor().use { reactor ->
                withPeer(ours, protocol, reactor) { connection, peer ->
                    val length = peer.seal(bytes(40)).also { peer.plain.write(it) }.size
                    connection.readFully(40)
                    for (at in 1 until length) {
                        val sent = bytes(40, at)
                        val record = peer.seal(sent)
                        peer.plain.write(record.copyOf(at))
                        val target = ByteBuffer.allocate(100)
                        val begun = connection.connection.startRead(target)
                        peer.plain.write(record.copyOfRange(at, record.size))
                        begun shouldBe Descriptor.PARK
                        connection.connection.parkThreadOnce()
                        var read = connection.connection.retryRead(target)
                        while (read == Descriptor.PARK) {
                            connection.connection.parkThreadOnce()
                            read = connection.connection.retryRead(target)
                        }
                        read shouldBe 40
                        target.array().copyOf(40).contentEquals(sent) shouldBe true
                    }
                }
            }
        }

        test("many records in one read, and readers with little room: $ours, $protocol") {
            TestReactor().use { reactor ->
                withPeer(ours, protocol, reactor) { connection, peer ->
                    val sent = bytes(60_000)
                    val records = (0 until 1000).map { peer.seal(sent.copyOfRange(it * 60, it * 60 + 60)) }.reduce(ByteArray::plus)
                    val writing = async { peer.plain.write(records) }
                    val got = ByteBuffer.allocate(sent.size)
                    val small = ByteBuffer.allocateDirect(7)
                    repeat(2000) {
                        connection.read(small.clear())
                        got.put(small.flip())
                    }
                    val vector = arrayOf(ByteBuffer.allocate(3), ByteBuffer.allocateDirect(50), ByteBuffer.allocate(1000))
                    repeat(5) {
                        vector.forEach { it.clear() }
                        val read = connection.read(vector)
                        vector.forEach { got.put(it.flip()) }
                        read shouldBe vector.sumOf { it.limit() }
                    }
                    LinkBuffer(SegmentPool.shared()).use { chain ->
                        while (got.hasRemaining()) {
                            connection.connection.perform(Direction.READ, { connection.connection.startRead(chain) }, {
                                connection.connection.retryRead(chain)
                            })
                            chain.take(got)
                        }
                    }
                    got.array().contentEquals(sent) shouldBe true
                    writing.result()
                }
            }
        }

        test("data that comes with the end of the handshake is read: $ours, $protocol") {
            // Who says the last word of a handshake: the client in TLS 1.3, the server in TLS 1.2.
            val role = if (protocol == "TLSv1.3") Role.SERVER else Role.CLIENT
            TestReactor().use { reactor ->
                reactor.oursAndPeer(role, protocol).begin(role.tls(ours, protocol)).use { pair ->
                    val lastFlight = ByteArrayOutputStream()
                    pair.peer.send = { record ->
                        val isOfLastFlight = lastFlight.size() > 0 || record[0] == CHANGE_CIPHER_SPEC
                        if (isOfLastFlight) lastFlight.write(record) else pair.peer.plain.write(record)
                    }
                    pair.peer.handshake()
                    lastFlight.size() shouldBeGreaterThan 0
                    pair.peer.plain.write(lastFlight.toByteArray() + pair.peer.seal("data".toByteArray()) + pair.peer.seal("more".toByteArray()))
                    pair.ours.readText(8) shouldBe "datamore"
                }
            }
        }

        test("the end of the socket without close_notify is no end: $ours, $protocol") {
            TestReactor().use { reactor ->
                withPeer(ours, protocol, reactor) { connection, peer ->
                    peer.write("half")
                    peer.plain.connection.shutdownOutput()
                    connection.readText(4) shouldBe "half"
                    repeat(2) {
                        shouldThrow<NetparkException.Truncated> { connection.readIsAtEnd() }.message shouldContain "close_notify"
                    }
                }
            }
        }

        test("a record that was changed on its way ends the connection, after what came in front of it: $ours, $protocol") {
            TestReactor().use { reactor ->
                withPeer(ours, protocol, reactor) { connection, peer ->
                    val good = peer.seal("good".toByteArray())
                    val bad = peer.seal("evil".toByteArray()).also { it[it.size - 1] = (it[it.size - 1] + 1).toByte() }
                    peer.plain.write(good + bad)
                    connection.readText(4) shouldBe "good"
                    repeat(2) { shouldThrow<NetparkException.TlsFailure> { connection.readText(1) } }
                    shouldThrow<NetparkException> { connection.write("more") }
                }
            }
        }

        test("close sends close_notify: $ours, $protocol") {
            TestReactor().use { reactor ->
                withPeer(ours, protocol, reactor) { connection, peer ->
                    connection.write("last")
                    connection.close()
                    peer.readText(4) shouldBe "last"
                    peer.readsEnd() shouldBe true
                }
            }
        }

        test("a write that is given up in the midst of a record does not break the stream: $ours, $protocol") {
            TestReactor().use { reactor ->
                withPeer(ours, protocol, reactor) { connection, peer ->
                    val sent = bytes(4_000_000)
                    val source = ByteBuffer.wrap(sent)
                    while (connection.connection.startWrite(source) != Descriptor.PARK) check(source.hasRemaining())
                    connection.connection.abandon(Direction.WRITE)
                    val taken = source.position()
                    peer.read(taken).contentEquals(sent.copyOf(taken)) shouldBe true // by the loop alone
                    val rest = async { connection.write(source) }
                    peer.read(sent.size - taken).contentEquals(sent.copyOfRange(taken, sent.size)) shouldBe true
                    rest.result()
                }
            }
        }
    }

    test("a peer that has ended its output is still written to, under TLS 1.3 with the JDK's engine") {
        TestReactor().use { reactor ->
            withPeer(EngineFlavour.JDK, "TLSv1.3", reactor) { connection, peer ->
                peer.write("question")
                peer.end()
                connection.readAll() shouldBe "question"
                connection.write("answer")
                peer.readText(6) shouldBe "answer"
                connection.connection.shutdownOutput()
                peer.readsEnd() shouldBe true
            }
        }
    }

    test("a handshake that fails says why on both sides, and leaves nothing") {
        TestReactor().use { reactor ->
            val stranger = ServerTls.builder().engines(
                with(TlsEnds) { EngineFlavour.JDK.server(Material.server(io.netpark.core.testing.tls.Order.selfSigned(TlsEnds.HOST).issue())).source() },
            ).build()
            reactor.tlsPair(stranger, TlsEnds.client(EngineFlavour.JDK, "TLSv1.3")).use { one, other ->
                shouldThrow<NetparkException.TlsFailure> { one.awaitTls() }
                shouldThrow<NetparkException.TlsFailure> { other.awaitTls() }
                shouldThrow<NetparkException.TlsFailure> { one.readSome() }
                shouldThrow<NetparkException.TlsFailure> { other.write("x") }
                eventually { one.connection.isClosed shouldBe true }
                eventually { other.connection.isClosed shouldBe true }
            }
        }
    }

    test("what a peer does not read keeps nobody from reading what it sends") {
        TestReactor().use { reactor ->
            withPeer(EngineFlavour.JDK, "TLSv1.3", reactor) { connection, peer ->
                val block = ByteBuffer.allocate(1_000_000)
                repeat(40) { round ->
                    connection.connection.startWrite(block.clear()) shouldBe Descriptor.PARK
                    peer.write("$round".padEnd(4))
                    connection.readText(4).trim() shouldBe "$round"
                    connection.connection.abandon(Direction.WRITE)
                    peer.plain.read(ByteBuffer.allocate(20_000 + 3_000 * round)) // some room for the next records
                }
            }
        }
    }

    test("zero copy is not used, though it is asked for") {
        TestReactor().use { reactor ->
            reactor.oursAndPeer(Role.SERVER, "TLSv1.3").handshake(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3")).use { pair ->
                pair.connection.setZeroCopy(ZeroCopy.from(1).withPatience(Int.MAX_VALUE))
                val sent = bytes(300_000)
                val free = CompletableFuture<Unit>()
                val reading = async { pair.peer.read(sent.size) }
                LinkBuffer(SegmentPool.shared()).use { chain ->
                    chain.link(ByteBuffer.allocateDirect(sent.size).put(sent).flip()) { free.complete(Unit) }
                    pair.connection.perform(Direction.WRITE, { pair.connection.startWrite(chain) }, { pair.connection.retryWrite(chain) })
                }
                free.result()
                reading.result().contentEquals(sent) shouldBe true
                pair.connection.zeroCopyCount().sends() shouldBe 0
            }
        }
    }

    test("a plain request to a TLS port is refused at once") {
        TestReactor().use { reactor ->
            val pair = ConnectionDescriptor.pair(reactor.loop, reactor.loop)
            (BlockingConnection(pair.first) to BlockingConnection(pair.second)).use { plain, secured ->
                secured.connection.startTls(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3"), null, -1, null)
                plain.write("GET / HTTP/1.1\r\n\r\n")
                val failure = shouldThrow<NetparkException.TlsFailure> { secured.awaitTls() }
                failure.fault() shouldBeIn listOf(io.netpark.core.sys.NetparkException.TlsFault.NOT_TLS)
            }
        }
    }
})

private fun ConnectionDescriptor.parkThreadOnce() {
    val waiter = io.netpark.core.testing.ThreadWaiter()
    if (park(Direction.READ, waiter)) check(waiter.await()) { "never woken" }
}
