package io.netpark.simulation.kernel

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Direction
import io.netpark.core.linux.Linux
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.Calls
import io.netpark.core.sys.Clock
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.SockAddr
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.Outcome
import io.netpark.core.testing.PollerKind
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import io.netpark.simulation.schedule.VirtualClock
import java.net.SocketAddress
import java.time.Duration
import kotlin.random.Random

/** Whole event loops, with real threads, on a kernel that is in memory. */
class LoopsOnSimulatedKernelSpec : NetparkSpec(body = {
    for (poller in PollerKind.all) {
        fun simulated(clock: Clock = Clock.SYSTEM, loops: Int = 1, body: (TestReactor, SimulatedKernel) -> Unit) {
            val kernel = SimulatedKernel(clock)
            TestReactor(kernel, poller.factory, loops) { clock(clock) }.use { body(it, kernel) }
            kernel.descriptors().shouldBeEmpty()
        }

        val addresses: List<Pair<String, SocketAddress>> = listOf(
            "IPv4" to loopback(), "IPv6" to loopback("::1"), "a path" to UnixAddress.path("/run/echo.sock"),
            "an abstract name" to UnixAddress.abstractName("echo"),
        )
        for ((kind, address) in addresses) {
            test("$poller: what a client says over $kind is echoed, up to the end") {
                simulated { reactor, _ ->
                    reactor.listen(address).use { listener ->
                        val server = async {
                            listener.accept().use { connection ->
                                while (true) {
                                    val said = connection.readSome()
                                    if (said.isEmpty()) break
                                    connection.write(said)
                                }
                            }
                        }
                        reactor.connect(listener.listener.localAddress()).use { client ->
                            for (text in listOf("hello", "again")) {
                                client.write(text)
                                client.readText(text.length) shouldBe text
                            }
                            client.connection.shutdownOutput()
                            client.readIsAtEnd() shouldBe true
                        }
                        server.result()
                    }
                }
            }

            test("$poller: a megabyte each way over $kind arrives byte for byte through small buffers") {
                simulated(loops = 2) { reactor, _ ->
                    val options = NetOptions.DEFAULT.withSendBuffer(8192).withReceiveBuffer(8192)
                    val bytes = Random(7).nextBytes(1 shl 20)
                    reactor.listen(address, options).use { listener ->
                        val server = async {
                            listener.accept().use { connection -> exchange(connection, bytes) shouldBe bytes }
                        }
                        reactor.connect(listener.listener.localAddress(), options).use { client -> exchange(client, bytes) shouldBe bytes }
                        server.result()
                    }
                }
            }
        }

        test("$poller: nobody listens, and the dial says so") {
            simulated { reactor, _ ->
                val closed = reactor.listen().use { it.address }
                shouldThrow<NetparkException.Refused> { reactor.connect(closed) }
            }
        }

        test("$poller: hours of waiting pass when the clock is moved") {
            val clock = VirtualClock(1)
            simulated(clock) { reactor, _ ->
                reactor.pair().use { client, server ->
                    client.connection.setDeadline(Direction.READ, clock.after(Duration.ofHours(3)))
                    val read = async { shouldThrow<NetparkException.TimedOut> { client.readSome() } }
                    eventually {
                        clock.advance(Duration.ofHours(1))
                        check(read.isDone)
                    }
                    read.result()
                    server.write("still there")
                    client.connection.setDeadline(Direction.READ, clock.after(Duration.ofHours(3)))
                    client.readText(11) shouldBe "still there"
                }
            }
        }

        test("$poller: a dial to a listener whose queue is full is answered when there is room, a second later") {
            val clock = VirtualClock(2)
            simulated(clock) { reactor, kernel ->
                Calls(kernel).use { calls ->
                    val listener = calls.open(kernel.socket(Linux.AF_INET, Linux.SOCK_STREAM, 0))
                    kernel.bind(listener, calls.address, calls.put(loopback())) shouldBe 0
                    kernel.listen(listener, 0) shouldBe 0
                    kernel.getsockname(listener, calls.address, calls.length(SockAddr.MAX_SIZE)) shouldBe 0
                    val address = calls.socketAddress()
                    reactor.connect(address).use {
                        val outcome = Outcome().also { Dialer.of(reactor.group).dial(address, it) }
                        eventually { check(kernel.descriptors().any { tcpState(kernel, calls, it) == SYN_SENT }) }
                        calls.open(kernel.accept4(listener, 0, 0, 0))
                        clock.advance(Duration.ofSeconds(1))
                        outcome.await().close()
                    }
                }
            }
        }
    }
})

private const val SYN_SENT = 2

/** As TCP_INFO has it; nothing if it is no socket of TCP. */
private fun tcpState(kernel: SimulatedKernel, calls: Calls, fd: Int): Int? =
    if (kernel.getsockopt(fd, Linux.IPPROTO_TCP, Linux.TCP_INFO, calls.address, calls.length(192)) == 0) calls.buffer.get(0).toInt() else null

/** Writes all of [bytes] and reads as many, at the same time. */
private fun exchange(connection: BlockingConnection, bytes: ByteArray): ByteArray {
    val writer = async { connection.write(bytes) }
    return connection.readFully(bytes.size).also { writer.result() }
}
