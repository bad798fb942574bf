package io.netpark.core.net.listening

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.net.address.Addresses
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.SockAddr
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.Family
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.loopback
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.temporaryPath
import io.netpark.core.testing.use
import java.net.SocketAddress
import java.nio.file.Files

/** A blocking socket that children would inherit, as another program would make it. */
private fun LibC.foreignSocket(address: SocketAddress, type: Int = Linux.SOCK_STREAM, listens: Boolean = true): OpenDescriptor {
    val memory = NativeMemory.allocate(SockAddr.MAX_SIZE)
    val fd = socket(SockAddr.family(address), type, 0)
    check(bind(fd, memory.address(), SockAddr.write(memory.buffer(), 0, address)) == 0)
    if (listens) check(listen(fd, 10) == 0)
    return OpenDescriptor.of(this, fd)
}

private fun TestReactor.adopt(descriptor: OpenDescriptor, options: NetOptions = NetOptions.DEFAULT, admission: Admission? = null) =
    BlockingListener(ListenerDescriptor.adopt(group, descriptor, options, admission))

/** Listening sockets that something else has opened, and that something else goes on with. */
class AdoptListenerSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (family in Family.entries) {
        test("$flavour: a listening socket of $family is adopted, and accepts what waited and what comes later") {
            TestReactor(flavour).use { reactor ->
                val foreign = reactor.libc.foreignSocket(family.freshAddress())
                val fd = foreign.number()
                val address = Addresses.local(reactor.libc, fd, "test")
                val waiting = reactor.connect(address)
                reactor.adopt(foreign).use { listener ->
                    foreign.isOpen shouldBe false
                    listener.listener.localAddress() shouldBe address
                    (reactor.libc.fcntl(fd, Linux.F_GETFL, 0) and Linux.O_NONBLOCK) shouldNotBe 0
                    reactor.libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                    (waiting to listener.accept()).use { client, server ->
                        client.write("early")
                        server.readText(5) shouldBe "early"
                    }
                    (reactor.connect(address) to listener.accept()).use { client, server ->
                        client.write("late")
                        server.readText(4) shouldBe "late"
                    }
                }
            }
        }

        test("$flavour: a duplicate of a listener of $family accepts what waits when the first one is closed") {
            TestReactor(flavour).use { first ->
                TestReactor(flavour).use { second ->
                    ListenerDescriptor.listen(first.group, family.freshAddress(), NetOptions.DEFAULT).use { listener ->
                        val address = listener.localAddress()
                        val duplicate = listener.duplicate()
                        first.libc.fcntl(duplicate.number(), Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                        listener.keepFile()
                        second.adopt(duplicate).use { successor ->
                            val waiting = first.connect(address)
                            listener.close()
                            (waiting to successor.accept()).use { client, server ->
                                client.write("hello")
                                server.readText(5) shouldBe "hello"
                            }
                            successor.listener.removeFileOnClose()
                        }
                        shouldThrow<NetparkException.Closed> { listener.duplicate() }
                        if (address is UnixAddress && address.isPath) Files.exists(address.path()!!) shouldBe false
                    }
                }
            }
        }
    }

    test("connections that are older than the options have them, as later ones do") {
        TestReactor().use { reactor ->
            val foreign = reactor.libc.foreignSocket(loopback())
            val address = Addresses.local(reactor.libc, foreign.number(), "test")
            val waiting = List(3) { reactor.connect(address) }
            val options = NetOptions.DEFAULT.withFastOpen(true).withReusePort(true)
            reactor.adopt(foreign, options).use { listener ->
                for (client in waiting + reactor.connect(address)) {
                    (client to listener.accept()).use { _, server ->
                        server.connection.getOption(NetOption.NO_DELAY) shouldBe true
                        server.connection.getOption(NetOption.KEEP_ALIVE) shouldBe true
                    }
                }
            }
        }
    }

    test("one that takes IPv4 as well has the options of both, and admission counts its connections") {
        TestReactor().use { reactor ->
            val foreign = reactor.libc.foreignSocket(loopback("::"))
            val port = (Addresses.local(reactor.libc, foreign.number(), "test") as java.net.InetSocketAddress).port
            val options = NetOptions.DEFAULT.with(NetOption.TYPE_OF_SERVICE, 0x10)
            val admission = Admission.perSource(2)
            reactor.adopt(foreign, options, admission).use { listener ->
                (reactor.connect(loopback(port = port)) to listener.accept()).use { _, server ->
                    server.connection.getOption(NetOption.TYPE_OF_SERVICE) shouldBe 0x10
                    admission.open() shouldBe 1
                }
            }
        }
    }

    test("the file of a path stays, unless it is to be removed") {
        TestReactor().use { reactor ->
            for (removed in listOf(false, true)) {
                val path = temporaryPath()
                reactor.adopt(reactor.libc.foreignSocket(UnixAddress.path(path))).use {
                    if (removed) it.listener.removeFileOnClose()
                }
                Files.exists(path) shouldBe !removed
                Files.deleteIfExists(path)
            }
        }
    }

    test("what is no listening stream socket is told by what it is, with what to do, and stays the caller's") {
        TestReactor().use { reactor ->
            val libc = reactor.libc
            fun refused(descriptor: OpenDescriptor, what: String, wayOut: String) {
                val before = openDescriptors()
                val message = shouldThrow<NetparkException> { reactor.adopt(descriptor) }.message!!
                message shouldContain "adopt descriptor ${descriptor.number()} as a listener: it is $what"
                message shouldContain wayOut
                openDescriptors() shouldBe before
                descriptor.isOpen shouldBe true
                descriptor.close()
            }
            refused(OpenDescriptor.eventFd(0), "no socket but anon_inode:[eventfd]", "ListenStream=")
            refused(OpenDescriptor.of(libc.foreignSocket(loopback(), listens = false).release()), "a stream socket", "must listen")
            refused(libc.foreignSocket(loopback(), Linux.SOCK_DGRAM, listens = false), "a datagram socket", "ListenStream=")
            refused(
                libc.foreignSocket(Family.ABSTRACT.freshAddress(), Linux.SOCK_SEQPACKET), "a listening socket of sequenced packets",
                "stream socket is wanted",
            )
            reactor.pair().use { _, server -> refused(server.connection.detach(), "a connected stream socket", "Accept=no") }
            refused(OpenDescriptor.of(libc.socket(16, 3, 0)), "a socket of type 3 of the address family 16", "ListenStream=")
            val file = Files.createTempFile("netpark", null)
            NativeMemory.allocate(200).let { memory ->
                memory.buffer().put(0, file.toString().toByteArray())
                refused(OpenDescriptor.of(libc.open(memory.address(), Linux.O_CLOEXEC)), "the file $file", "ListenStream=")
            }
            shouldThrow<NetparkException> { reactor.adopt(OpenDescriptor.of(1_000_000)) }.message!! shouldContain "EBADF"
            val connection = libc.foreignSocket(loopback())
            shouldThrow<NetparkException> { ConnectionDescriptor.adopt(reactor.loop, connection) }
                .message!! shouldContain "it is a listening stream socket, and not a connected stream socket"
            connection.close()
        }
    }

    test("a group that is closed adopts nothing") {
        val reactor = TestReactor()
        reactor.close()
        Bindings.best.foreignSocket(loopback()).use { foreign ->
            shouldThrow<NetparkException.Closed> { reactor.adopt(foreign) }
            foreign.isOpen shouldBe true
        }
    }
})
