package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.CountedEngines
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.OursAndPeer
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.shouldKeepNoMemory
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock
import kotlin.time.Duration.Companion.minutes

/** One cut a connection; otherwise each connection has one every [STRIDE] bytes, which takes some minutes less. */
private val EVERY = System.getProperty("netpark.tls.every").toBoolean()

private const val STRIDE = 16

/** Tells of what sockets give. */
private class ToldReceives(private val real: LibC = Bindings.best) : LibC by real {
    private val lock = ReentrantLock()
    private val more = lock.newCondition()
    private var received = 0L

    override fun recv(fd: Int, address: Long, length: Long, flags: Int): Long =
        real.recv(fd, address, length, flags).also {
            if (it > 0) lock.withLock {
                received += it
                more.signalAll()
            }
        }

    fun await(count: Long) = lock.withLock {
        var left = SOON.inWholeNanoseconds
        while (received < count) {
            check(left > 0) { "$received of $count bytes are received" }
            left = more.awaitNanos(left)
        }
    }

    fun forget() = lock.withLock { received = 0 }
}

/**
 * Records that come in two parts, or in more, the next of which is sent when our side has received all before it and waits. All that a
 * peer sends is cut, at every byte: the flights of its handshake, tickets, data, an update of keys, close_notify, an alert.
 */
class CutRecordsSpec : NetparkSpec(body = {
    for (protocol in EngineFlavour.PROTOCOLS) for (flavour in EngineFlavour.available()) for (role in Role.entries) {

        /** Has [talk] once for each place of a cut within [stride] bytes. Whatever the peer sends is cut there, and [stride] bytes later. */
        fun inParts(stride: Int, alsoHandshakes: Boolean, talk: OursAndPeer.() -> Unit) {
            val libc = ToldReceives()
            val engines = CountedEngines.of(role, flavour)
            val tls = engines.tls(role, protocol)
            var longest = 0
            var cuts = 0
            shouldKeepNoMemory {
                TestReactor(libc).use { reactor ->
                    TestReactor().use { elsewhere ->
                        var place = 0
                        do {
                            libc.forget()
                            reactor.oursAndPeer(role, protocol, elsewhere).begin(tls).use { pair ->
                                var isCutting = alsoHandshakes
                                var sent = 0L
                                pair.peer.send = { bytes ->
                                    val ends = (1 until bytes.size).filter { isCutting && it % stride == place } + bytes.size
                                    if (isCutting) longest = maxOf(longest, bytes.size)
                                    cuts += ends.size - 1
                                    var from = 0
                                    for (end in ends) {
                                        pair.peer.plain.write(bytes.copyOfRange(from, end))
                                        sent += end - from
                                        from = end
                                        libc.await(sent)
                                    }
                                }
                                withClue("cut at $place, $stride bytes apart") {
                                    // It waits from the beginning on, also for what is no data.
                                    val reading = async { pair.ours.readText(4) }
                                    pair.peer.handshake()
                                    isCutting = true
                                    reading.isDone shouldBe false
                                    pair.peer.write("data")
                                    reading.result() shouldBe "data"
                                    pair.talk()
                                }
                            }
                        } while (++place < minOf(stride, longest))
                    }
                }
            }
            cuts shouldBeGreaterThan longest // each place but the ends, of each of several records
            engines.shouldBeBack()
        }

        test("all that a peer says, from its handshake to its end, is read however it is cut: $flavour as $role, $protocol").config(timeout = 20.minutes) {
            inParts(if (EVERY) Int.MAX_VALUE else STRIDE, alsoHandshakes = true) {
                ours.write("answer")
                peer.readText(6) shouldBe "answer"
                val more = async { ours.readText(4) }
                if (protocol == "TLSv1.3") peer.send(peer.keyUpdate())
                more.isDone shouldBe false
                peer.write("more")
                more.result() shouldBe "more"
                ours.write("yes") // by the keys that the update has asked for
                peer.readText(3) shouldBe "yes"
                val end = async { ours.readIsAtEnd() }
                peer.end()
                end.result() shouldBe true
            }
        }

        test("an alert is understood however it is cut: $flavour as $role, $protocol") {
            inParts(STRIDE, alsoHandshakes = false) {
                val reading = async { shouldThrow<NetparkException.TlsFailure> { ours.readText(1) } }
                peer.sendAlert()
                reading.result()
            }
        }
    }
})
