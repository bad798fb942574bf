package io.netpark.core.net.secure

import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import io.netpark.core.testing.HeldLibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.PollerKind
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.OursAndPeer
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.oursAndPeer
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds

/** What waits is woken when there is something for it, whoever has come first; and nothing that has come is overlooked. */
class SecureWakeupSpec : NetparkSpec(body = {
    val server = TlsEnds.server(EngineFlavour.JDK, "TLSv1.3")

    test("a watch finds plaintext for which an earlier read had no room") {
        TestReactor().use { reactor ->
            reactor.oursAndPeer(Role.SERVER, "TLSv1.3").handshake(server).use { pair ->
                pair.settle()
                val reading = async { pair.ours.readText(4) }
                eventually { check(pair.connection.parked() == 1) }
                pair.peer.write("question")
                reading.result() shouldBe "ques"
                pair.connection.startWatch() shouldBe 1
                pair.connection.peekInput() shouldBe 1
                pair.ours.readText(4) shouldBe "tion"
                pair.connection.startWatch() shouldBe Descriptor.PARK
                pair.connection.abandon(Direction.READ)
            }
        }
    }

    test("a look at the input asks the kernel, also when the loop has not told yet that something has come") {
        TestReactor().use { reactor ->
            TestReactor().use { elsewhere ->
                reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).handshake(server).use { pair ->
                    val reading = async { pair.ours.readText(3) }
                    eventually { check(pair.connection.parked() == 1) }
                    pair.peer.write("one")
                    reading.result() shouldBe "one"
                    reactor.onLoop {
                        pair.peer.write("two") // the loop is busy here
                        eventually { pair.connection.peekInput() shouldBe 1 }
                    }
                    pair.ours.readText(3) shouldBe "two"
                }
            }
        }
    }

    test("a reader that waits until the peer takes answers goes on, also if it is a write that gets rid of them") {
        val libc = HeldLibC()
        TestReactor(libc).use { reactor ->
            TestReactor().use { elsewhere ->
                reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).handshake(server).use { pair ->
                    libc.sends = { 0 }
                    val sending = async { repeat(4000) { pair.peer.plain.write(pair.peer.keyUpdate()) } }
                    eventually { check(pair.isStalled(libc)) }
                    sending.result()
                    pair.peer.write("data")
                    val reading = async { pair.ours.readText(4) }
                    eventually { check(pair.connection.parked() == 1) }
                    repeat(2) { reactor.onLoop {} } // nor has the loop anything to do
                    libc.sends = { it }
                    pair.ours.write("more")
                    reading.result() shouldBe "data"
                    pair.peer.readText(4) shouldBe "more"
                }
            }
        }
    }

    for (protocol in EngineFlavour.PROTOCOLS) {
        test("an output that is ended while another thread writes ends by close_notify: $protocol") {
            TestReactor(loops = 2).use { reactor ->
                val tls = TlsEnds.server(EngineFlavour.JDK, protocol)
                var pair = reactor.oursAndPeer(Role.SERVER, protocol)
                race(
                    300,
                    { _ -> runCatching { pair.ours.write("x") } },
                    { _ -> pair.connection.shutdownOutput() },
                    atMost = 500.milliseconds,
                    beforeEach = { pair = reactor.oursAndPeer(Role.SERVER, protocol).handshake(tls) },
                    afterEach = { pair.use { it.peer.isEndedInOrder() shouldBe true } },
                )
                pair.close()
            }
        }
    }

    test("a handshake, and what it leaves, go on when a full socket has room, also where the poller tells only what it is asked for") {
        val libc = HeldLibC()
        TestReactor(libc, PollerKind.POLL.factory).use { reactor ->
            TestReactor().use { elsewhere ->
                reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).begin(server).use { pair ->
                    val calls = AtomicInteger()
                    libc.sends = { (calls.getAndIncrement() % 2).toLong() } // full, a byte, full, a byte
                    pair.peer.handshake()
                    pair.ours.awaitTls()
                    val writing = async { pair.ours.write("hello") }
                    pair.peer.readText(5) shouldBe "hello"
                    writing.result()
                }
            }
        }
    }
})

/** No readiness is remembered any more. */
private fun OursAndPeer.settle() {
    val waiter = Waiter {}
    while (true) {
        connection.startRead(ByteBuffer.allocate(10)) shouldBe Descriptor.PARK
        if (connection.park(Direction.READ, waiter)) break
        connection.abandon(Direction.READ)
    }
    connection.unpark(Direction.READ, waiter) shouldBe true
    connection.abandon(Direction.READ)
}

/** Whether its reads do not even ask the kernel, however often. */
private fun OursAndPeer.isStalled(libc: HeldLibC): Boolean {
    val before = libc.receptions
    repeat(3) {
        if (connection.startRead(ByteBuffer.allocate(10)) != Descriptor.PARK) return false
        connection.abandon(Direction.READ)
    }
    return libc.receptions == before
}
