package io.netpark.core.net.listening

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.loopback
import io.netpark.core.testing.result
import java.net.InetAddress
import java.net.InetSocketAddress
import kotlin.time.Duration.Companion.milliseconds

/** Listening, accepting and dialing, over every binding, poller and address family. */
class ListenAndDialSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (host in listOf("127.0.0.1", "::1")) {
        context("$flavour $host") {
            suspend fun reactor(name: String, body: TestReactor.() -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use(body) }

            reactor("a port that is in use is named") {
                listen(loopback(host)).use { first ->
                    val failure = shouldThrow<NetparkException.SystemError> { listen(first.address) }
                    failure.errnoName() shouldBe "EADDRINUSE"
                    failure.message!! shouldContain first.address.port.toString()
                    failure.message!! shouldContain if (host == "::1") "[::1]" else host
                }
            }

            reactor("F8: a closed listener's port can be listened on at once, also if an acceptor was parked") {
                HeldPort(host).use { held ->
                    val first = listen(held.address)
                    val acceptor = async { runCatching { first.accept() } }
                    awaitParkedThreads()
                    first.close()
                    // poll(2) holds on to what it waits for until it has returned.
                    val second = if (loop.poller().edgeTriggered()) listen(first.address) else eventually { listen(first.address) }
                    second.use { it.address shouldBe first.address }
                    (acceptor.result().exceptionOrNull() is NetparkException.Closed) shouldBe true
                }
            }

            reactor("R4: dialing a closed port is refused, and the connection closed") {
                HeldPort(host).use { closed ->
                    repeat(3) {
                        val dialed = dial(closed.address)
                        val refused = shouldThrow<NetparkException.Refused> { dialed.connect() }
                        refused.message!! shouldContain ":${closed.port}"
                        refused.message!! shouldContain "ECONNREFUSED"
                        dialed.connection.isClosed shouldBe true
                    }
                }
            }

            reactor("an accept waits for a connection, and ends with its deadline") {
                listen(loopback(host)).use { listener ->
                    listener.listener.setDeadline(Direction.READ, fromNow(20.milliseconds))
                    shouldThrow<NetparkException.TimedOut> { listener.accept() }.timeout() shouldBe NetparkException.Timeout.ACCEPT
                    listener.listener.clearDeadline(Direction.READ)
                    val acceptor = async { listener.accept() }
                    connect(listener.address).use { client ->
                        acceptor.result().use { it.connection.remoteAddress() shouldBe client.connection.localAddress() }
                    }
                }
            }

            reactor("R1: connections and their bytes that came before anybody accepted are not lost") {
                listen(loopback(host)).use { listener ->
                    val clients = List(20) { connect(listener.address).apply { write("early $it".padEnd(10)) } }
                    Thread.sleep(10)
                    val texts = List(20) { listener.accept().use { it.readText(10).trim() } }
                    texts.toSet() shouldBe List(20) { "early $it" }.toSet()
                    clients.forEach { it.close() }
                }
            }

            reactor("a connect with a deadline that has passed is a connect timeout, and closed") {
                listen(loopback(host)).use { listener ->
                    val dialed = dial(listener.address)
                    dialed.connection.setDeadline(Direction.WRITE, fromNow((-1).milliseconds))
                    shouldThrow<NetparkException.TimedOut> { dialed.connect() }.timeout() shouldBe NetparkException.Timeout.CONNECT
                    dialed.connection.isClosed shouldBe true
                }
            }

            reactor("two listeners with SO_REUSEPORT share a port") {
                val options = NetOptions.DEFAULT.withReusePort(true)
                listen(loopback(host), options).use { first ->
                    listen(first.address, options).use { second ->
                        second.address shouldBe first.address
                        val acceptors = listOf(first, second).map { async { runCatching { it.accept() } } }
                        val clients = mutableListOf<AutoCloseable>()
                        while (clients.size < 200 && acceptors.any { !it.isDone }) clients += connect(first.address)
                        acceptors.forEach { it.result().getOrThrow().close() }
                        clients.forEach { it.close() }
                    }
                }
            }
        }
    }

    test("R4: being writable is no verdict: without a peer a dialer waits on, until its deadline") {
        val undecided = object : LibC by Bindings.best {
            @Volatile
            var decided = false

            override fun getpeername(fd: Int, sockaddr: Long, lengthAddress: Long): Int =
                if (decided) Bindings.best.getpeername(fd, sockaddr, lengthAddress) else -Errno.ENOTCONN
        }
        TestReactor(undecided).use { reactor ->
            reactor.listen().use { listener ->
                val dialed = reactor.dial(listener.address)
                val connecting = async { dialed.connect() }
                awaitParkedThreads()
                dialed.connection.nudge(Direction.WRITE)
                awaitParkedThreads()
                undecided.decided = true
                dialed.connection.nudge(Direction.WRITE)
                connecting.result().close()

                undecided.decided = false
                val late = reactor.dial(listener.address)
                late.connection.setDeadline(Direction.WRITE, fromNow(20.milliseconds))
                shouldThrow<NetparkException.TimedOut> { late.connect() }.timeout() shouldBe NetparkException.Timeout.CONNECT
                late.connection.isClosed shouldBe true
            }
        }
    }

    test("an unresolved address and port 0 are refused by their name") {
        TestReactor().use { reactor ->
            val unresolved = InetSocketAddress.createUnresolved("nowhere.example", 80)
            shouldThrow<NetparkException.UnknownHost> { reactor.listen(unresolved) }.message!! shouldContain "nowhere.example:80"
            shouldThrow<NetparkException.UnknownHost> { reactor.dial(unresolved) }.message!! shouldContain "nowhere.example:80"
            shouldThrow<IllegalArgumentException> { reactor.dial(loopback()) }.message!! shouldContain "127.0.0.1:0"
        }
    }

    test("an address of another machine cannot be listened on, and the message says so") {
        TestReactor().use { reactor ->
            val failure = shouldThrow<NetparkException.SystemError> { reactor.listen(loopback("192.0.2.1")) }
            failure.errnoName() shouldBe "EADDRNOTAVAIL"
            failure.message!! shouldContain "192.0.2.1:0"
        }
    }

    test("the IPv6 wildcard takes IPv4 as well, and shows it as IPv4; the IPv4 wildcard does not take IPv6") {
        TestReactor().use { reactor ->
            reactor.listen(InetSocketAddress(InetAddress.getByName("::"), 0)).use { listener ->
                for (host in listOf("127.0.0.1", "::1")) {
                    reactor.connect(loopback(host, listener.address.port)).use {
                        listener.accept().use { accepted ->
                            (accepted.connection.remoteAddress() as InetSocketAddress).address shouldBe InetAddress.getByName(host)
                        }
                    }
                }
            }
            reactor.listen(InetSocketAddress(InetAddress.getByName("0.0.0.0"), 0)).use { listener ->
                shouldThrow<NetparkException.Refused> { reactor.connect(loopback("::1", listener.address.port)) }
            }
            reactor.listen(loopback("::1")).use { listener ->
                shouldThrow<NetparkException.Refused> { reactor.connect(loopback(port = listener.address.port)) }
            }
        }
    }

    test("accepted connections are spread over the loops of the group") {
        TestReactor(loops = 3).use { reactor ->
            reactor.listen().use { listener ->
                val accepted = List(9) {
                    reactor.connect(listener.address).use { listener.accept() }
                }
                accepted.groupBy { it.connection.loop() }.size shouldBe 3
                accepted.forEach { it.close() }
            }
        }
    }
})
