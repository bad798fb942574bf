package io.netpark.core.net.socket

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.linux.Linux
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.BlockingMessages
import io.netpark.core.testing.Family
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.Transport
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.bind
import io.netpark.core.testing.failure
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.packetPair
import io.netpark.core.testing.perform
import io.netpark.core.testing.result
import io.netpark.core.testing.text
import io.netpark.core.testing.use
import java.nio.ByteBuffer

/** One that is always there, and that nobody closes. */
private val STANDARD_INPUT = OpenDescriptor.of(0)

/** Passes [count] descriptors of a pipe that is closed here afterwards, so what arrives is all there is of it. */
private fun withPipe(count: Int, body: (Array<OpenDescriptor>) -> Unit) {
    OpenDescriptor.pipe().use { pipe -> body(Array(count) { if (it % 2 == 0) pipe.readEnd else pipe.writeEnd }) }
}

private fun BlockingConnection.pass(text: String, vararg descriptors: OpenDescriptor) {
    val source = ByteBuffer.wrap(text.toByteArray())
    connection.perform(
        Direction.WRITE,
        { connection.startWriteDescriptors(source, *descriptors) }, { connection.retryWriteDescriptors(source, *descriptors) },
    )
    write(source)
}

private fun BlockingConnection.receive(into: PassedDescriptors, room: Int = 100, direct: Boolean = true): String {
    val target = if (direct) ByteBuffer.allocateDirect(room) else ByteBuffer.allocate(room)
    connection.perform(
        Direction.READ,
        { connection.startReadDescriptors(target, into) }, { connection.retryReadDescriptors(target, into) },
    )
    return target.flip().text()
}

private fun LibC.flags(fd: Int) = fcntl(fd, Linux.F_GETFD, 0)

/** Descriptors over unix streams and messages, over every binding and poller. */
class DescriptorPassingSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) context("$flavour") {
        val libc = flavour.libc

        suspend fun streams(name: String, body: TestReactor.(a: BlockingConnection, b: BlockingConnection) -> Unit) =
            test(name) {
                TestReactor(flavour, loops = 2).use { reactor ->
                    ListenerDescriptor.listen(reactor.group, Family.ABSTRACT.freshAddress(), NetOptions.DEFAULT).use { listener ->
                        val client = reactor.connect(listener.localAddress())
                        (client to BlockingListener(listener).accept()).use { a, b -> reactor.body(a, b) }
                    }
                }
            }

        suspend fun messages(name: String, body: TestReactor.(a: BlockingMessages, b: BlockingMessages) -> Unit) {
            test("$name, in sequenced packets") { TestReactor(flavour).use { it.packetPair().use { a, b -> it.body(a, b) } } }
            test("$name, in datagrams") {
                TestReactor(flavour).use { reactor ->
                    (reactor.bind(Family.PATH.freshAddress()) to reactor.bind(Family.PATH.freshAddress())).use { a, b ->
                        a.socket.connect(b.address)
                        reactor.body(a, b)
                    }
                }
            }
        }

        streams("a descriptor comes with the bytes, close-on-exec, for the same open file") { a, b ->
            val pipe = OpenDescriptor.pipe()
            pipe.readEnd.use { a.pass("take this", it) }
            val into = PassedDescriptors(4)
            b.receive(into) shouldBe "take this"
            into.count() shouldBe 1
            into.surplus() shouldBe 0
            into.isCut shouldBe false
            val received = into.take().single()
            into.count() shouldBe 0
            libc.flags(received.number()) shouldBe Linux.FD_CLOEXEC
            (pipe.writeEnd to received).use { there, here ->
                there.write(ByteBuffer.wrap("x".toByteArray())) shouldBe 1
                here.read(ByteBuffer.allocate(2)) shouldBe 1
            }
        }

        streams("a connection is passed on, and adopted") { a, b ->
            pair().use { client, server ->
                server.connection.detach().use { a.pass("!", it) }
                PassedDescriptors(1).use { into ->
                    b.receive(into)
                    BlockingConnection(ConnectionDescriptor.adopt(loop, into.take().single())).use { adopted ->
                        client.write("hello")
                        adopted.readText(5) shouldBe "hello"
                    }
                }
            }
        }

        streams("those of two writes come one by one, and bytes without any come as ever") { a, b ->
            withPipe(2) { (read, write) ->
                a.write("plain ")
                a.pass("one", read)
                a.pass("two", write, read)
            }
            PassedDescriptors(4).use { into ->
                var text = ""
                val counts = ArrayList<Int>()
                while (text.length < "plain onetwo".length) {
                    text += b.receive(into, direct = text.isEmpty())
                    if (into.count() > 0) counts += into.count()
                    into.close()
                }
                text shouldBe "plain onetwo"
                counts shouldBe listOf(1, 2)
            }
        }

        streams("more than are wanted are closed and reported") { a, b ->
            withPipe(5) { a.pass("five", *it) }
            val before = openDescriptors()
            PassedDescriptors(2).use { into ->
                b.receive(into) shouldBe "five"
                into.count() shouldBe 2
                into.surplus() shouldBe 3
                into.toString() shouldContain "3 too many"
                openDescriptors() shouldBe before + 2
                shouldThrow<IllegalStateException> { b.receive(into) }.message!! shouldContain "take or close"
            }
            openDescriptors() shouldBe before
        }

        streams("as many as there can be") { a, b ->
            withPipe(253) { a.pass("many", *it) }
            PassedDescriptors(253).use { into ->
                b.receive(into)
                into.count() shouldBe 253
            }
            shouldThrow<IllegalArgumentException> { withPipe(254) { a.pass("too many", *it) } }
        }

        streams("a plain read closes what comes with its bytes, and so does closing with some unread") { a, b ->
            val before = openDescriptors()
            withPipe(2) {
                a.pass("dropped", *it)
                a.pass("unread", *it)
            }
            b.readText(7) shouldBe "dropped"
            b.close()
            a.close()
            openDescriptors() shouldBe before - 2
        }

        streams("what cannot be passed is named, and nothing is written") { a, b ->
            val failure = shouldThrow<NetparkException.SystemError> { a.pass("x", OpenDescriptor.of(1_000_000)) }
            failure.message!! shouldContain "one of the descriptors is not open"
            shouldThrow<IllegalArgumentException> { a.pass("", STANDARD_INPUT) }.message!! shouldContain "go with bytes"
            shouldThrow<IllegalArgumentException> { a.pass("x") }
            shouldThrow<IllegalArgumentException> { b.receive(PassedDescriptors(1), room = 0) }
            shouldThrow<IllegalArgumentException> { PassedDescriptors(0) }
            a.write("y")
            b.receive(PassedDescriptors(1)) shouldBe "y"
        }

        streams("a parked reader gets them, one that gives up has taken none, and closing wakes it") { a, b ->
            val into = PassedDescriptors(1)
            b.connection.startReadDescriptors(ByteBuffer.allocate(1), into) shouldBe Descriptor.PARK
            withPipe(1) { a.pass("x", *it) }
            b.connection.abandon(Direction.READ)
            into.count() shouldBe 0
            b.receive(into) shouldBe "x"
            into.count() shouldBe 1
            into.close()
            val reader = async { b.receive(into) }
            awaitParkedThreads()
            withPipe(1) { a.pass("y", *it) }
            reader.result() shouldBe "y"
            into.close()
            val closed = async { b.receive(into) }
            awaitParkedThreads()
            b.close()
            (closed.failure() is NetparkException.Closed) shouldBe true
        }

        streams("the end of the stream brings none") { a, b ->
            a.close()
            val into = PassedDescriptors(1)
            b.connection.startReadDescriptors(ByteBuffer.allocate(1), into) shouldBe ConnectionDescriptor.END_OF_STREAM
            into.count() shouldBe 0
        }

        messages("descriptors come with their message") { a, b ->
            withPipe(3) { a.send(ByteBuffer.wrap("three".toByteArray()), null, *it) }
            a.send("none")
            PassedDescriptors(2).use { into ->
                val target = ByteBuffer.allocate(10)
                b.receive(target, null, into) shouldBe 5
                target.flip().text() shouldBe "three"
                into.count() shouldBe 2
                into.surplus() shouldBe 1
                into.close()
                b.receive(target.clear(), null, into) shouldBe 4
                into.count() + into.surplus() shouldBe 0
            }
        }

        messages("they come with an empty message too, and a receive without room for them closes them") { a, b ->
            val before = openDescriptors()
            withPipe(2) {
                a.send(ByteBuffer.allocate(0), null, *it)
                a.send(ByteBuffer.wrap("plain".toByteArray()), null, *it)
            }
            PassedDescriptors(2).use { into ->
                b.receive(ByteBuffer.allocate(10), null, into) shouldBe 0
                into.count() shouldBe 2
            }
            b.receive().text shouldBe "plain"
            openDescriptors() shouldBe before
            shouldThrow<NetparkException.SystemError> { a.send(ByteBuffer.allocate(1), null, OpenDescriptor.of(1_000_000)) }
                .message!! shouldContain "not open"
        }

        test("TCP says that it cannot") {
            TestReactor(flavour).use { reactor ->
                reactor.pair().use { client, _ ->
                    shouldThrow<IllegalStateException> { client.pass("x", STANDARD_INPUT) }.message!! shouldContain "only unix sockets can"
                    shouldThrow<IllegalStateException> { client.receive(PassedDescriptors(1)) }
                }
            }
        }
    }

    for (libc in Bindings.all) test("${libc.binding()}: a bad day of the C library neither loses nor leaks any") {
        TestReactor(FaultyLibC(libc)).use { reactor ->
            ListenerDescriptor.listen(reactor.group, Family.PATH.freshAddress(), NetOptions.DEFAULT).use { listener ->
                val client = reactor.connect(listener.localAddress())
                (client to BlockingListener(listener).accept()).use { a, b ->
                    val sending = async { withPipe(2) { pipe -> repeat(200) { a.pass("four", *pipe) } } }
                    val into = PassedDescriptors(2)
                    var bytes = 0
                    val counts = ArrayList<Int>()
                    while (bytes < 800) {
                        bytes += b.receive(into).length
                        if (into.count() > 0) counts += into.count()
                        into.close()
                    }
                    counts shouldHaveSize 200
                    counts.all { it == 2 } shouldBe true
                    sending.result()
                }
            }
            reactor.reporter.drain()
        }
    }

    test("one that is closed while it is sent is sent whole, and closed then; one that is closed is not sent") {
        var meanwhile: OpenDescriptor? = null
        val libc = object : LibC by Bindings.best {
            override fun sendmsg(fd: Int, message: Long, flags: Int): Long {
                meanwhile?.close()
                return Bindings.best.sendmsg(fd, message, flags)
            }
        }
        TestReactor(libc, loops = 1).use { reactor ->
            Transport.UNIX.pair(reactor).use { a, b ->
                OpenDescriptor.pipe().use { pipe ->
                    meanwhile = pipe.readEnd
                    a.pass("take this", pipe.readEnd, pipe.writeEnd, pipe.readEnd)
                    meanwhile = null
                    pipe.readEnd.isOpen shouldBe false
                    shouldThrow<IllegalStateException> { a.pass("and this", pipe.writeEnd, pipe.readEnd) }
                    PassedDescriptors(3).use { into ->
                        b.receive(into) shouldBe "take this"
                        val taken = into.take()
                        pipe.writeEnd.write(ByteBuffer.wrap("x".toByteArray())) shouldBe 1
                        taken.first().read(ByteBuffer.allocate(2)) shouldBe 1
                        taken.forEach { it.close() }
                    }
                }
            }
        }
    }
})
