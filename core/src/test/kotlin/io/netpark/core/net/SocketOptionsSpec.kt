package io.netpark.core.net

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.LibC
import io.netpark.core.sys.Linux
import io.netpark.core.sys.NativeMemory
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.use
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
    fun connected(options: SocketOptions, check: SocketSpy.(fd: Int) -> Unit) {
        val spy = SocketSpy(Bindings.best)
        TestReactor(spy).use { reactor ->
            reactor.pair(options = options).use { _, _ ->
                spy.sockets.size shouldBe 3 // the first is the listener's, which is closed
                spy.sockets.drop(1).forEach { spy.check(it) }
            }
        }
    }

    test("by default there is no delay, and keepalive with Go's intervals; accepted connections inherit it") {
        connected(SocketOptions.DEFAULT) { fd ->
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_NODELAY) shouldBe 1
            option(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE) shouldBe 1
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPIDLE) shouldBe 15
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPINTVL) shouldBe 15
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPCNT) shouldBe 9
        }
    }

    test("both can be switched off") {
        connected(SocketOptions.DEFAULT.withNoDelay(false).withKeepAlive(false)) { fd ->
            option(fd, Linux.IPPROTO_TCP, Linux.TCP_NODELAY) shouldBe 0
            option(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE) shouldBe 0
        }
    }

    test("buffer sizes are what was asked for, doubled by the kernel") {
        connected(SocketOptions.DEFAULT.withSendBuffer(20_000).withReceiveBuffer(30_000)) { fd ->
            option(fd, Linux.SOL_SOCKET, Linux.SO_SNDBUF) shouldBeGreaterThanOrEqual 40_000
            option(fd, Linux.SOL_SOCKET, Linux.SO_RCVBUF) shouldBe 60_000
        }
    }

    test("a negative size is refused") {
        shouldThrow<IllegalArgumentException> { SocketOptions.DEFAULT.withSendBuffer(-1) }
        shouldThrow<IllegalArgumentException> { SocketOptions.DEFAULT.withReceiveBuffer(-1) }
    }
})
