package io.netpark.simulation.contract

import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno

private const val IN = Linux.EPOLLIN
private const val OUT = Linux.EPOLLOUT
private const val RDHUP = Linux.EPOLLRDHUP
private const val HUP = Linux.EPOLLHUP
private const val ET = Linux.EPOLLET
private const val ONESHOT = Linux.EPOLLONESHOT

/** What a connection of Netpark is registered with. */
private const val ALL = IN or OUT or RDHUP or ET

/** EPOLLET and EPOLLONESHOT of epoll(7). */
class EdgeTriggeringSpec : ContractSpec({
    contract("a change is reported once, with all that is true then") {
        val epfd = epoll()
        val (left, right) = socketPair()
        watch(epfd, left, ALL)
        look(epfd) shouldBe mapOf(left.toLong() to OUT)
        look(epfd) shouldBe emptyMap()
        send(right, "x") shouldBe 1
        look(epfd) shouldBe mapOf(left.toLong() to (IN or OUT))
        look(epfd) shouldBe emptyMap()
    }

    contract("every arrival is a change, whether the one before was read or not") {
        val epfd = epoll()
        val (left, right) = socketPair()
        watch(epfd, left, IN or ET)
        repeat(3) {
            send(right, "x") shouldBe 1
            look(epfd) shouldBe mapOf(left.toLong() to IN)
            look(epfd) shouldBe emptyMap()
        }
        receive(left, 2) shouldBe 2
        look(epfd) shouldBe emptyMap()
        send(right, "y") shouldBe 1
        look(epfd) shouldBe mapOf(left.toLong() to IN)
    }

    contract("arrivals between two waits are one report") {
        val epfd = epoll()
        val (left, right) = socketPair()
        watch(epfd, left, IN or ET)
        repeat(3) { send(right, "x") shouldBe 1 }
        look(epfd) shouldBe mapOf(left.toLong() to IN)
        look(epfd) shouldBe emptyMap()
    }

    contract("what was read before the wait is not reported") {
        val epfd = epoll()
        val (left, right) = socketPair()
        watch(epfd, left, IN or ET)
        send(right, "x") shouldBe 1
        receive(left) shouldBe 1
        look(epfd) shouldBe emptyMap()
    }

    contract("every write to an eventfd is a change") {
        val (epfd, fd) = epoll() to eventfd()
        watch(epfd, fd, IN or ET)
        repeat(3) {
            writeNumber(fd, 1)
            look(epfd) shouldBe mapOf(fd.toLong() to IN)
            look(epfd) shouldBe emptyMap()
        }
    }

    contracts(Family.entries, "room is reported when there is some again, after EAGAIN") { family ->
        val (client, server) = connection(family)
        val epfd = epoll()
        watch(epfd, client, OUT or ET)
        look(epfd) shouldBe mapOf(client.toLong() to OUT)
        fill(client)
        look(epfd) // bytes that were on their way may have made room
        fill(client)
        drain(server)
        do {
            drain(server)
        } while (look(epfd, timeoutMillis = 1).isEmpty())
        send(client, "x") shouldBe 1
    }

    contract("the end of a stream is a change, and its reset another") {
        val epfd = epoll()
        val (left, right) = socketPair()
        watch(epfd, left, ALL)
        look(epfd)
        libc.shutdown(right, Linux.SHUT_WR) shouldBe 0
        look(epfd) shouldBe mapOf(left.toLong() to (IN or OUT or RDHUP))
        look(epfd) shouldBe emptyMap()
        close(right)
        look(epfd) shouldBe mapOf(left.toLong() to (IN or OUT or RDHUP or HUP))
        look(epfd) shouldBe emptyMap()
    }

    contracts(Family.entries, "a connection that ends is reported by RDHUP together with the bytes before it") { family ->
        val (client, server) = connection(family)
        val epfd = epoll()
        send(server, "last") shouldBe 4
        libc.shutdown(server, Linux.SHUT_WR) shouldBe 0
        awaitAny(client, RDHUP)
        watch(epfd, client, ALL)
        look(epfd) shouldBe mapOf(client.toLong() to (IN or OUT or RDHUP))
        look(epfd) shouldBe emptyMap()
        receiveText(client) shouldBe "last"
        receive(client) shouldBe 0
        look(epfd) shouldBe emptyMap()
    }

    contracts(Family.entries, "each connection to a listener is a change") { family ->
        val listener = listener(family)
        val epfd = epoll()
        watch(epfd, listener, IN or ET)
        repeat(2) {
            dial(family, listener)
            await(epfd) shouldBe mapOf(listener.toLong() to IN)
        }
        look(epfd) shouldBe emptyMap()
    }

    contract("MOD reports anew what is true") {
        val (epfd, fd) = epoll() to eventfd(1)
        watch(epfd, fd, IN or ET)
        look(epfd) shouldBe mapOf(fd.toLong() to IN)
        look(epfd) shouldBe emptyMap()
        modify(epfd, fd, IN or OUT or ET)
        look(epfd) shouldBe mapOf(fd.toLong() to (IN or OUT))
        look(epfd) shouldBe emptyMap()
    }

    contract("a change that a wait had no room for is reported by the next") {
        val epfd = epoll()
        val ready = List(3) { eventfd(1).also { fd -> watch(epfd, fd, IN or ET) }.toLong() }
        val seen = List(3) { look(epfd, capacity = 1).keys.single() }
        seen.toSet() shouldBe ready.toSet()
        look(epfd, capacity = 1) shouldBe emptyMap()
    }

    contract("edges are of each epoll instance") {
        val (first, second) = epoll() to epoll()
        val fd = eventfd()
        watch(first, fd, IN or ET)
        watch(second, fd, IN or ET)
        writeNumber(fd, 1)
        look(first) shouldBe mapOf(fd.toLong() to IN)
        look(second) shouldBe mapOf(fd.toLong() to IN)
    }

    contract("one-shot: a report disarms it, ERR and HUP included, until MOD") {
        val epfd = epoll()
        val (left, right) = socketPair()
        watch(epfd, left, IN or ONESHOT)
        send(right, "x") shouldBe 1
        look(epfd) shouldBe mapOf(left.toLong() to IN)
        send(right, "y") shouldBe 1
        look(epfd) shouldBe emptyMap()
        close(right)
        look(epfd) shouldBe emptyMap()
        modify(epfd, left, IN or ONESHOT)
        look(epfd) shouldBe mapOf(left.toLong() to (IN or HUP))
        look(epfd) shouldBe emptyMap()
        control(epfd, Linux.EPOLL_CTL_ADD, left, IN) shouldFailWith Errno.EEXIST
    }

    contract("one-shot and edge-triggered: what came while it was disarmed is reported by MOD") {
        val (epfd, fd) = epoll() to eventfd()
        watch(epfd, fd, IN or ONESHOT or ET)
        writeNumber(fd, 1)
        look(epfd) shouldBe mapOf(fd.toLong() to IN)
        readNumber(fd)
        writeNumber(fd, 1)
        look(epfd) shouldBe emptyMap()
        modify(epfd, fd, IN or ONESHOT or ET)
        look(epfd) shouldBe mapOf(fd.toLong() to IN)
    }
})
