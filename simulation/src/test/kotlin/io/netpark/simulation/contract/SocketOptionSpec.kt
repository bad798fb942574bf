package io.netpark.simulation.contract

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.comparables.shouldBeBetween
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.testing.eventually

// States of TCP (linux/tcp_states.h)
private const val ESTABLISHED = 1
private const val FIN_WAIT_1 = 4
private const val FIN_WAIT_2 = 5
private const val CLOSED = 7
private const val CLOSE_WAIT = 8
private const val LISTEN = 10

/** getsockopt(2), setsockopt(2), socket(7), tcp(7). */
class SocketOptionSpec : ContractSpec({
    contracts(Family.entries, "a socket says what it is") { family ->
        for (type in listOf(Linux.SOCK_STREAM, Linux.SOCK_DGRAM)) {
            val fd = socket(family, type)
            option(fd, Linux.SOL_SOCKET, Linux.SO_TYPE) shouldBe type
            option(fd, Linux.SOL_SOCKET, Linux.SO_DOMAIN) shouldBe family.number
            option(fd, Linux.SOL_SOCKET, Linux.SO_ACCEPTCONN) shouldBe 0
            option(fd, Linux.SOL_SOCKET, Linux.SO_ERROR) shouldBe 0
        }
    }

    contracts(Family.entries, "switches of the socket are off, and keep what they are set to") { family ->
        val fd = socket(family)
        for (name in listOf(Linux.SO_REUSEADDR, Linux.SO_KEEPALIVE, Linux.SO_BROADCAST)) {
            withClue("SOL_SOCKET $name") {
                option(fd, Linux.SOL_SOCKET, name) shouldBe 0
                setOption(fd, Linux.SOL_SOCKET, name, 7) shouldBe 0
                option(fd, Linux.SOL_SOCKET, name) shouldBe 1
                setOption(fd, Linux.SOL_SOCKET, name, 0) shouldBe 0
                option(fd, Linux.SOL_SOCKET, name) shouldBe 0
            }
        }
    }

    contracts(Family.INTERNET, "options of TCP keep what they are set to, from one end of a connection's life to the other") { family ->
        val settings = mapOf(
            Linux.TCP_NODELAY to 1, Linux.TCP_CORK to 1, Linux.TCP_KEEPIDLE to 33, Linux.TCP_KEEPINTVL to 11, Linux.TCP_KEEPCNT to 5,
            Linux.TCP_USER_TIMEOUT to 7000, Linux.TCP_NOTSENT_LOWAT to 16384,
        )
        val (client, server) = connection(family)
        for (fd in listOf(socket(family), client, server)) {
            for ((name, value) in settings) {
                withClue("IPPROTO_TCP $name") {
                    setOption(fd, Linux.IPPROTO_TCP, name, value) shouldBe 0
                    option(fd, Linux.IPPROTO_TCP, name) shouldBe value
                }
            }
        }
        setOption(client, Linux.IPPROTO_TCP, Linux.TCP_KEEPIDLE, 0) shouldFailWith Errno.EINVAL
        setOption(client, Linux.IPPROTO_TCP, Linux.TCP_KEEPCNT, 128) shouldFailWith Errno.EINVAL
    }

    contracts(Family.entries, "buffers have at least twice what was asked for, and never nothing") { family ->
        val fd = socket(family)
        for (name in listOf(Linux.SO_SNDBUF, Linux.SO_RCVBUF)) {
            option(fd, Linux.SOL_SOCKET, name) shouldBeGreaterThan 4096
            setOption(fd, Linux.SOL_SOCKET, name, 50_000) shouldBe 0
            option(fd, Linux.SOL_SOCKET, name) shouldBe 100_000
            setOption(fd, Linux.SOL_SOCKET, name, 0) shouldBe 0
            option(fd, Linux.SOL_SOCKET, name).shouldBeBetween(1024, 16 * 1024)
        }
    }

    contracts(Family.entries, "SO_LINGER is a switch and a number of seconds") { family ->
        val fd = socket(family)
        val value = memory(8)
        val length = memory(4).apply { buffer().putInt(0, 8) }
        setOption(fd, Linux.SOL_SOCKET, Linux.SO_LINGER, 1, 30) shouldBe 0
        libc.getsockopt(fd, Linux.SOL_SOCKET, Linux.SO_LINGER, value.address(), length.address()) shouldBe 0
        listOf(length.buffer().getInt(0), value.buffer().getInt(0), value.buffer().getInt(4)) shouldBe listOf(8, 1, 30)
        setOption(fd, Linux.SOL_SOCKET, Linux.SO_LINGER, 1) shouldFailWith Errno.EINVAL
    }

    contract("TTL, TOS and the hop limit keep what they are set to") {
        val fd = socket(Family.IPV4)
        option(fd, Linux.IPPROTO_IP, Linux.IP_TTL).shouldBeBetween(1, 255)
        setOption(fd, Linux.IPPROTO_IP, Linux.IP_TTL, 9) shouldBe 0
        option(fd, Linux.IPPROTO_IP, Linux.IP_TTL) shouldBe 9
        setOption(fd, Linux.IPPROTO_IP, Linux.IP_TTL, 256) shouldFailWith Errno.EINVAL
        setOption(fd, Linux.IPPROTO_IP, Linux.IP_TOS, 0x10) shouldBe 0
        option(fd, Linux.IPPROTO_IP, Linux.IP_TOS) shouldBe 0x10
    }

    contract("IPV6_V6ONLY is set before a name is", Feature.IPV6) {
        val fd = socket(Family.IPV6)
        setOption(fd, Linux.IPPROTO_IPV6, Linux.IPV6_V6ONLY, 1) shouldBe 0
        option(fd, Linux.IPPROTO_IPV6, Linux.IPV6_V6ONLY) shouldBe 1
        setOption(fd, Linux.IPPROTO_IPV6, Linux.IPV6_UNICAST_HOPS, 9) shouldBe 0
        option(fd, Linux.IPPROTO_IPV6, Linux.IPV6_UNICAST_HOPS) shouldBe 9
        bind(fd, Family.IPV6.free(this)) shouldBe 0
        setOption(fd, Linux.IPPROTO_IPV6, Linux.IPV6_V6ONLY, 0) shouldFailWith Errno.EINVAL
    }

    contracts(Family.INTERNET, "TCP_INFO begins with the state of the connection") { family ->
        val (client, server) = connection(family)
        fun state(fd: Int): Int {
            val info = memory(256)
            val length = memory(4).apply { buffer().putInt(0, 256) }
            libc.getsockopt(fd, Linux.IPPROTO_TCP, Linux.TCP_INFO, info.address(), length.address()) shouldBe 0
            length.buffer().getInt(0) shouldBeGreaterThanOrEqual 104
            return info.buffer().get(0).toInt()
        }
        state(client) shouldBe ESTABLISHED
        state(listener(family)) shouldBe LISTEN
        state(socket(family)) shouldBe CLOSED
        libc.shutdown(server, Linux.SHUT_WR) shouldBe 0
        awaitReadable(client)
        state(client) shouldBe CLOSE_WAIT
        state(server) shouldBeIn listOf(FIN_WAIT_1, FIN_WAIT_2)
        resetByClose(server)
        eventually { state(client) shouldBe CLOSED }
    }

    contracts(Family.entries, "a value that has less room is cut; one that is too short to set is refused") { family ->
        val fd = socket(family)
        setOption(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE, 1) shouldBe 0
        val value = memory(8).apply { buffer().putLong(0, -1) }
        val length = memory(4).apply { buffer().putInt(0, 100) }
        libc.getsockopt(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE, value.address(), length.address()) shouldBe 0
        listOf(length.buffer().getInt(0), value.buffer().getInt(0), value.buffer().getInt(4)) shouldBe listOf(4, 1, -1)
        libc.setsockopt(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE, value.address(), 3) shouldFailWith Errno.EINVAL
        length.buffer().putInt(0, -1)
        libc.getsockopt(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE, value.address(), length.address()) shouldFailWith Errno.EINVAL
    }

    contracts(Family.entries, "an option that is none is ENOPROTOOPT, a level that is none as well") { family ->
        val fd = socket(family)
        option(fd, Linux.SOL_SOCKET, 9999) shouldFailWith Errno.ENOPROTOOPT
        setOption(fd, Linux.SOL_SOCKET, 9999, 1) shouldFailWith Errno.ENOPROTOOPT
        option(fd, 9999, 1) shouldBeIn listOf(-Errno.ENOPROTOOPT, -Errno.EOPNOTSUPP)
        setOption(fd, Linux.SOL_SOCKET, Linux.SO_TYPE, 1) shouldFailWith Errno.ENOPROTOOPT
    }

    contract("what is no socket has no options") {
        option(eventfd(), Linux.SOL_SOCKET, Linux.SO_TYPE) shouldFailWith Errno.ENOTSOCK
        setOption(eventfd(), Linux.SOL_SOCKET, Linux.SO_KEEPALIVE, 1) shouldFailWith Errno.ENOTSOCK
        val (left, _) = socketPair()
        setOption(left, Linux.IPPROTO_TCP, Linux.TCP_NODELAY, 1) shouldFailWith Errno.EOPNOTSUPP
        option(left, Linux.IPPROTO_TCP, Linux.TCP_NODELAY) shouldFailWith Errno.EOPNOTSUPP
    }
})
