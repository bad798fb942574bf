package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.OursAndPeer
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.oursAndPeer
import java.nio.ByteBuffer

/** A C library whose next send throws, as bindings do that find no memory. */
private class NextSendThrows(private val real: LibC = Bindings.best) : LibC by real {
    @Volatile
    var throwing = false

    override fun send(fd: Int, address: Long, length: Long, flags: Int): Long {
        if (throwing) {
            throwing = false
            throw OutOfMemoryError("injected")
        }
        return real.send(fd, address, length, flags)
    }
}

/** A system call that throws in the midst of sending records: those are kept, and sent later. Nothing is missing for the peer. */
class ThrowingSocketSpec : NetparkSpec(body = {

    fun withPair(
        flavours: List<EngineFlavour> = EngineFlavour.available(),
        body: (TestReactor, NextSendThrows, OursAndPeer) -> Unit,
    ) {
        for (flavour in flavours) {
            val libc = NextSendThrows()
            TestReactor(libc).use { reactor ->
                TestReactor().use { elsewhere ->
                    reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).handshake(TlsEnds.server(flavour, "TLSv1.3")).use { pair ->
                        pair.peer.write("ready")
                        pair.ours.readText(5) shouldBe "ready"
                        body(reactor, libc, pair)
                    }
                }
            }
        }
    }

    fun OursAndPeer.writeThrows() = shouldThrow<OutOfMemoryError> { connection.startWrite(ByteBuffer.wrap("one".toByteArray())) }

    test("records of a write, on the loop and on other threads") {
        withPair { reactor, libc, pair ->
            libc.throwing = true
            pair.writeThrows()
            pair.peer.readText(3) shouldBe "one"
            libc.throwing = true
            reactor.onLoop { pair.writeThrows() }
            pair.peer.readText(3) shouldBe "one" // though nobody writes
            pair.ours.write("two")
            pair.peer.readText(3) shouldBe "two"
        }
    }

    test("close_notify, and what is in front of it") {
        withPair { reactor, libc, pair ->
            pair.ours.write("one")
            libc.throwing = true
            reactor.onLoop { shouldThrow<OutOfMemoryError> { pair.connection.shutdownOutput() } }
            pair.peer.isEndedInOrder() shouldBe true
            pair.peer.readText(3) shouldBe "one"
        }
    }

    test("an answer that a record wants") {
        withPair(listOf(EngineFlavour.JDK)) { _, libc, pair -> // others keep such an answer until they have data
            libc.throwing = true
            pair.peer.plain.write(pair.peer.keyUpdate())
            shouldThrow<OutOfMemoryError> { pair.ours.readText(1) }
            pair.ours.write("one")
            pair.peer.readText(3) shouldBe "one"
        }
    }
})
