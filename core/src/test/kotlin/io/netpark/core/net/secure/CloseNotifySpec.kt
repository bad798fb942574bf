package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.HeldLibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.CountedEngines
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.OursAndPeer
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.shouldKeepNoMemory
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.use
import java.io.EOFException
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicBoolean
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLEngineResult.Status
import kotlin.time.Duration.Companion.milliseconds

/** What the peer does, and what is read then, word by word. */
private class Leave(val events: String, val read: String)

/** D: a record of data, d: the first half of one, C: close_notify, c: the first half of one, F: FIN, R: RST. What is read: D: data, E: end, T: truncated, R: reset. */
private val LEAVES = listOf(
    Leave("DCF", "DEE"), Leave("DCR", "DEE"), Leave("DC", "DEE"), Leave("CF", "EE"), Leave("CR", "EE"), Leave("C", "EE"),
    Leave("DF", "DTT"), Leave("DR", "DRR"), Leave("F", "TT"), Leave("R", "RR"),
    Leave("dF", "TT"), Leave("dR", "RR"), Leave("DdF", "DTT"), Leave("DdR", "DRR"), Leave("cF", "TT"), Leave("DcF", "DTT"), Leave("DcR", "DRR"),
    Leave("CDF", "EE"), Leave("CdF", "EE"), Leave("CCF", "EE"), Leave("DDCF", "DDEE"), Leave("DDDF", "DDDTT"),
)

/** The end of a direction: by close_notify or without, before and behind data, FIN and RST, on one side or both. */
class CloseNotifySpec : NetparkSpec(body = {
    fun OursAndPeer.leave(events: String) {
        for (event in events) when (event) {
            'D' -> peer.write("data")
            'd' -> peer.seal("data".toByteArray()).let { peer.plain.write(it.copyOf(it.size / 2)) }
            'C' -> if (!peer.engine.isOutboundDone) peer.end() else peer.plain.write(byteArrayOf(21, 3, 3, 0, 2, 1, 0))
            'c' -> {
                peer.engine.closeOutbound()
                peer.seal(ByteArray(0)).let { peer.plain.write(it.copyOf(it.size / 2)) }
            }
            'F' -> peer.plain.connection.shutdownOutput()
            else -> peer.plain.connection.reset()
        }
    }

    /** Behind close_notify an engine makes no records any more; what comes instead is as good. */
    fun OursAndPeer.leaveAndGarbage(events: String) {
        val end = events.indexOf('C') + 1
        if (end == 0) return leave(events)
        leave(events.take(end))
        for (event in events.drop(end)) when (event) {
            'D', 'd' -> peer.plain.write(byteArrayOf(23, 3, 3, 0, 30) + ByteArray(if (event == 'D') 30 else 10))
            else -> leave(event.toString())
        }
    }

    for (protocol in EngineFlavour.PROTOCOLS) for (flavour in EngineFlavour.available()) for (role in Role.entries) {
        val engines = CountedEngines.of(role, flavour)
        val tls = engines.tls(role, protocol)

        fun TestReactor.open() = oursAndPeer(role, protocol).handshake(tls).apply {
            ours.write("hello") // and whatever tickets there are
            peer.readText(5)
            peer.write("hello")
            ours.readText(5)
        }

        for (together in listOf(true, false)) {
            test("what is read, however the peer leaves, ${if (together) "once all has come" else "step by step"}: $flavour as $role, $protocol") {
                TestReactor().use { reactor ->
                    shouldKeepNoMemory {
                        for (leave in LEAVES) reactor.open().use { pair ->
                            val got = StringBuilder()
                            val target = ByteBuffer.allocate(4)
                            fun read() {
                                got.append(
                                    try {
                                        when (pair.ours.read(target.clear())) {
                                            4 -> 'D'
                                            ConnectionDescriptor.END_OF_STREAM -> 'E'
                                            else -> '?'
                                        }
                                    } catch (_: NetparkException.Truncated) {
                                        'T'
                                    } catch (_: NetparkException.Reset) {
                                        'R'
                                    },
                                )
                            }
                            if (together) {
                                pair.leaveAndGarbage(leave.events)
                                if (leave.events.endsWith("R")) eventually { check(pair.connection.peerState() == PeerState.GONE) }
                                repeat(leave.read.length) { read() }
                            } else {
                                val reading = async { repeat(leave.read.length) { read() } }
                                eventually { check(pair.connection.parked() == 1 || reading.isDone) }
                                // A reset overtakes what has not been read.
                                val last = leave.events.takeLastWhile { it == 'R' }
                                pair.leaveAndGarbage(leave.events.dropLast(last.length))
                                if (last.isNotEmpty()) eventually { check(got.length >= leave.read.count { it == 'D' }) }
                                if (last.isNotEmpty()) pair.leave(last)
                                reading.result()
                            }
                            withClue(leave.events) { got.toString() shouldBe leave.read }
                        }
                    }
                    engines.shouldBeBack()
                }
            }
        }

        test("an output that is ended leaves the input open for what the peer has sent: $flavour as $role, $protocol") {
            TestReactor().use { reactor ->
                reactor.open().use { pair ->
                    pair.peer.write("under way")
                    pair.connection.shutdownOutput()
                    pair.ours.readText(9) shouldBe "under way"
                    if (protocol == "TLSv1.3") {
                        pair.peer.readsEnd() shouldBe true
                        repeat(3) {
                            pair.peer.write("later")
                            pair.ours.readText(5) shouldBe "later"
                        }
                        pair.peer.plain.readIsAtEnd() shouldBe true // FIN, which may come a moment later
                    }
                    shouldThrow<NetparkException.Reset> { pair.ours.write("x") }
                    pair.connection.shutdownOutput()
                    pair.peer.end()
                    repeat(2) { pair.ours.readIsAtEnd() shouldBe true }
                }
            }
        }

        test("an input that the peer has ended leaves the output open, under TLS 1.3: $flavour as $role, $protocol") {
            TestReactor().use { reactor ->
                reactor.open().use { pair ->
                    pair.peer.end()
                    pair.ours.readIsAtEnd() shouldBe true
                    if (protocol == "TLSv1.3" && flavour == EngineFlavour.JDK) {
                        repeat(3) {
                            pair.ours.write("answer")
                            pair.peer.readText(6) shouldBe "answer"
                        }
                    } else {
                        runCatching { pair.ours.write("answer") }.exceptionOrNull().let { it == null || it is NetparkException.Reset } shouldBe true
                    }
                    pair.connection.shutdownOutput()
                    pair.peer.isEndedInOrder() shouldBe true
                    shouldThrow<EOFException> { pair.peer.receive() }
                }
            }
        }

        if (protocol == "TLSv1.2") test("who reads the peer's close_notify answers by its own, and has not to end its output for that: $flavour as $role, $protocol") {
            TestReactor().use { reactor ->
                for (data in listOf("", "in front of it")) reactor.open().use { pair ->
                    if (data.isNotEmpty()) pair.peer.write(data)
                    pair.peer.end()
                    if (data.isNotEmpty()) pair.ours.readText(data.length) shouldBe data
                    pair.ours.readIsAtEnd() shouldBe true
                    pair.peer.readsEnd() shouldBe true
                    // RFC 5246, 7.2.1: what was not sent before is discarded.
                    shouldThrow<NetparkException.Reset> { repeat(3) { pair.ours.write("late") } }
                }
            }
            engines.shouldBeBack()
        }

        test("both end at the same time: $flavour as $role, $protocol") {
            TestReactor().use { reactor ->
                var pair = reactor.open()
                race(
                    50,
                    { _ -> pair.peer.end() },
                    { _ -> pair.connection.shutdownOutput() },
                    { _ -> check(pair.ours.readIsAtEnd()) },
                    atMost = 200.milliseconds,
                    beforeEach = {
                        pair.close()
                        pair = reactor.open()
                    },
                    afterEach = { check(pair.peer.readsEnd()) },
                )
                pair.close()
            }
            engines.shouldBeBack()
        }

        test("close says close_notify behind the data, reset says nothing: $flavour as $role, $protocol") {
            TestReactor().use { reactor ->
                reactor.open().use { pair ->
                    pair.ours.write("data")
                    pair.connection.close()
                    pair.peer.readText(4) shouldBe "data"
                    pair.peer.readsEnd() shouldBe true
                    shouldThrow<EOFException> { pair.peer.receive() }
                }
                reactor.open().use { pair ->
                    pair.connection.reset()
                    shouldThrow<NetparkException.Reset> { pair.peer.readsEnd() }
                    shouldThrow<NetparkException.Closed> { pair.ours.readText(1) }
                }
                for (end in listOf<(OursAndPeer) -> Unit>({ it.peer.end() }, { it.connection.shutdownOutput() })) reactor.open().use { pair ->
                    end(pair)
                    if (!pair.peer.engine.isOutboundDone) pair.peer.isEndedInOrder() shouldBe true else pair.ours.readIsAtEnd()
                    pair.connection.close()
                    runCatching { pair.peer.isEndedInOrder() shouldBe true }.exceptionOrNull().let { it == null || it is NetparkException.Reset } shouldBe true
                }
            }
            engines.shouldBeBack()
        }
    }

    test("close_notify follows data that the socket has not taken yet, when it does, and FIN follows that") {
        val libc = HeldLibC()
        val tls = CountedEngines.of(Role.SERVER, EngineFlavour.JDK).tls(Role.SERVER, "TLSv1.3")
        TestReactor(libc).use { reactor ->
            TestReactor().use { elsewhere ->
                reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).handshake(tls).use { pair ->
                    pair.peer.write("x")
                    pair.ours.readText(1)
                    libc.sends = { 0 }
                    pair.connection.startWrite(ByteBuffer.wrap("data".toByteArray())) shouldBe Descriptor.PARK
                    pair.connection.abandon(Direction.WRITE)
                    pair.connection.shutdownOutput()
                    libc.sends = { 1 }
                    pair.peer.write("y") // an event, which lets the loop look
                    pair.peer.readText(4) shouldBe "data"
                    pair.peer.readsEnd() shouldBe true
                    shouldThrow<EOFException> { pair.peer.receive() }
                }
            }
        }
    }

    test("FIN follows the end of the output also if it is a reader, who has to answer, that sends the last of it") {
        val libc = HeldLibC()
        val engine = ScriptedEngine()
        TestReactor(libc).use { reactor ->
            TestReactor().use { elsewhere ->
                reactor.tcpPair(elsewhere).use { ours, plain ->
                    ours.beginTls(engine.server()).awaitTls()
                    libc.sends = { 0 }
                    ours.connection.startWrite(ByteBuffer.wrap("data".toByteArray())) shouldBe Descriptor.PARK
                    ours.connection.abandon(Direction.WRITE)
                    ours.connection.shutdownOutput()
                    engine.unwrapping = { record, _ ->
                        engine.unwrapping = null
                        libc.sends = { it }
                        engine.status = HandshakeStatus.NEED_WRAP
                        record.position(record.position() + 6)
                        engine.result(consumed = 6)
                    }
                    engine.wrapping = {
                        engine.wrapping = null
                        engine.status = HandshakeStatus.NOT_HANDSHAKING
                        engine.result(Status.CLOSED)
                    }
                    plain.write(ScriptedEngine.record(byteArrayOf(1)) + ScriptedEngine.record("x".toByteArray()))
                    ours.readText(1) shouldBe "x"
                    plain.readText(9).substring(5) shouldBe "data"
                    plain.readIsAtEnd() shouldBe true
                }
            }
        }
    }

    test("keys that are updated while the connection is closed take nothing from the peer") {
        val libc = HeldLibC()
        val tls = CountedEngines.of(Role.SERVER, EngineFlavour.JDK).tls(Role.SERVER, "TLSv1.3")
        TestReactor(libc).use { reactor ->
            TestReactor().use { elsewhere ->
                fun pair() = reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).handshake(tls)
                for (kept in listOf(false, true)) pair().use { pair ->
                    pair.peer.write("x")
                    pair.ours.readText(1)
                    val update = pair.peer.keyUpdate()
                    if (kept) { // data and close_notify stay here, and the update comes before they go
                        libc.sends = { 0 }
                        pair.connection.startWrite(ByteBuffer.wrap("data".toByteArray())) shouldBe Descriptor.PARK
                        pair.connection.abandon(Direction.WRITE)
                        pair.connection.close()
                        reactor.onLoop { // which looks afterwards
                            pair.peer.plain.write(update)
                            libc.sends = { it }
                        }
                    } else { // the update comes when what had come before has been looked at: close_notify is being sent
                        pair.ours.write("data")
                        val closing = AtomicBoolean(true)
                        libc.sends = { length ->
                            if (closing.getAndSet(false)) pair.peer.plain.write(update)
                            length
                        }
                        pair.connection.close()
                        closing.get() shouldBe false
                    }
                    pair.peer.readText(4) shouldBe "data"
                    pair.peer.readsEnd() shouldBe true
                    withClue("kept: $kept") { shouldThrow<EOFException> { pair.peer.receive() } } // and no reset
                }
            }
        }
    }

    test("a peer that does not read does not hold up close") {
        val engines = CountedEngines.of(Role.SERVER, EngineFlavour.JDK)
        TestReactor().use { reactor ->
            reactor.oursAndPeer(Role.SERVER, "TLSv1.3").handshake(engines.tls(Role.SERVER, "TLSv1.3")).use { pair ->
                val source = ByteBuffer.allocate(1 shl 26)
                while (pair.connection.startWrite(source) != Descriptor.PARK) check(source.hasRemaining())
                pair.connection.abandon(Direction.WRITE)
                pair.connection.close()
                engines.shouldBeBack()
            }
        }
    }

    test("whoever watches the peer is told of close_notify as of any other end") {
        TestReactor().use { reactor ->
            reactor.oursAndPeer(Role.SERVER, "TLSv1.3").handshake(CountedEngines.of(Role.SERVER, EngineFlavour.JDK).tls(Role.SERVER, "TLSv1.3")).use { pair ->
                val told = CompletableFuture<PeerState>()
                pair.connection.watchPeer(PeerState.HALF_CLOSED) { told.complete(it) }.use {
                    pair.connection.peerState() shouldBe PeerState.PRESENT
                    pair.peer.end()
                    pair.ours.readIsAtEnd() shouldBe true
                    pair.connection.peerState() shouldBe PeerState.HALF_CLOSED
                    pair.connection.isReset shouldBe false
                    told.result() shouldBe PeerState.HALF_CLOSED
                }
            }
        }
    }
})
