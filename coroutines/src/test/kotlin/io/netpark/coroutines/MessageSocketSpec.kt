package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.netpark.core.net.messages.Envelope
import io.netpark.core.net.messages.MessageBatch
import io.netpark.core.net.options.NetOption
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Family
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HeldDatagramPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.core.testing.text
import io.netpark.coroutines.messages.MessageSocket
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.coroutines.yield

private suspend fun MessageSocket.send(text: String, to: SocketAddress? = null) = send(ByteBuffer.wrap(text.toByteArray()), to)

private suspend fun MessageSocket.receiveText(envelope: Envelope? = null): String {
    val target = ByteBuffer.allocateDirect(4096)
    check(receive(target, envelope) != MessageSocket.END_OF_STREAM)
    return target.flip().text()
}

class MessageSocketSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (family in Family.entries) {
        context("$flavour $family") {
            suspend fun pair(name: String, body: suspend CoroutineScope.(a: MessageSocket, b: MessageSocket) -> Unit) = test(name) {
                onReactor(flavour, loops = 2) { reactor ->
                    reactor.bindDatagrams(family.freshAddress()).use { a ->
                        reactor.bindDatagrams(family.freshAddress()).use { b -> body(a, b) }
                    }
                }
            }

            pair("messages go both ways, each with its sender") { a, b ->
                val echo = launch {
                    val envelope = Envelope()
                    repeat(3) { b.send(b.receiveText(envelope).uppercase(), envelope.sender()) }
                }
                repeat(3) {
                    a.send("ping$it", b.localAddress)
                    a.receiveText() shouldBe "PING$it"
                }
                echo.join()
            }

            pair("batches go both ways") { a, b ->
                val echo = launch {
                    val batch = MessageBatch(4, 100)
                    var received = 0
                    while (received < 10) {
                        received += b.receive(batch)
                        b.send(batch)
                    }
                }
                val batch = MessageBatch(10, 100)
                repeat(10) { batch.put(ByteBuffer.wrap("$it".toByteArray()), b.localAddress) }
                a.send(batch)
                List(10) { a.receiveText() } shouldContainExactly List(10) { "$it" }
                echo.join()
            }

            pair("a cancelled receive has consumed nothing, and the next gets the message") { a, b ->
                val receiver = launch(start = CoroutineStart.UNDISPATCHED) { b.receiveText() }
                receiver.cancelAndJoin()
                withTimeoutOrNull(5) { b.receive(MessageBatch(1, 1)) } shouldBe null
                a.send("kept", b.localAddress)
                launch(start = CoroutineStart.UNDISPATCHED) {
                    coroutineContext[kotlinx.coroutines.Job]!!.cancel()
                    b.receiveText()
                }.join()
                b.receiveText() shouldBe "kept"
            }

            pair("deadlines, a second receiver, and closing") { a, b ->
                b.receiveTimeout = 10.milliseconds
                shouldThrow<NetparkException.TimedOut> { b.receiveText() }
                b.receiveTimeout = Duration.INFINITE
                supervisorScope {
                    val receiver = async(start = CoroutineStart.UNDISPATCHED) { b.receiveText() }
                    shouldThrow<IllegalStateException> { b.receiveText() }
                    b.close()
                    shouldThrow<NetparkException.Closed> { receiver.await() }
                }
                b.isOpen shouldBe false
                a.isOpen shouldBe true
            }
        }
    }

    for (libc in Bindings.all) test("${libc.binding()}: cancelling races with what comes, and nothing is lost or doubled") {
        onReactor(libc) { reactor, _ ->
            reactor.bindDatagrams(Family.PATH.freshAddress()).use { b ->
                reactor.dialDatagrams(b.localAddress).use { a ->
                    val sent = 2_000
                    val sender = launch(Dispatchers.Default) {
                        repeat(sent) {
                            a.send("$it")
                            if (it % 3 == 0) yield()
                        }
                    }
                    val received = ArrayList<String>()
                    while (received.size < sent) {
                        val receiver = launch(Dispatchers.Default) { received += b.receiveText() }
                        if (received.size % 2 == 0) yield()
                        receiver.cancelAndJoin()
                    }
                    received shouldContainExactly List(sent) { "$it" }
                    sender.join()
                }
            }
        }
    }

    for (libc in Bindings.all) test("${libc.binding()}: a sender that waits for an unconnected unix receiver can be cancelled, and goes on") {
        onReactor(libc) { reactor, _ ->
            reactor.bindDatagrams(Family.PATH.freshAddress()).use { receiver ->
                reactor.bindDatagrams(UnixAddress.UNNAMED).use { sender ->
                    val count = AtomicInteger()
                    withTimeoutOrNull(100) {
                        while (true) {
                            sender.send("x", receiver.localAddress)
                            count.incrementAndGet()
                        }
                    }
                    repeat(count.get()) { receiver.receiveText() shouldBe "x" }
                    withTimeoutOrNull(10) { receiver.receiveText() } shouldBe null
                    sender.send("y", receiver.localAddress)
                    receiver.receiveText() shouldBe "y"
                }
            }
        }
    }

    for (libc in Bindings.all) test("${libc.binding()}: sequenced packets, from accept to the end") {
        onReactor(libc) { reactor, _ ->
            reactor.listenPackets(Family.PATH.freshAddress()).use { listener ->
                shouldThrow<kotlinx.coroutines.TimeoutCancellationException> {
                    kotlinx.coroutines.withTimeout(5) { listener.accept() }
                }
                val serving = launch {
                    repeat(3) {
                        val socket = listener.accept()
                        launch {
                            socket.use {
                                val buffer = ByteBuffer.allocate(100)
                                while (it.receive(buffer.clear()) != MessageSocket.END_OF_STREAM) it.send(buffer.flip())
                            }
                        }
                    }
                }
                List(3) { client ->
                    launch {
                        reactor.dialPackets(listener.localAddress).use { socket ->
                            socket.isSequenced shouldBe true
                            socket.peerCredentials().processId() shouldBe ProcessHandle.current().pid().toInt()
                            repeat(50) {
                                socket.send("$client $it")
                                socket.receiveText() shouldBe "$client $it"
                            }
                            socket.shutdownOutput()
                            socket.receive(ByteBuffer.allocate(1)) shouldBe MessageSocket.END_OF_STREAM
                        }
                    }
                }.joinAll()
                serving.join()
                listener.close()
                shouldThrow<NetparkException.Closed> { listener.accept() }
                shouldThrow<NetparkException.Refused> { reactor.dialPackets(listener.localAddress) }
            }
        }
    }

    test("connected to nobody, it is refused and can go on; options are those of sockets") {
        onReactor { reactor, _ ->
            HeldDatagramPort().use { dead ->
                reactor.dialDatagrams(dead.address).use { socket ->
                    socket.send("x")
                    shouldThrow<NetparkException.Refused> { socket.receiveText() }
                    reactor.bindDatagrams(Family.IPV4.freshAddress()).use { peer ->
                        socket.connect(peer.localAddress)
                        socket.remoteAddress shouldBe peer.localAddress
                        socket.send("hello")
                        peer.receiveText() shouldBe "hello"
                    }
                    socket.setOption(NetOption.MULTICAST_TTL, 3)
                    socket.getOption(NetOption.MULTICAST_TTL) shouldBe 3
                }
            }
        }
    }

    test("a socket that always has messages leaves its loop to others, and can be cancelled") {
        onReactor { reactor, _ ->
            reactor.bindDatagrams(Family.IPV4.freshAddress()).use { socket ->
                val turns = AtomicInteger()
                withContext(reactor.loopDispatchers[0]) {
                    val busy = launch {
                        while (true) {
                            socket.send("x", socket.localAddress)
                            socket.receiveText()
                        }
                    }
                    repeat(10) {
                        turns.incrementAndGet()
                        delay(1)
                    }
                    busy.cancelAndJoin()
                }
                turns.get() shouldBe 10
            }
        }
    }

    test("closing the reactor ends who waits") {
        val reactor = Reactor(1)
        val socket = reactor.bindDatagrams(Family.IPV4.freshAddress())
        kotlinx.coroutines.runBlocking {
            supervisorScope {
                val receiver = async(Dispatchers.Default) { socket.receiveText() }
                eventually { check(reactor.group.loops().single().poller().watched().sumOf { it.parked() } == 1) }
                reactor.close()
                shouldThrow<NetparkException.Closed> { receiver.await() }
            }
        }
    }

    for (libc in Bindings.all) test("${libc.binding()}: a bad day of the C library") {
        onReactor(FaultyLibC(libc)) { reactor, _ ->
            reactor.bindDatagrams(Family.ABSTRACT.freshAddress()).use { b ->
                reactor.dialDatagrams(b.localAddress).use { a ->
                    val sender = launch { repeat(500) { a.send("$it") } }
                    List(500) { b.receiveText() } shouldContainExactly List(500) { "$it" }
                    sender.join()
                }
            }
        }
    }
})
