package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.report.Handshakes
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.CountedEngines
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.OursAndPeer
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.TlsPeer
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.peerEngine
import io.netpark.core.testing.tls.shouldKeepNoMemory
import io.netpark.core.testing.tls.tls
import java.io.EOFException
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.Executor
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** Every byte count, with every engine: some minutes. */
private val EVERY = System.getProperty("netpark.tls.every").toBoolean()

private class CutOff : Exception("so much and no more")

/** Of what goes out, only the first [count] bytes do. */
private fun TlsPeer.sendOnly(count: Int) {
    var left = count
    send = { bytes ->
        val part = minOf(left, bytes.size)
        left -= part
        if (part > 0) plain.write(bytes.copyOf(part))
        if (part < bytes.size) throw CutOff()
    }
}

private fun TestReactor.handshakes(): Handshakes = group.snapshot().total().handshakes()

/** How handshakes end that do not end well: early, late, or by a word of the peer. */
class HandshakeEndsSpec : NetparkSpec(body = {
    val flavours = EngineFlavour.available()

    /** How many bytes the peer sends up to the end of its handshake, and where its records begin. */
    fun bytesOfPeer(reactor: TestReactor, role: Role, protocol: String): Pair<Int, List<Int>> {
        val borders = mutableListOf<Int>()
        var count = 0
        reactor.oursAndPeer(role, protocol).use { pair ->
            pair.peer.send = { bytes ->
                var at = 0
                while (at < bytes.size) {
                    borders += count + at
                    at += 5 + (bytes[at + 3].toInt() and 0xFF) * 256 + (bytes[at + 4].toInt() and 0xFF)
                }
                count += bytes.size
                pair.peer.plain.write(bytes)
            }
            pair.handshake(role.tls(EngineFlavour.JDK, protocol))
        }
        return count to borders
    }

    for (role in Role.entries) for (protocol in EngineFlavour.PROTOCOLS) for (flavour in flavours) {
        test("a peer that leaves after any number of bytes of its handshake, in order or not: $flavour as $role, $protocol").config(timeout = 20.minutes) {
            TestReactor(loops = 1) { metrics(true) }.use { reactor ->
                val engines = CountedEngines.of(role, flavour)
                val tls = engines.tls(role, protocol)
                val (count, borders) = bytesOfPeer(reactor, role, protocol)
                val before = reactor.handshakes()
                val stride = if (EVERY) 1 else if (flavour == EngineFlavour.JDK) 101 else 401
                val cuts = (0 until count).filter { at -> at % stride == 0 || borders.any { at - it in -1..1 } || count - at < 3 }
                shouldKeepNoMemory {
                    for (cut in cuts) for (abruptly in listOf(false, true)) {
                        reactor.oursAndPeer(role, protocol).begin(tls).use { pair ->
                            pair.peer.sendOnly(cut)
                            try {
                                pair.peer.handshake()
                            } catch (_: CutOff) {
                            }
                            if (abruptly) pair.peer.plain.connection.reset() else pair.peer.plain.connection.shutdownOutput()
                            withClue("after $cut of $count bytes, ${if (abruptly) "RST" else "FIN"}") {
                                when (val failure = runCatching { pair.ours.awaitTls() }.exceptionOrNull()) {
                                    null -> runCatching { pair.ours.readAll() }.exceptionOrNull().let { it is NetparkException.Truncated || it is NetparkException.Reset } shouldBe true
                                    is NetparkException.TlsFailure -> failure.fault() shouldBe TlsFault.ENDED
                                    else -> (failure is NetparkException.Reset) shouldBe abruptly
                                }
                            }
                        }
                    }
                }
                eventually {
                    val after = reactor.handshakes()
                    after.failed(TlsFault.ENDED) - before.failed(TlsFault.ENDED) + after.finished() - before.finished() shouldBe cuts.size * 2L
                }
                reactor.handshakes().failed().keys shouldBe setOf(TlsFault.ENDED)
                engines.shouldBeBack()
            }
        }
    }

    for (role in Role.entries) for (protocol in EngineFlavour.PROTOCOLS) for (flavour in flavours) {
        test("a connection of ours that is closed or reset at any step of the handshake: $flavour as $role, $protocol") {
            TestReactor { metrics(true) }.use { reactor ->
                val engines = CountedEngines.of(role, flavour)
                val tls = engines.tls(role, protocol)
                shouldKeepNoMemory {
                    for (abruptly in listOf(false, true)) {
                        var step = 0
                        var over = false
                        while (!over) {
                            step++
                            reactor.oursAndPeer(role, protocol).begin(tls).use { pair ->
                                var steps = 0
                                pair.peer.send = {
                                    pair.peer.plain.write(it)
                                    if (++steps == step) if (abruptly) pair.connection.reset() else pair.connection.close()
                                }
                                val waiting = async { pair.ours.awaitTls() }
                                val peer = runCatching { pair.peer.handshake() }
                                val ours = runCatching { waiting.result() }
                                over = steps < step
                                withClue("step $step, $peer, $ours") {
                                    if (over) {
                                        peer.getOrThrow()
                                        ours.getOrThrow()
                                    } else {
                                        (ours.isSuccess || ours.exceptionOrNull() is NetparkException.Closed) shouldBe true
                                        (peer.isSuccess || peer.exceptionOrNull() is EOFException || peer.exceptionOrNull() is NetparkException.Reset) shouldBe true
                                    }
                                }
                            }
                        }
                    }
                }
                engines.shouldBeBack()
                reactor.handshakes().failed().values.sum() shouldBe 0 // what is closed here is no failure
            }
        }
    }

    class HeldTasks : Executor {
        val held = ConcurrentLinkedQueue<Runnable>()

        override fun execute(task: Runnable) {
            held += task
        }

        fun next(): Runnable {
            eventually { check(held.isNotEmpty()) }
            return held.remove()
        }
    }

    for (end in listOf("close", "reset", "the peer's FIN", "the peer's RST", "the time limit", "shutdownOutput", "the end of the loop")) {
        test("while a task waits for its thread: $end") {
            val clock = HandMovedClock()
            val tasks = HeldTasks()
            val reactor = TestReactor { clock(clock) }
            reactor.use {
                TestReactor().use { elsewhere ->
                    val engines = CountedEngines.of(Role.SERVER, EngineFlavour.JDK)
                    val tls = engines.tls(Role.SERVER, "TLSv1.3") { taskExecutor(tasks) }
                    reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).begin(tls).use { pair ->
                        val waiting = async { pair.ours.awaitTls() }
                        val peer = async { pair.peer.handshake() }
                        val task = tasks.next()
                        eventually { check(pair.connection.parked() == 1) }
                        when (end) {
                            "close" -> pair.connection.close()
                            "reset" -> pair.connection.reset()
                            "the peer's FIN" -> pair.peer.plain.connection.shutdownOutput()
                            "the peer's RST" -> pair.peer.plain.connection.reset()
                            "the time limit" -> clock.move(11.seconds, reactor.group)
                            "shutdownOutput" -> pair.connection.shutdownOutput()
                            else -> reactor.group.close()
                        }
                        reactor.settle(end)
                        val closes = end in setOf("close", "reset", "the time limit", "the end of the loop")
                        if (closes) waiting.failure()
                        if (closes) engines.shouldBeBack() else engines.isBack() shouldBe false
                        task.run()
                        while (!waiting.isDone) tasks.held.poll()?.run() ?: Thread.sleep(1)
                        when (end) {
                            "the time limit" -> (waiting.failure() as NetparkException.TimedOut).timeout() shouldBe NetparkException.Timeout.HANDSHAKE
                            "the peer's FIN", "the peer's RST" -> (waiting.failure() is NetparkException) shouldBe true
                            "shutdownOutput" -> {
                                waiting.result()
                                peer.result().readsEnd() shouldBe true
                                pair.peer.write("still read")
                                pair.ours.readText(10) shouldBe "still read"
                            }
                            else -> (waiting.failure() is NetparkException.Closed) shouldBe true
                        }
                        runCatching { peer.result() }
                    }
                    engines.shouldBeBack()
                }
            }
        }
    }

    // Time

    test("a handshake that trickles for ever, and one that never begins, end when their time is over, and are counted") {
        val clock = HandMovedClock()
        TestReactor {
            clock(clock)
            metrics(true)
        }.use { reactor ->
            TestReactor().use { elsewhere ->
                val tls = CountedEngines.of(Role.SERVER, EngineFlavour.JDK).tls(Role.SERVER, "TLSv1.3") { handshakeTimeout(Duration.ofSeconds(5)) }
                val trickling = reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).begin(tls)
                val silent = reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).begin(tls)
                trickling.use {
                    silent.use {
                        val waiting = listOf(trickling, silent).map { async { it.ours.awaitTls() } }
                        repeat(49) {
                            trickling.peer.plain.write(byteArrayOf(if (it == 0) 22 else 3)) // the beginning of a long record
                            clock.move(100.milliseconds, reactor.group)
                            reactor.onLoop {}
                        }
                        reactor.handshakes().timedOut() shouldBe 0
                        waiting.any { it.isDone } shouldBe false
                        clock.move(200.milliseconds, reactor.group)
                        for (each in waiting) {
                            val failure = each.failure() as NetparkException.TimedOut
                            failure.timeout() shouldBe NetparkException.Timeout.HANDSHAKE
                            failure.message shouldContain "not finished within 5000 ms"
                        }
                        eventually { reactor.handshakes().timedOut() shouldBe 2 }
                        trickling.peer.plain.readAll()
                        silent.peer.plain.readAll()
                    }
                }
            }
        }
    }

    test("a handshake that has no end of records is given up, long before its time is over") {
        TestReactor().use { reactor ->
            reactor.oursAndPeer(Role.SERVER, "TLSv1.3").begin(Role.SERVER.tls(EngineFlavour.JDK, "TLSv1.3")).use { pair ->
                val waiting = async { pair.ours.awaitTls() }
                // Records of change_cipher_spec, which TLS 1.3 allows in between and ignores.
                val records = ByteArray(6 * 1000) { byteArrayOf(20, 3, 3, 0, 1, 1)[it % 6] }
                runCatching { repeat(1000) { pair.peer.plain.write(records) } }
                (waiting.failure() is NetparkException.TlsFailure) shouldBe true
            }
        }
    }

    for (role in Role.entries) for (protocol in EngineFlavour.PROTOCOLS) for (flavour in flavours) {
        test("a header that announces more than a record may have is refused, and the rest is not waited for: $flavour as $role, $protocol") {
            fun header(type: Int) = byteArrayOf(type.toByte(), 3, 3, -1, -1)
            TestReactor().use { reactor ->
                reactor.oursAndPeer(role, protocol).begin(role.tls(flavour, protocol)).use { pair ->
                    pair.peer.plain.write(header(22))
                    shouldThrow<NetparkException.TlsFailure> { pair.ours.awaitTls() }
                }
                reactor.oursAndPeer(role, protocol).handshake(role.tls(flavour, protocol)).use { pair ->
                    pair.peer.write("data")
                    pair.peer.plain.write(header(23))
                    pair.ours.readText(4) shouldBe "data"
                    shouldThrow<NetparkException.TlsFailure> { pair.ours.readText(1) }
                }
            }
        }
    }

    // Alerts

    val alerts = mapOf(40 to TlsFault.NO_COMMON_CIPHER, 48 to TlsFault.CERTIFICATE_REFUSED, 70 to TlsFault.NO_COMMON_PROTOCOL, 80 to TlsFault.ALERT, 90 to TlsFault.ENDED, 0 to TlsFault.ENDED)
    for (role in Role.entries) for (protocol in EngineFlavour.PROTOCOLS) for (flavour in flavours) {
        test("an alert in the handshake is told as what it is: $flavour as $role, $protocol") {
            TestReactor().use { reactor ->
                for ((alert, fault) in alerts) for (fatal in listOf(true, false)) {
                    if (fatal == (alert == 0 || alert == 90) || !fatal && alert != 0) continue
                    reactor.oursAndPeer(role, protocol).begin(role.tls(flavour, protocol)).use { pair ->
                        if (role == Role.CLIENT) pair.peer.receive()
                        pair.peer.plain.write(byteArrayOf(21, 3, 3, 0, 2, if (fatal) 2 else 1, alert.toByte()))
                        withClue("alert $alert, $fatal") {
                            val failure = shouldThrow<NetparkException.TlsFailure> { pair.ours.awaitTls() }
                            withClue(failure) { failure.fault() shouldBe fault }
                        }
                    }
                }
            }
        }

        test("an alert behind the handshake ends the connection, once the data in front of it is read: $flavour as $role, $protocol") {
            TestReactor().use { reactor ->
                reactor.oursAndPeer(role, protocol).handshake(role.tls(flavour, protocol)).use { pair ->
                    pair.peer.write("last words")
                    pair.peer.sendAlert()
                    pair.ours.readText(10) shouldBe "last words"
                    repeat(2) { shouldThrow<NetparkException.TlsFailure> { pair.ours.readText(1) } }
                    shouldThrow<NetparkException> { pair.ours.write("x") }
                }
            }
        }
    }

    // What is ended in the handshake

    for (role in Role.entries) for (protocol in EngineFlavour.PROTOCOLS) for (flavour in flavours) {
        test("an output that is ended in the handshake ends behind it, and reading goes on: $flavour as $role, $protocol") {
            TestReactor().use { reactor ->
                reactor.oursAndPeer(role, protocol).begin(role.tls(flavour, protocol)).use { pair ->
                    pair.connection.shutdownOutput()
                    pair.connection.shutdownOutput()
                    pair.peer.handshake()
                    pair.ours.awaitTls()
                    shouldThrow<NetparkException.Reset> { pair.ours.write("x") }
                    if (protocol == "TLSv1.3") {
                        pair.peer.readsEnd() shouldBe true
                        shouldThrow<EOFException> { pair.peer.receive() } // the socket's end follows
                    }
                    pair.peer.write("still read")
                    pair.ours.readText(10) shouldBe "still read"
                    if (protocol == "TLSv1.2") pair.peer.readsEnd() shouldBe true
                    pair.peer.end()
                    pair.ours.readIsAtEnd() shouldBe true
                }
            }
        }
    }
})

/** The loop has seen what there is. */
private fun TestReactor.settle(end: String) {
    if (end != "the end of the loop") repeat(3) { onLoop {} }
}
