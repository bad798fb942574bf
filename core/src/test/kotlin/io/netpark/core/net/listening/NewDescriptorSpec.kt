package io.netpark.core.net.listening

import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Connecting
import io.netpark.core.net.files.OpenFile
import io.netpark.core.net.messages.MessageDescriptor
import io.netpark.core.net.messages.MessageListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.poll.Poller
import io.netpark.core.sys.LibC
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.Pipe
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Family
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.Sabotage
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.loopback
import io.netpark.core.testing.openDescriptorTargets
import io.netpark.core.testing.openDescriptorsOf
import io.netpark.core.testing.temporaryPath
import java.nio.ByteBuffer
import kotlin.io.path.writeText

/** A descriptor that the kernel has given is closed, whatever fails before somebody owns it. */
class NewDescriptorSpec : NetparkSpec(body = {
    val error = OutOfMemoryError("injected")

    /** Has each call fail in turn that [open] makes, until there is none left; what is open is as before each time. */
    fun walk(sabotage: Sabotage, opened: () -> Any = { openDescriptorTargets() }, open: () -> AutoCloseable) {
        val before = opened()
        var call = 0
        do {
            sabotage.arm(++call, error)
            val outcome = runCatching(open)
            sabotage.disarm()
            withClue("call $call: $outcome") {
                if (sabotage.hit) outcome.exceptionOrNull() shouldBeSameInstanceAs error else outcome.getOrThrow().close()
                opened() shouldBe before
            }
        } while (sabotage.hit)
        call shouldBeGreaterThan 1
    }

    fun walkOnLoop(open: (TestReactor) -> AutoCloseable) {
        val sabotage = Sabotage()
        TestReactor(sabotage.libc).use { reactor -> walk(sabotage) { open(reactor) } }
    }

    test("listening") {
        walkOnLoop { ListenerDescriptor.listen(it.group, loopback(), NetOptions.DEFAULT) }
        walkOnLoop { MessageListenerDescriptor.listen(it.group, Family.ABSTRACT.freshAddress(), NetOptions.DEFAULT) }
    }

    test("listening on a path") {
        walkOnLoop { ListenerDescriptor.listen(it.group, UnixAddress.path(temporaryPath()), NetOptions.DEFAULT) }
    }

    test("adopting and duplicating a listener") {
        TestReactor().use { others ->
            others.listen().use { listener ->
                walkOnLoop { reactor ->
                    listener.listener.duplicate().let { duplicate ->
                        try {
                            ListenerDescriptor.adopt(reactor.group, duplicate, NetOptions.DEFAULT, null)
                        } finally {
                            duplicate.close() // unless it was adopted
                        }
                    }
                }
            }
        }
        val sabotage = Sabotage()
        TestReactor(sabotage.libc).use { reactor ->
            reactor.listen().use { listener -> walk(sabotage) { listener.listener.duplicate() } }
        }
    }

    test("binding and connecting sockets of messages") {
        walkOnLoop { MessageDescriptor.bind(it.loop, loopback(), NetOptions.DEFAULT) }
        TestReactor().use { others ->
            MessageDescriptor.bind(others.loop, loopback(), NetOptions.DEFAULT).use { peer ->
                walkOnLoop { MessageDescriptor.dial(it.loop, peer.localAddress(), NetOptions.DEFAULT) }
            }
            MessageListenerDescriptor.listen(others.group, Family.ABSTRACT.freshAddress(), NetOptions.DEFAULT).use { peer ->
                walkOnLoop { MessageDescriptor.dialPackets(it.loop, peer.localAddress(), NetOptions.DEFAULT) }
            }
        }
    }

    test("connecting") {
        TestReactor().use { others ->
            others.listen().use { listener ->
                walkOnLoop { Connecting.begin(it.loop, listener.address, NetOptions.DEFAULT) }
                walkOnLoop { Connecting.begin(it.loop, listener.address, NetOptions.DEFAULT, loopback()) }
            }
        }
    }

    test("a pair of connections") {
        walkOnLoop { ConnectionDescriptor.pair(it.loop, it.loop) }
    }

    test("opening files and pipes") {
        val file = tempdir().toPath().resolve("file").also { it.writeText("abc") }
        val sabotage = Sabotage()
        walk(sabotage, { openDescriptorsOf(file) }) { OpenFile.open(file, sabotage.libc) }
        walk(sabotage) { Pipe.open(sabotage.libc)!! }
    }

    test("opening pollers and groups") {
        for (factory in listOf(Poller.EPOLL, Poller.POLL)) {
            fun opening(libc: LibC) = EventLoopGroup.builder().loops(2).daemon(true).libc(libc).pollers(factory).open()
            val sabotage = Sabotage()
            walk(sabotage) { opening(sabotage.libc) }
        }
    }

    test("descriptors that come with a message are its receiver's or closed") {
        TestReactor().use { reactor ->
            val address = Family.ABSTRACT.freshAddress()
            MessageDescriptor.bind(reactor.loop, address, NetOptions.DEFAULT).use { socket ->
                Pipe.open(reactor.libc)!!.use { pipe ->
                    val fd = Pipe::class.java.getDeclaredField("in").apply { isAccessible = true }.getInt(pipe).let(OpenDescriptor::of)
                    val before = openDescriptorTargets().size
                    PassedDescriptors(1).use { passed ->
                        socket.startSend(ByteBuffer.wrap("abc".toByteArray()), address, fd, fd, fd) shouldBe 0
                        socket.startReceive(ByteBuffer.allocate(3), null, passed) shouldBe 3
                        passed.count() shouldBe 1
                        passed.surplus() shouldBe 2
                        openDescriptorTargets().size shouldBe before + 1
                    }
                    openDescriptorTargets().size shouldBe before
                    socket.startReceive(ByteBuffer.allocate(3), null, null) shouldBe Descriptor.PARK
                    socket.abandon(Direction.READ)
                }
            }
        }
    }
})
