package io.netpark.core.net.options

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.linux.Linux
import io.netpark.core.net.socket.SocketDescriptor
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.testing.use
import java.time.Duration

/** Options as the kernel takes and tells them, over every binding. */
class SocketOptionSpec : NetparkSpec(body = {
    fun seconds(count: Long) = Duration.ofSeconds(count)

    for (libc in Bindings.all) {
        context("${libc.binding()}") {
            suspend fun pair(name: String, host: String = "127.0.0.1", body: (ConnectionDescriptor, ConnectionDescriptor) -> Unit) = test(name) {
                TestReactor(libc).use { reactor ->
                    reactor.pair(host).use { client, server -> body(client.connection, server.connection) }
                }
            }

            fun <T : Any> SocketDescriptor.shouldKeep(option: NetOption<T>, value: T) {
                setOption(option, value)
                getOption(option) shouldBe value
            }

            pair("TCP's options come back as they were set") { client, _ ->
                client.shouldKeep(NetOption.NO_DELAY, false)
                client.shouldKeep(NetOption.CORK, true)
                client.shouldKeep(NetOption.CORK, false)
                client.shouldKeep(NetOption.QUICK_ACK, false)
                client.shouldKeep(NetOption.USER_TIMEOUT, Duration.ofMillis(1234))
                client.shouldKeep(NetOption.NOT_SENT_LOW_WATER, 12_345)
                client.shouldKeep(NetOption.KEEP_ALIVE, true)
                client.shouldKeep(NetOption.KEEP_ALIVE_IDLE, seconds(7))
                client.shouldKeep(NetOption.KEEP_ALIVE_INTERVAL, seconds(8))
                client.shouldKeep(NetOption.KEEP_ALIVE_COUNT, 5)
                client.shouldKeep(NetOption.LINGER, seconds(3))
                client.shouldKeep(NetOption.LINGER, Duration.ZERO)
                client.shouldKeep(NetOption.LINGER, seconds(-1))
                client.shouldKeep(NetOption.TYPE_OF_SERVICE, 0x10)
                client.shouldKeep(NetOption.TIME_TO_LIVE, 33)
                client.shouldKeep(NetOption.PRIORITY, 3)
                client.setOption(NetOption.SEND_BUFFER, 20_000)
                client.getOption(NetOption.SEND_BUFFER) shouldBe 40_000 // the kernel doubles it
                client.getOption(NetOption.MAX_SEGMENT) shouldBeGreaterThan 500
                client.getOption(NetOption.INCOMING_CPU) shouldBeGreaterThan -2
                client.getOption(NetOption.BUSY_POLL) shouldBe 0
                val control = client.getOption(NetOption.CONGESTION)
                client.shouldKeep(NetOption.CONGESTION, control)
                shouldThrow<NetparkException> { client.setOption(NetOption.CONGESTION, "nonsense") }
                    .message!! shouldContain "set TCP_CONGESTION to nonsense"
            }

            pair("less than a second is rounded up, and not away") { client, _ ->
                client.setOption(NetOption.KEEP_ALIVE_IDLE, Duration.ofMillis(1))
                client.getOption(NetOption.KEEP_ALIVE_IDLE) shouldBe seconds(1)
                client.setOption(NetOption.USER_TIMEOUT, Duration.ofNanos(1))
                client.getOption(NetOption.USER_TIMEOUT) shouldBe Duration.ofMillis(1)
            }

            pair("a linger time of less than a second is a second, and no reset; only zero is zero") { client, _ ->
                for (time in listOf(Duration.ofNanos(1), Duration.ofMillis(999), seconds(1))) {
                    client.setOption(NetOption.LINGER, time)
                    client.getOption(NetOption.LINGER) shouldBe seconds(1)
                }
                client.setOption(NetOption.LINGER, Duration.ofMillis(1001))
                client.getOption(NetOption.LINGER) shouldBe seconds(2)
            }

            pair("the longest duration there is stands for the longest that the kernel has") { client, _ ->
                val forever = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999)
                client.setOption(NetOption.LINGER, forever)
                client.getOption(NetOption.LINGER) shouldBe seconds(Int.MAX_VALUE.toLong())
                client.setOption(NetOption.LINGER, forever.negated())
                client.getOption(NetOption.LINGER) shouldBe seconds(-1)
                client.setOption(NetOption.USER_TIMEOUT, forever)
                client.getOption(NetOption.USER_TIMEOUT) shouldBe Duration.ofMillis(Int.MAX_VALUE.toLong())
                for (option in listOf(NetOption.KEEP_ALIVE_IDLE, NetOption.KEEP_ALIVE_INTERVAL)) {
                    client.setOption(option, forever)
                    client.getOption(option) shouldBe seconds(32_767)
                }
                client.setOption(NetOption.DEFER_ACCEPT, forever)
            }

            pair("IPv6 has its own", "::1") { client, _ ->
                client.shouldKeep(NetOption.TRAFFIC_CLASS, 0x20)
                client.shouldKeep(NetOption.HOP_LIMIT, 44)
            }

            pair("any other can be made by its numbers") { client, _ ->
                val delay = NetOption.ofInt("TCP_NODELAY", Linux.IPPROTO_TCP, Linux.TCP_NODELAY)
                client.setOption(delay, 1)
                client.getOption(NetOption.NO_DELAY) shouldBe true
                val type = NetOption.ofBytes("SO_TYPE", Linux.SOL_SOCKET, Linux.SO_TYPE, 4)
                client.getOption(type)[0] shouldBe Linux.SOCK_STREAM.toByte()
                shouldThrow<NetparkException.SystemError> { client.getOption(NetOption.ofInt("SO_NONSENSE", 1, 9999)) }.also {
                    it.errnoName() shouldBe "ENOPROTOOPT"
                    it.message!! shouldContain "SO_NONSENSE"
                }
                shouldThrow<IllegalArgumentException> { NetOption.ofBytes("X", 1, 1, 313) }
            }

            pair("a closed socket has none") { client, _ ->
                client.close()
                shouldThrow<NetparkException.Closed> { client.getOption(NetOption.NO_DELAY) }.message!! shouldContain "TCP_NODELAY"
                shouldThrow<NetparkException.Closed> { client.setOption(NetOption.NO_DELAY, true) }
                shouldThrow<NetparkException.Closed> { client.tcpInfo() }
            }

            pair("what the kernel knows of a connection") { client, server ->
                client.tcpInfo().state() shouldBe TcpInfo.State.ESTABLISHED
                io.netpark.core.testing.BlockingConnection(client).write(ByteArray(100_000))
                eventually { server.tcpInfo().bytesReceived() shouldBe 100_000 }
                eventually { client.tcpInfo().bytesAcknowledged() shouldBeGreaterThanOrEqual 100_000 }
                client.tcpInfo().also {
                    it.roundTrip().toNanos() shouldBeGreaterThan 0
                    it.roundTrip().toNanos() shouldBeLessThan seconds(5).toNanos()
                    it.minRoundTrip().toNanos() shouldBeLessThan seconds(5).toNanos()
                    it.sendSegment() shouldBeGreaterThan 500
                    it.pathMtu() shouldBeGreaterThan 500
                    it.congestionWindow() shouldBeGreaterThan 0
                    it.bytesNotSent() shouldBe 0
                    it.lastDataSent().toMillis() shouldBeLessThan 60_000
                }
                client.shutdownOutput()
                eventually { client.tcpInfo().state() shouldBe TcpInfo.State.FIN_WAIT_2 }
                server.tcpInfo().state() shouldBe TcpInfo.State.CLOSE_WAIT
            }
        }
    }

    test("options are in force before a socket listens or connects, and accepted connections inherit them") {
        TestReactor().use { reactor ->
            val options = NetOptions.DEFAULT.with(NetOption.DEFER_ACCEPT, seconds(3)).with(NetOption.TIME_TO_LIVE, 12)
                .withKeepAlive(seconds(20), seconds(5), 3)
            reactor.listen(options = options).use { listener ->
                listener.listener.getOption(NetOption.DEFER_ACCEPT).seconds shouldBeGreaterThan 0
                reactor.connect(listener.address, options.without(NetOption.DEFER_ACCEPT)).use { client ->
                    client.write("x") // or it is not accepted
                    listener.accept().use { server ->
                        for (end in listOf(client, server)) {
                            end.connection.getOption(NetOption.TIME_TO_LIVE) shouldBe 12
                            end.connection.getOption(NetOption.KEEP_ALIVE_IDLE) shouldBe seconds(20)
                            end.connection.getOption(NetOption.KEEP_ALIVE_COUNT) shouldBe 3
                        }
                    }
                }
            }
            shouldThrow<NetparkException> {
                reactor.listen(options = NetOptions.DEFAULT.with(NetOption.CONGESTION, "nonsense"))
            }.message!! shouldContain "set TCP_CONGESTION to nonsense"
            reactor.listen(loopback("::1"), options).close() // IPv4's are left out
        }
    }
})
