package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.openDescriptorTargets
import io.netpark.core.testing.result

/** Counts system calls that make or watch a descriptor, and refuses one of them. */
private class Refusing(private val real: LibC, private val refused: Int, private val errno: Int) : LibC by real {
    var calls = 0

    override fun socketpair(domain: Int, type: Int, protocol: Int, fds: Long): Int =
        if (++calls == refused) -errno else real.socketpair(domain, type, protocol, fds)

    override fun epollCtl(epfd: Int, operation: Int, fd: Int, event: Long): Int =
        if (operation == Linux.EPOLL_CTL_ADD && ++calls == refused) -errno else real.epollCtl(epfd, operation, fd, event)
}

class ConnectionPairSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (loops in 1..2) {
        test("what one end writes the other reads, in both directions, on $loops loops ($flavour)") {
            TestReactor(flavour, loops).use { reactor ->
                ConnectionDescriptor.pair(reactor.group.next(), reactor.group.next()).use { pair ->
                    (pair.first.loop() === pair.second.loop()) shouldBe (loops == 1)
                    val first = BlockingConnection(pair.first)
                    val second = BlockingConnection(pair.second)
                    val reading = async { second.readText(5) }
                    first.write("there")
                    reading.result() shouldBe "there"
                    second.write("back")
                    first.readText(4) shouldBe "back"
                    first.connection.shutdownOutput()
                    second.readIsAtEnd() shouldBe true
                }
            }
        }
    }

    test("the addresses of both say that they are unnamed unix sockets") {
        TestReactor().use { reactor ->
            ConnectionDescriptor.pair(reactor.loop, reactor.loop).use { pair ->
                pair.first.remoteAddress().toString() shouldBe "unix:unnamed"
                pair.second.localAddress() shouldBe pair.first.remoteAddress()
                (pair.second.remoteAddress() as UnixAddress).isUnnamed shouldBe true
                pair.first.toString() shouldContain "unix:unnamed"
                pair.first.peerCredentials().processId() shouldBe ProcessHandle.current().pid().toInt()
            }
        }
    }

    test("whichever call is refused, nothing stays open, and nothing is counted as open") {
        for ((call, errno) in listOf(1 to Errno.EMFILE, 2 to Errno.ENOSPC, 3 to Errno.ENOSPC)) {
            var refusing: Refusing? = null
            val lazy = object : LibC by Bindings.best {
                override fun socketpair(domain: Int, type: Int, protocol: Int, fds: Long) =
                    (refusing ?: Bindings.best).socketpair(domain, type, protocol, fds)

                override fun epollCtl(epfd: Int, operation: Int, fd: Int, event: Long) =
                    (refusing ?: Bindings.best).epollCtl(epfd, operation, fd, event)
            }
            TestReactor(lazy, loops = 2) { metrics(true) }.use { reactor ->
                val before = openDescriptorTargets()
                refusing = Refusing(Bindings.best, call, errno)
                val failure = shouldThrow<NetparkException> {
                    ConnectionDescriptor.pair(reactor.group.next(), reactor.group.next())
                }
                refusing = null
                withClue("call $call: $failure") {
                    openDescriptorTargets() shouldBe before
                    reactor.group.snapshot().total().connections() shouldBe 0
                    if (call == 1) failure.message shouldContain "make a pair of connections"
                }
            }
        }
    }

    test("a loop that is closed gets neither of them") {
        val before = openDescriptorTargets()
        TestReactor().use { reactor ->
            TestReactor().use { closed ->
                closed.group.close()
                shouldThrow<NetparkException.Closed> { ConnectionDescriptor.pair(reactor.loop, closed.group.first()) }
                shouldThrow<NetparkException.Closed> { ConnectionDescriptor.pair(closed.group.first(), reactor.loop) }
            }
        }
        openDescriptorTargets() shouldBe before
    }
})
