package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.dialing.Resolver
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.options.TcpInfo
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.BlackHole
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.openDescriptors
import io.netpark.coroutines.simulation.runNetworkTest
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Dialing as coroutines do it. What the engine below decides is the subject of its own spec. */
class DialSpec : NetparkSpec(body = {
    for (flavour in allAndOrdered) {
        context("$flavour") {
            /** @param spins whether it is about the threads of coroutines: the same in other orders is below */
            suspend fun contract(name: String, spins: Boolean = false, body: suspend CoroutineScope.(Reactor) -> Unit) {
                if (!spins || !flavour.isOrdered) test(name) { onReactor(flavour, loops = 2, body = body) }
            }

            contract("withTimeout and cancellation end a dial, and leave nothing open", spins = true) { reactor ->
                BlackHole().use { hole ->
                    val before = openDescriptors()
                    shouldThrow<CancellationException> { withTimeout(50) { reactor.dial(hole.address) } }
                    repeat(50) { round ->
                        val dialing = launch(Dispatchers.Default) { reactor.dial(hole.address) }
                        repeat(round * 20) { Thread.onSpinWait() }
                        dialing.cancelAndJoin()
                    }
                    soon { openDescriptors() shouldBe before }
                    shouldThrow<NetparkException.TimedOut> { reactor.dial(hole.address, timeout = 50.milliseconds) }
                        .timeout() shouldBe NetparkException.Timeout.CONNECT
                }
            }

            contract("cancelled at the moment of success, the connection is closed", spins = true) { reactor ->
                reactor.listen("127.0.0.1", 0).use { listener ->
                    val before = openDescriptors()
                    val server = launch { listener.serve { it.readToEnd() } }
                    repeat(300) { round ->
                        // Not as the result of an async: a job that is cancelled when its body has returned drops that.
                        val dialed = AtomicReference<Connection>()
                        val dialing = launch(Dispatchers.Default) { dialed.set(reactor.dial(listener.localAddress)) }
                        repeat(round * 10) { Thread.onSpinWait() }
                        dialing.cancelAndJoin()
                        dialed.get()?.close()
                    }
                    soon { openDescriptors() shouldBe before }
                    server.cancelAndJoin()
                }
            }

            contract("a dial on a loop stays on that loop") { reactor ->
                reactor.listen("127.0.0.1", 0).use { listener ->
                    for (dispatcher in reactor.loopDispatchers) {
                        async(dispatcher) {
                            reactor.dial(listener.localAddress).use { it.loop.inLoop() shouldBe true }
                        }.await()
                        listener.accept().close()
                    }
                }
            }

            contract("options, round trips and a unix socket's peer can be asked for") { reactor ->
                reactor.withPair { client, server ->
                    client.write("x")
                    server.readText(1)
                    client.tcpInfo().state shouldBe TcpInfo.State.ESTABLISHED
                    client.setOption(NetOption.QUICK_ACK, true)
                    client.setOption(NetOption.NOT_SENT_LOW_WATER, 16_384)
                    client.getOption(NetOption.NOT_SENT_LOW_WATER) shouldBe 16_384
                }
                val name = UnixAddress.abstractName("netpark-dial-spec-${ProcessHandle.current().pid()}")
                reactor.listen(name).use { listener ->
                    reactor.dial(name).use { client ->
                        listener.accept().use { server ->
                            server.peerCredentials().processId() shouldBe ProcessHandle.current().pid().toInt()
                            client.write("over unix")
                            server.readText(9) shouldBe "over unix"
                        }
                    }
                }
            }
        }
    }

    test("cancelled at any moment, a dial leaves nothing open, and the next is as ever, in other orders").config(enabled = delaysAreOfLoops) {
        inOrders(loops = 2) { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                val server = launch { listener.serve { echo(it) } }
                repeat(30) { round ->
                    val dialed = AtomicReference<Connection>()
                    val dialing = launch(reactor.loopDispatchers[round % 2]) { dialed.set(reactor.dial(listener.localAddress)) }
                    repeat(round) { yield() }
                    dialing.cancelAndJoin()
                    dialed.get()?.close()
                }
                reactor.dial(listener.localAddress).use {
                    it.write("hello")
                    it.readText(5) shouldBe "hello"
                }
                server.cancelAndJoin()
            }
        }
    }

    test("withTimeout and cancellation end a dial that nobody hears, and leave nothing open, in other orders").config(enabled = delaysAreOfLoops) {
        runNetworkTest(1L..5L) {
            val client = host("client")
            val reactor = client.reactor(loops = 2)
            val hole = host("hole").address(7000)
            network.isolate("hole")
            val before = client.kernel.descriptors().size
            shouldThrow<CancellationException> { withTimeout(50) { reactor.dial(hole) } }
            repeat(20) { round ->
                val dialing = launch(reactor.loopDispatchers[round % 2]) { reactor.dial(hole) }
                repeat(round) { yield() }
                dialing.cancelAndJoin()
            }
            soon { client.kernel.descriptors().size shouldBe before }
            shouldThrow<NetparkException.TimedOut> { reactor.dial(hole, timeout = 50.milliseconds) }
                .timeout() shouldBe NetparkException.Timeout.CONNECT
            soon { client.kernel.descriptors().size shouldBe before }
        }
    }

    test("a dialer can be told everything: resolver, delays, where from") {
        onReactor { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                val resolver = Resolver { CompletableFuture.completedFuture(listOf(InetAddress.getByName("127.0.0.1"))) }
                val dialer = reactor.dialer.withResolver(resolver).withLocalAddress(loopback("127.0.0.7"))
                reactor.dial(dialer, "db.internal", listener.port).use {
                    (it.localAddress as InetSocketAddress).address.hostAddress shouldBe "127.0.0.7"
                }
                reactor.dial(dialer, InetSocketAddress.createUnresolved("db.internal", listener.port)).close()
            }
        }
    }

    test("a failure names the host, each address, and why") {
        onReactor { reactor, _ ->
            HeldPort("::").use { held -> // of both families
                val port = held.port
                val both = Resolver { CompletableFuture.completedFuture(listOf("::1", "127.0.0.1").map { InetAddress.getByName(it) }) }
                val message = shouldThrow<NetparkException.Refused> {
                    reactor.dial(reactor.dialer.withResolver(both), "db.internal", port)
                }.message!!
                message shouldContain "connect to db.internal:$port"
                message shouldContain "[::1]:$port: ECONNREFUSED"
                message shouldContain "127.0.0.1:$port: ECONNREFUSED"
            }
        }
    }

    test("10 000 short dials, each of which writes at once, lose nothing") {
        onReactor(loops = 2) { reactor, _ ->
            val received = AtomicInteger()
            reactor.listen("127.0.0.1", 0, NetOptions.DEFAULT).use { listener ->
                val server = launch {
                    listener.serve { connection ->
                        if (String(connection.readToEnd()) == "at once") received.incrementAndGet()
                    }
                }
                coroutineScope {
                    List(100) {
                        async(Dispatchers.Default) {
                            repeat(100) {
                                reactor.dial(listener.localAddress, timeout = 30.seconds).use { it.write("at once") }
                            }
                        }
                    }.awaitAll()
                }
                soon { received.get() shouldBe 10_000 }
                server.cancelAndJoin()
            }
        }
    }

    test("two servers never hear what was meant for the other, however their descriptors are reused") {
        onReactor(loops = 2) { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { first ->
                reactor.listen("127.0.0.1", 0).use { second ->
                    val servers = listOf(first, second).mapIndexed { number, listener ->
                        launch {
                            listener.serve { connection ->
                                val text = connection.readText(20)
                                check(text.startsWith("for server $number ")) { "server $number heard: $text" }
                                connection.write(text)
                            }
                        }
                    }
                    coroutineScope {
                        repeat(20) { client ->
                            launch(Dispatchers.Default) {
                                repeat(100) { round ->
                                    val number = (client + round) % 2
                                    val text = "for server $number $client.$round".padEnd(20)
                                    reactor.dial(listOf(first, second)[number].localAddress).use {
                                        it.write(text)
                                        it.readText(20) shouldBe text
                                    }
                                }
                            }
                        }
                    }
                    servers.forEach { it.cancelAndJoin() }
                }
            }
        }
    }

    test("a dial that starts undispatched and fails at once throws where it was called") {
        onReactor { reactor, _ ->
            HeldPort().use { held ->
                val port = held.port
                val dialing = async(reactor.loopDispatchers.first(), CoroutineStart.DEFAULT) {
                    shouldThrow<NetparkException.Refused> { reactor.dial("127.0.0.1", port) }
                }
                dialing.await().message!! shouldContain ":$port"
                shouldThrow<IllegalArgumentException> { reactor.dial("127.0.0.1", 0) }.message!! shouldContain "1 to 65535"
            }
        }
    }
})
