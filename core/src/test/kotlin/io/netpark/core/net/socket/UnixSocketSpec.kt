package io.netpark.core.net.socket

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.messages.MessagePair
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.Outcome
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.await
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import java.net.SocketAddress
import java.net.StandardProtocolFamily
import java.net.UnixDomainSocketAddress
import java.nio.ByteBuffer
import java.nio.channels.ServerSocketChannel
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import java.util.concurrent.atomic.AtomicInteger
import kotlin.io.path.exists

private val NAMES = AtomicInteger()

/** Stream sockets of unix, over every binding and poller. */
class UnixSocketSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        val folder: Path = Files.createTempDirectory("netpark")
        afterSpec { folder.toFile().deleteRecursively() }

        fun path(): UnixAddress = UnixAddress.path(folder.resolve("${NAMES.incrementAndGet()}.sock"))

        fun address(kind: String) = when (kind) {
            "path" -> path()
            else -> UnixAddress.abstractName("netpark-test-${ProcessHandle.current().pid()}-${NAMES.incrementAndGet()}")
        }

        fun TestReactor.listenOn(address: SocketAddress) = ListenerDescriptor.listen(group, address, NetOptions.DEFAULT)

        fun TestReactor.acceptFrom(listener: ListenerDescriptor) = BlockingListener(listener).accept()

        context("$flavour") {
            suspend fun reactor(name: String, body: TestReactor.(Dialer) -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use { it.body(Dialer.of(it.group)) } }

            for (kind in listOf("path", "abstract name")) {
                reactor("bytes go both ways, and ends are seen, on a $kind") { dialer ->
                    val address = address(kind)
                    listenOn(address).use { listener ->
                        listener.localAddress() shouldBe address
                        shouldThrow<IllegalStateException> { listener.port() }.message!! shouldContain "no port"
                        BlockingConnection(dialer.await(address)).use { client ->
                            client.connection.remoteAddress() shouldBe address
                            acceptFrom(listener).use { server ->
                                server.connection.remoteAddress() shouldBe UnixAddress.UNNAMED
                                server.connection.localAddress() shouldBe address
                                client.write("question")
                                server.readText(8) shouldBe "question"
                                val big = ByteArray(1_000_000) { (it * 31).toByte() }
                                val writer = async { server.write(big) }
                                client.readFully(big.size).contentEquals(big) shouldBe true
                                writer.result()
                                client.connection.shutdownOutput()
                                server.readIsAtEnd() shouldBe true
                                server.write("late")
                                client.readText(4) shouldBe "late"
                            }
                            client.readIsAtEnd() shouldBe true
                        }
                    }
                }
            }

            reactor("who is at the other end") { dialer ->
                val address = path()
                listenOn(address).use { listener ->
                    dialer.await(address).use { client ->
                        acceptFrom(listener).use { server ->
                            val me = ProcessHandle.current().pid().toInt()
                            server.connection.peerCredentials().processId() shouldBe me
                            client.peerCredentials().processId() shouldBe me
                            client.peerCredentials().userId() shouldBe Files.getAttribute(Path.of("/proc/self"), "unix:uid") as Int
                        }
                    }
                }
                listen().use { listener ->
                    connect(listener.address).use { client ->
                        shouldThrow<IllegalStateException> { client.connection.peerCredentials() }.message!! shouldContain "unix"
                    }
                }
            }

            reactor("the file goes with the listener, once, unless it is kept") { dialer ->
                val address = path()
                val file = address.path()!!
                val listener = listenOn(address)
                file.exists() shouldBe true
                listener.close()
                eventually { file.exists() shouldBe false }
                listenOn(address).use { second ->
                    listener.close() // again: the file is the second one's by now
                    file.exists() shouldBe true
                    second.keepFile()
                }
                file.exists() shouldBe true
                Files.delete(file)
            }

            reactor("a path in use says by whom: a server, nobody any more, or no socket at all") { dialer ->
                val address = path()
                listenOn(address).use {
                    shouldThrow<NetparkException.SystemError> { listenOn(address) }.also {
                        it.errnoName() shouldBe "EADDRINUSE"
                        it.message!! shouldContain "somebody uses it already"
                    }
                    it.keepFile()
                }
                eventually {
                    shouldThrow<NetparkException.SystemError> { listenOn(address) }.message!! shouldContain "left from a server that has ended"
                }
                shouldThrow<NetparkException.Refused> { dialer.await(address) }.message!! shouldContain "nobody listens"
                Files.delete(address.path()!!)
                shouldThrow<NetparkException.Refused> { dialer.await(address) }.message!! shouldContain "ENOENT"
                Files.writeString(address.path()!!, "a file")
                shouldThrow<NetparkException.SystemError> { listenOn(address) }.message!! shouldContain "not a socket"
                Files.exists(address.path()!!) shouldBe true
            }

            reactor("a full backlog is waited for, up to the timeout") { dialer ->
                val address = path()
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).use { listener ->
                    listener.bind(UnixDomainSocketAddress.of(address.path()), 1)
                    val waiting = mutableListOf<ConnectionDescriptor>()
                    val failure = run {
                        while (true) {
                            try {
                                waiting += dialer.withTimeout(Duration.ofMillis(1000)).await(address)
                            } catch (e: NetparkException.TimedOut) {
                                return@run e
                            }
                        }
                        @Suppress("UNREACHABLE_CODE") null
                    }!!
                    waiting.size shouldBeGreaterThan 0
                    failure.message!! shouldContain "no connection within 1000 ms"
                    val late = Outcome()
                    dialer.withTimeout(Duration.ofSeconds(60)).dial(address, late)
                    listener.accept().close()
                    late.await().close()
                    waiting.forEach { it.close() }
                }
            }

            reactor("TCP's options are left out, and cannot be asked for") { dialer ->
                val address = address("abstract")
                listenOn(address).use {
                    dialer.await(address).use { client ->
                        shouldThrow<NetparkException> { client.getOption(NetOption.NO_DELAY) }.message!! shouldContain "TCP_NODELAY"
                        shouldThrow<NetparkException> { client.tcpInfo() }
                        client.getOption(NetOption.SEND_BUFFER) shouldBeGreaterThan 0
                    }
                }
            }

            reactor("R2: a short read is no proof that nothing more has come") {
                // The kernel ends a read behind a message that carries a descriptor, whatever room there is.
                MessagePair(libc).use { pair ->
                    BlockingConnection(ConnectionDescriptor.adopt(loop, OpenDescriptor.of(pair.reader()))).use { reader ->
                        val room = ByteBuffer.allocateDirect(4096)
                        pair.write("0")
                        reader.read(room)
                        repeat(20) {
                            room.clear()
                            pair.writeWithDescriptor("one")
                            pair.write("two")
                            while (room.position() < 6) reader.read(room)
                        }
                    }
                }
            }
        }
    }

    test("listening on each loop is not for unix sockets") {
        TestReactor(loops = 2).use { reactor ->
            shouldThrow<IllegalArgumentException> {
                ListenerDescriptor.listenOnEachLoop(reactor.group, UnixAddress.abstractName("a"), NetOptions.DEFAULT, null)
            }.message!! shouldContain "cannot share a name"
        }
    }
})
