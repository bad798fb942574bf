package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Attendant
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.zerocopy.ZeroCopy
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.Transport
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.lang.ref.WeakReference
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private val LONG = 20.seconds.inWholeNanoseconds
private const val MUCH = 1L shl 30

private fun attended(connection: ConnectionDescriptor): WeakReference<Attendant> {
    val attendant = object : Attendant {
        override fun pendingOutput() = 0L
        override fun handler() = null
    }
    connection.setAttendant(attendant)
    return WeakReference(attendant)
}

class LingeringCloseSpec : NetparkSpec(body = {

    /** What is watched, when all that is left is what lingers. */
    fun TestReactor.descriptors() = group.loops().sumOf { it.descriptors() }

    for (flavour in Flavour.all) for (transport in Transport.entries) {
        test("$flavour $transport: an answer arrives though the peer goes on sending for a while, and then everything is closed") {
            TestReactor(flavour, loops = 2).use { reactor ->
                transport.pair(reactor).use { peer, server ->
                    peer.write("unread ".repeat(1000))
                    server.readText(6) shouldBe "unread"
                    val answer = "answer ".repeat(1000)
                    server.write(answer)
                    server.connection.closeLingering(MUCH, LONG)
                    server.connection.isClosed shouldBe true
                    shouldThrow<NetparkException.Closed> { server.write("more") }
                    repeat(20) { peer.write("and more ".repeat(1000)) }
                    peer.readText(answer.length) shouldBe answer
                    peer.readIsAtEnd() shouldBe true
                    reactor.descriptors() shouldBe 2
                    peer.connection.shutdownOutput()
                    eventually { reactor.descriptors() shouldBe 1 }
                    peer.connection.isReset() shouldBe false
                }
            }
        }

        test("$flavour $transport: bytes and time have a limit") {
            TestReactor(flavour, loops = 2).use { reactor ->
                transport.pair(reactor).use { peer, server ->
                    server.connection.closeLingering(100_000, LONG)
                    shouldThrow<NetparkException.Reset> { while (true) peer.write("too much ".repeat(1000)) }
                    eventually { reactor.descriptors() shouldBe 1 }
                }
                transport.pair(reactor).use { _, server ->
                    server.connection.closeLingering(MUCH, 20.milliseconds.inWholeNanoseconds)
                    eventually { reactor.descriptors() shouldBe 1 }
                }
            }
        }
    }

    test("a peer that has ended already is waited for no more, nor one that has been reset") {
        TestReactor().use { reactor ->
            reactor.pair().use { peer, server ->
                peer.connection.shutdownOutput()
                server.readIsAtEnd() shouldBe true
                server.connection.closeLingering(MUCH, LONG)
                reactor.descriptors() shouldBe 1
                peer.readIsAtEnd() shouldBe true
            }
            reactor.pair().use { _, server ->
                server.connection.closeLingering(MUCH, LONG)
                server.connection.reset()
                server.close()
                server.connection.closeLingering(0, 0)
                reactor.descriptors() shouldBe 2
            }
            eventually { reactor.descriptors() shouldBe 0 }
        }
    }

    test("what lingers does not keep what an adapter knew of the connection: its handler, its buffers") {
        TestReactor(loops = 2).use { reactor ->
            reactor.pair().use { _, server ->
                val attendant = attended(server.connection)
                server.connection.closeLingering(MUCH, LONG)
                reactor.descriptors() shouldBe 2
                eventually {
                    System.gc()
                    attendant.get() shouldBe null
                }
                reactor.descriptors() shouldBe 2
                server.connection.isClosed shouldBe true // so it is reachable, all the time
            }
        }
    }

    test("it ends with its group") {
        TestReactor(loops = 2).use { reactor ->
            reactor.pair().use { _, server ->
                server.connection.closeLingering(MUCH, LONG)
                reactor.descriptors() shouldBe 2
            }
        }
    }

    test("the peer's place among those admitted is free when nothing of the connection is left") {
        val admission = Admission.of(1, Admission.Excess.REFUSE)
        TestReactor().use { reactor ->
            reactor.listen(admission = admission).use { listener ->
                reactor.connect(listener.address).use { peer ->
                    listener.accept().connection.closeLingering(MUCH, LONG)
                    reactor.descriptors() shouldBe 3
                    admission.open() shouldBe 1
                    peer.connection.shutdownOutput()
                    eventually { admission.open() shouldBe 0 }
                }
            }
        }
    }

    test("notices of what was on loan when it was closed do not keep its loop busy") {
        val calls = CallCounter()
        TestReactor(calls.libc, loops = 2).use { reactor ->
            reactor.pair().use { peer, server ->
                server.connection.setZeroCopy(ZeroCopy.from(4096).withPatience(Int.MAX_VALUE))
                server.connection.loop().submit { // which so has no time to take notices
                    LinkBuffer(SegmentPool.shared()).use { answer ->
                        answer.put(ByteArray(20_000), 0, 20_000)
                        server.connection.startWrite(answer) shouldBe 0
                    }
                    server.connection.closeLingering(MUCH, LONG)
                }.result()
                peer.readFully(20_000)
                eventually(5.seconds) {
                    val before = calls.waits
                    Thread.sleep(20)
                    calls.waits - before shouldBeLessThan 5
                }
                reactor.descriptors() shouldBe 2
            }
        }
    }
})
