package io.netpark.core.net.options

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.net.messages.MessageListenerDescriptor
import io.netpark.core.sys.LibC
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingMessageListener
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.dialPackets
import io.netpark.core.testing.loopback
import io.netpark.core.testing.temporaryPath
import io.netpark.core.testing.use
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue

/** Options are read back with getsockopt from every connected socket: the dialed and the accepted one. */
class SocketOptionsSpec : NetparkSpec(body = {
    class SocketSpy(private val real: LibC) : LibC by real {
        val sockets = ConcurrentLinkedQueue<Int>()
        private val memory = NativeMemory.allocate(16)

        override fun socket(domain: Int, type: Int, protocol: Int) = real.socket(domain, type, protocol).also { sockets += it }

        override fun accept4(fd: Int, sockaddr: Long, lengthAddress: Long, flags: Int) =
            real.accept4(fd, sockaddr, lengthAddress, flags).also { if (it >= 0) sockets += it }

        fun option(fd: Int, level: Int, option: Int): Int {
            memory.buffer().putInt(8, 4)
            real.getsockopt(fd, level, option, memory.address(), memory.address() + 8) shouldBe 0
            return memory.buffer().getInt(0)
        }
    }

    /** The options of the dialed and the accepted end. */
    fun connected(options: NetOptions, check: SocketSpy.(fd: Int) -> Unit) {
        val spy = SocketSpy(Bindings.best)
        TestReactor(spy).use { reactor ->
            reactor.pair(options = options).use { _, _ ->
                spy.sockets.size shouldBe 3 // the first is the listener's, which is closed
                spy.sockets.drop(1).forEach { spy.check(it) }
            }
        }
    }

    test("by default there is no delay, and keepalive with Go's intervals; accepted connections inherit it") {
        connected(NetOptions.DEFAULT) { fd ->
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_NODELAY) shouldBe 1
            option(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE) shouldBe 1
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPIDLE) shouldBe 15
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPINTVL) shouldBe 15
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPCNT) shouldBe 9
        }
    }

    test("both can be switched off") {
        connected(NetOptions.DEFAULT.withNoDelay(false).withKeepAlive(false)) { fd ->
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_NODELAY) shouldBe 0
            option(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE) shouldBe 0
        }
    }

    test("buffer sizes are what was asked for, doubled by the kernel") {
        connected(NetOptions.DEFAULT.withSendBuffer(20_000).withReceiveBuffer(30_000)) { fd ->
            option(fd, Linux.SOL_SOCKET, Linux.SO_SNDBUF) shouldBeGreaterThanOrEqual 40_000
            option(fd, Linux.SOL_SOCKET, Linux.SO_RCVBUF) shouldBe 60_000
        }
    }

    test("accepted connections have what was set on the listener, of TCP by the kernel but for its priority, of unix by a call each") {
        for (address in listOf(loopback(), UnixAddress.path(temporaryPath()))) {
            val counter = CallCounter()
            TestReactor(counter.libc).use { reactor ->
                val options = NetOptions.DEFAULT.withSendBuffer(100_000).withReceiveBuffer(90_000)
                    .with(NetOption.PRIORITY, 3).with(NetOption.LINGER, Duration.ofSeconds(7)).with(NetOption.REUSE_ADDRESS, true)
                reactor.listen(address, options).use { listener ->
                    reactor.dial(listener.listener.localAddress()).connect().use {
                        val before = counter["setsockopt"]
                        listener.accept().use { server ->
                            counter["setsockopt"] - before shouldBe if (address is UnixAddress) 4 else 1
                            server.connection.getOption(NetOption.SEND_BUFFER) shouldBe 200_000
                            server.connection.getOption(NetOption.RECEIVE_BUFFER) shouldBe 180_000
                            server.connection.getOption(NetOption.PRIORITY) shouldBe 3
                            server.connection.getOption(NetOption.LINGER) shouldBe Duration.ofSeconds(7)
                        }
                    }
                }
                if (address is UnixAddress) {
                    MessageListenerDescriptor.listen(reactor.group, UnixAddress.path(temporaryPath()), options).use { listener ->
                        reactor.dialPackets(listener.localAddress()).use {
                            BlockingMessageListener(listener).accept().use { server ->
                                server.socket.getOption(NetOption.SEND_BUFFER) shouldBe 200_000
                            }
                        }
                    }
                    reactor.listen(UnixAddress.path(temporaryPath())).use { listener ->
                        reactor.dial(listener.listener.localAddress()).connect().use {
                            val before = counter["setsockopt"]
                            listener.accept().close()
                            counter["setsockopt"] - before shouldBe 0 // of the defaults
                        }
                    }
                }
            }
        }
    }

    test("of TCP all that is set on a listener is inherited, but what is about the beginning") {
        TestReactor().use { reactor ->
            val set = listOf(
                NetOption.NO_DELAY to false, NetOption.KEEP_ALIVE to true, NetOption.KEEP_ALIVE_COUNT to 4,
                NetOption.NOT_SENT_LOW_WATER to 12_345, NetOption.TYPE_OF_SERVICE to 0x10, NetOption.TIME_TO_LIVE to 33,
            )
            var options = NetOptions.DEFAULT.with(NetOption.USER_TIMEOUT, Duration.ofMillis(4321))
                .with(NetOption.KEEP_ALIVE_IDLE, Duration.ofSeconds(77)).with(NetOption.CONGESTION, "reno")
            @Suppress("UNCHECKED_CAST")
            for ((option, value) in set) options = options.with(option as NetOption<Any>, value)
            reactor.listen(options = options).use { listener ->
                reactor.connect(listener.address).use {
                    listener.accept().use { server ->
                        for ((option, value) in set) withClue("$option") { server.connection.getOption(option) shouldBe value }
                        server.connection.getOption(NetOption.USER_TIMEOUT) shouldBe Duration.ofMillis(4321)
                        server.connection.getOption(NetOption.KEEP_ALIVE_IDLE) shouldBe Duration.ofSeconds(77)
                        server.connection.getOption(NetOption.CONGESTION) shouldBe "reno"
                    }
                }
            }
        }
    }

    test("a negative size is refused") {
        shouldThrow<IllegalArgumentException> { NetOptions.DEFAULT.withSendBuffer(-1) }
        shouldThrow<IllegalArgumentException> { NetOptions.DEFAULT.withReceiveBuffer(-1) }
    }
})
