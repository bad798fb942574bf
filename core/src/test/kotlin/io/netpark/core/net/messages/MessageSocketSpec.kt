package io.netpark.core.net.messages

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingMessages
import io.netpark.core.testing.Family
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HeldDatagramPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.bind
import io.netpark.core.testing.dialDatagrams
import io.netpark.core.testing.failure
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.loopback
import io.netpark.core.testing.result
import io.netpark.core.testing.temporaryPath
import io.netpark.core.testing.text
import io.netpark.core.testing.use
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.nio.ReadOnlyBufferException
import java.nio.file.Files
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds

/** Datagram sockets, over every binding, poller and kind of address. */
class MessageSocketSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (family in Family.entries) {
        context("$flavour $family") {
            suspend fun reactor(name: String, body: TestReactor.() -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use(body) }

            suspend fun pair(name: String, body: TestReactor.(a: BlockingMessages, b: BlockingMessages) -> Unit) =
                reactor(name) { (bind(family.freshAddress()) to bind(family.freshAddress())).use { a, b -> body(a, b) } }

            pair("messages go both ways, each with its sender") { a, b ->
                a.send("ping", b.address)
                val ping = b.receive()
                ping.text shouldBe "ping"
                ping.sender shouldBe a.address
                ping.length shouldBe 4
                ping.isTruncated shouldBe false
                b.send("pong", ping.sender)
                a.receive().text shouldBe "pong"
            }

            pair("boundaries are kept, for direct and heap buffers of any kind") { a, b ->
                a.send(ByteBuffer.wrap("xone".toByteArray(), 1, 3), b.address)
                val direct = ByteBuffer.allocateDirect(8).put("two!".toByteArray()).flip().position(1).limit(3)
                a.send(direct, b.address)
                direct.hasRemaining() shouldBe false
                a.send(ByteBuffer.wrap("three".toByteArray()).asReadOnlyBuffer(), b.address)
                val heap = ByteBuffer.allocate(10).position(2)
                b.receive(heap) shouldBe 3
                heap.position() shouldBe 5
                heap.flip().position(2).text() shouldBe "one"
                b.receive().text shouldBe "wo"
                b.receive().text shouldBe "three"
            }

            pair("a receiver that waits gets what comes") { a, b ->
                val receiver = async { b.receive() }
                awaitParkedThreads()
                a.send("late", b.address)
                receiver.result().text shouldBe "late"
            }

            pair("what there is no room for is lost, and reported") { a, b ->
                repeat(3) { a.send("0123456789", b.address) }
                for (target in listOf(ByteBuffer.allocate(4), ByteBuffer.allocateDirect(4), ByteBuffer.allocate(0))) {
                    val envelope = Envelope()
                    b.receive(target, envelope) shouldBe target.capacity()
                    target.flip().text() shouldBe "0123456789".take(target.capacity())
                    envelope.isTruncated shouldBe true
                    envelope.length() shouldBe 10
                    envelope.sender() shouldBe a.address
                    envelope.toString() shouldContain "truncated"
                }
                a.send("next", b.address)
                b.receive(4).also { it.isTruncated shouldBe false }.text shouldBe "next"
            }

            pair("an empty message is a message") { a, b ->
                a.send("", b.address)
                b.receive().also { it.length shouldBe 0 }.sender shouldBe a.address
                a.send(ByteBuffer.allocateDirect(0), b.address)
                b.receive(ByteBuffer.allocate(0)) shouldBe 0
            }

            pair("large messages arrive whole") { a, b ->
                for (size in if (family.unix) listOf(65_507, 65_537, 150_000) else listOf(20_000, 65_507)) {
                    val bytes = ByteArray(size) { (it * 31).toByte() }
                    a.send(ByteBuffer.wrap(bytes), b.address)
                    val target = ByteBuffer.allocate(size)
                    b.receive(target) shouldBe size
                    target.array().contentEquals(bytes) shouldBe true
                    a.send(ByteBuffer.allocateDirect(size).put(bytes).flip(), b.address)
                    val direct = ByteBuffer.allocateDirect(size + 1)
                    b.receive(direct) shouldBe size
                    direct.flip() shouldBe ByteBuffer.wrap(bytes)
                }
            }

            pair("a message that is too long is refused with the way out, and the socket goes on") { a, b ->
                val failure = shouldThrow<NetparkException.SystemError> {
                    a.send(ByteBuffer.allocateDirect(if (family.unix) 10_000_000 else 65_536), b.address)
                }
                failure.errnoName() shouldBe "EMSGSIZE"
                failure.message!! shouldContain "send less"
                failure.message!! shouldContain " bytes"
                a.send("short", b.address)
                b.receive().text shouldBe "short"
            }

            reactor("connected, it receives from nobody else and learns that nobody is there, again and again") {
                bind(family.freshAddress()).use { socket ->
                    if (family.unix) {
                        val dead = bind(family.freshAddress()).use { it.address }
                        shouldThrow<NetparkException.Refused> { socket.socket.connect(dead) }
                            .message!! shouldContain dead.toString()
                        bind(family.freshAddress()).use { socket.socket.connect(it.address) }
                        shouldThrow<NetparkException.Refused> { socket.send("x") }
                        socket.socket.remoteAddress() shouldBe null // the kernel has disconnected it
                        shouldThrow<NetparkException> { socket.send("x") }.message!! shouldContain "name a receiver"
                    } else {
                        HeldDatagramPort(if (family == Family.IPV6) "::1" else "127.0.0.1").use { dead ->
                            socket.socket.connect(dead.address)
                            repeat(2) {
                                socket.send("x")
                                shouldThrow<NetparkException.Refused> { socket.receive() }
                                    .message!! shouldContain "${dead.address.port}"
                            }
                        }
                    }
                    bind(family.freshAddress()).use { peer ->
                        socket.socket.connect(peer.address)
                        socket.socket.remoteAddress() shouldBe peer.address
                        socket.send("again")
                        peer.receive().sender shouldBe socket.address
                        peer.send("yes", socket.address)
                        socket.receive().text shouldBe "yes"
                    }
                }
            }

            reactor("a dialed one sends without an address") {
                bind(family.freshAddress()).use { peer ->
                    dialDatagrams(peer.address).use { socket ->
                        socket.send("hello")
                        val hello = peer.receive()
                        hello.text shouldBe "hello"
                        if (family.unix) {
                            hello.sender shouldBe UnixAddress.UNNAMED
                        } else {
                            peer.send("you too", hello.sender)
                            socket.receive().text shouldBe "you too"
                        }
                        socket.toString() shouldContain if (family.unix) peer.address.toString() else "127.0.0.1".takeIf { family == Family.IPV4 } ?: "[::1]"
                    }
                }
            }

            pair("without a receiver the way out is named") { a, _ ->
                shouldThrow<NetparkException.SystemError> { a.send("x") }.message!! shouldContain "name a receiver"
            }

            reactor("an address that is in use is named") {
                bind(family.freshAddress()).use { first ->
                    val failure = shouldThrow<NetparkException.SystemError> { bind(first.address) }
                    failure.errnoName() shouldBe "EADDRINUSE"
                    failure.message!! shouldContain "bind to "
                }
            }

            pair("two receivers at a time are refused, and so are two senders") { a, b ->
                val receiver = async { b.receive() }
                awaitParkedThreads()
                shouldThrow<IllegalStateException> { b.receive() }.message!! shouldContain "one reader"
                a.send("x", b.address)
                receiver.result().text shouldBe "x"
            }

            pair("a deadline ends a receive, and can be moved") { a, b ->
                b.socket.setDeadline(Direction.READ, fromNow(20.milliseconds))
                shouldThrow<NetparkException.TimedOut> { b.receive() }.timeout() shouldBe NetparkException.Timeout.READ
                a.send("kept", b.address)
                shouldThrow<NetparkException.TimedOut> { b.receive() }
                b.socket.clearDeadline(Direction.READ)
                b.receive().text shouldBe "kept"
            }

            pair("closing wakes who is parked") { _, b ->
                val receiver = async { b.receive() }
                awaitParkedThreads()
                b.close()
                (receiver.failure() is NetparkException.Closed) shouldBe true
                shouldThrow<NetparkException.Closed> { b.receive() }
                shouldThrow<NetparkException.Closed> { b.send("x") }
                b.address // is known still
            }

            pair("a receive that is given up has consumed nothing") { a, b ->
                val socket = b.socket
                socket.startReceive(ByteBuffer.allocate(9), null, null) shouldBe Descriptor.PARK
                a.send("kept", b.address)
                socket.abandon(Direction.READ)
                b.receive().text shouldBe "kept"
            }

            pair("a read-only target is refused before anything is received") { a, b ->
                a.send("kept", b.address)
                shouldThrow<ReadOnlyBufferException> { b.receive(ByteBuffer.allocate(9).asReadOnlyBuffer()) }
                b.receive().text shouldBe "kept"
            }

            pair("options are those of sockets") { a, _ ->
                a.socket.getOption(NetOption.BROADCAST) shouldBe !family.unix
                a.socket.setOption(NetOption.RECEIVE_BUFFER, 8192)
                (a.socket.getOption(NetOption.RECEIVE_BUFFER) >= 8192) shouldBe true
            }
        }
    }

    for (flavour in Flavour.all) context("$flavour") {
        suspend fun reactor(name: String, body: TestReactor.() -> Unit) =
            test(name) { TestReactor(flavour, loops = 2).use(body) }

        reactor("the IPv6 wildcard exchanges messages with IPv4 as well") {
            bind(InetSocketAddress("::", 0)).use { wildcard ->
                val port = (wildcard.address as InetSocketAddress).port
                bind(loopback()).use { four ->
                    four.send("four", loopback(port = port))
                    val message = wildcard.receive()
                    message.sender shouldBe four.address
                    wildcard.send("back", message.sender)
                    four.receive().text shouldBe "back"
                    val batch = MessageBatch(1, 10)
                    batch.put(ByteBuffer.wrap("batch".toByteArray()), four.address)
                    wildcard.send(batch)
                    four.receive().text shouldBe "batch"
                }
            }
        }

        reactor("an address of another family is refused before anything is sent, and the socket goes on") {
            bind(loopback()).use { socket ->
                for (to in listOf<SocketAddress>(loopback("::1", 9), UnixAddress.abstractName("x"))) {
                    shouldThrow<IllegalArgumentException> { socket.send("x", to) }.message!! shouldContain "IPv4"
                    val batch = MessageBatch(1, 10).apply { put(ByteBuffer.allocate(1), to) }
                    shouldThrow<IllegalArgumentException> { socket.send(batch) }
                }
                shouldThrow<NetparkException.UnknownHost> { socket.send("x", InetSocketAddress.createUnresolved("a", 1)) }
                socket.send("x", socket.address)
                socket.receive().text shouldBe "x"
            }
        }

        reactor("a broadcast is permitted unless it was turned off") {
            bind(loopback(), NetOptions.DEFAULT.with(NetOption.BROADCAST, false)).use { socket ->
                shouldThrow<NetparkException.SystemError> { socket.send("x", InetSocketAddress("255.255.255.255", 9)) }
                    .message!! shouldContain "BROADCAST"
            }
            bind(InetSocketAddress("0.0.0.0", 0)).use { socket ->
                socket.send("all", InetSocketAddress("127.255.255.255", (socket.address as InetSocketAddress).port))
                socket.receive().text shouldBe "all"
            }
        }

        reactor("an unnamed unix socket can send") {
            bind(Family.PATH.freshAddress()).use { receiver ->
                bind(UnixAddress.UNNAMED).use { it.send("anonymous", receiver.address) }
                receiver.receive().sender shouldBe UnixAddress.UNNAMED
            }
        }

        reactor("the file of a unix socket goes with it, and one that is left is told from one in use") {
            val path = temporaryPath()
            val address = UnixAddress.path(path)
            bind(address).use {
                Files.exists(path) shouldBe true
                shouldThrow<NetparkException> { bind(address) }.message!! shouldContain "somebody uses it already"
            }
            Files.exists(path) shouldBe false
            bind(address).use { it.socket.keepFile() }
            shouldThrow<NetparkException> { bind(address) }.message!! shouldContain "the file is left"
            bind(Family.ABSTRACT.freshAddress()).use { socket ->
                shouldThrow<NetparkException.Refused> { socket.send("x", address) }
                Files.delete(path)
                shouldThrow<NetparkException.Refused> { socket.send("x", address) }.message!! shouldContain "nobody is bound"
            }
        }

        for (connected in listOf(false, true)) {
            reactor("a sender waits for a unix receiver that is ${if (connected) "its peer" else "not its peer"}") {
                bind(Family.PATH.freshAddress()).use { receiver ->
                    bind(UnixAddress.UNNAMED).use { sender ->
                        if (connected) sender.socket.connect(receiver.address)
                        val to = if (connected) null else receiver.address
                        val sending = async { repeat(2000) { sender.send("$it", to) } }
                        awaitParkedThreads()
                        List(2000) { receiver.receive().text.toInt() } shouldBe List(2000) { it }
                        sending.result()
                    }
                }
            }
        }

        test("a device without buffers is waited for") {
            val failures = AtomicInteger(3)
            val real = flavour.libc
            val libc = object : LibC by real {
                override fun sendmsg(fd: Int, msghdr: Long, flags: Int): Long =
                    if (failures.getAndDecrement() > 0) -Errno.ENOBUFS.toLong() else real.sendmsg(fd, msghdr, flags)
            }
            TestReactor(libc, flavour.poller.factory).use { reactor ->
                reactor.bind(loopback()).use { socket ->
                    socket.send("patience", socket.address)
                    socket.receive().text shouldBe "patience"
                    failures.get() shouldBe -1
                }
            }
        }

        reactor("a sender that waits for a receiver is ended by its deadline and by closing") {
            bind(Family.PATH.freshAddress()).use { receiver ->
                bind(UnixAddress.UNNAMED).use { sender ->
                    sender.socket.setDeadline(Direction.WRITE, fromNow(50.milliseconds))
                    shouldThrow<NetparkException.TimedOut> { while (true) sender.send("x", receiver.address) }
                        .timeout() shouldBe NetparkException.Timeout.WRITE
                    sender.socket.clearDeadline(Direction.WRITE)
                    val sending = async { sender.send("x", receiver.address) }
                    awaitParkedThreads()
                    sender.close()
                    (sending.failure() is NetparkException.Closed) shouldBe true
                }
            }
        }
    }

    for (libc in Bindings.all) for (family in Family.entries) {
        test("${libc.binding()} $family: a bad day of the C library loses nothing and doubles nothing") {
            val faulty = FaultyLibC(libc)
            TestReactor(faulty).use { reactor ->
                (reactor.bind(family.freshAddress()) to reactor.bind(family.freshAddress())).use { a, b ->
                    val echo = async {
                        repeat(300) { b.receive().let { message -> b.send(message.text, message.sender) } }
                    }
                    val answers = List(300) {
                        a.send("$it", b.address)
                        a.receive().text.toInt()
                    }
                    answers shouldContainExactly List(300) { it }
                    echo.result()
                }
            }
        }
    }
})
