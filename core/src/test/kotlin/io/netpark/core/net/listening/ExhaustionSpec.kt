package io.netpark.core.net.listening

import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.use

/** R5: accepting when descriptors or memory run out. */
class ExhaustionSpec : NetparkSpec(body = {
    /** While [errno] is not 0, accepting fails with it. */
    class DryLibC(private val real: LibC) : LibC by real {
        @Volatile
        var errno = 0

        override fun accept4(fd: Int, sockaddr: Long, lengthAddress: Long, flags: Int): Int =
            if (errno != 0) -errno else real.accept4(fd, sockaddr, lengthAddress, flags)
    }

    fun acceptAll(listener: BlockingListener, count: Int) = async { List(count) { listener.accept() } }

    for (flavour in Flavour.all) {
        test("$flavour, R5: accepting pauses, is tried again by itself, reported once an episode, and does not spin") {
            val dry = DryLibC(flavour.libc)
            val calls = CallCounter(dry)
            TestReactor(calls.libc, flavour.poller.factory).use { reactor ->
                reactor.listen().use { listener ->
                    for (errno in listOf(Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM)) {
                        dry.errno = errno
                        val accepted = acceptAll(listener, 5)
                        val clients = List(5) { reactor.connect(listener.address) }
                        eventually { reactor.reporter.reports shouldHaveSize 1 }
                        val accepts = calls["accept4"]
                        val waits = calls.waits
                        Thread.sleep(150)
                        calls["accept4"] - accepts shouldBeLessThan 8 // 5, 10, 20, 40, 80 ms: doubled each time
                        calls.waits - waits shouldBeLessThan 40
                        accepted.isDone shouldBe false
                        dry.errno = 0
                        accepted.result().forEach { it.close() }
                        clients.forEach { it.close() }
                        val report = reactor.reporter.drain().single()
                        report.what shouldContain listener.address.port.toString()
                        report.what shouldContain "tried again"
                        report.cause.message!! shouldContain Errno.name(errno)
                        (report.cause is NetparkException) shouldBe true
                    }
                }
            }
        }
    }

    test("R5: when epoll takes no more registrations, accepting pauses as well, and no descriptor leaks") {
        val real = Flavour.all.last { it.poller.toString() == "epoll" }.libc
        val full = object : LibC by real {
            @Volatile
            var refusing = false

            override fun epollCtl(epfd: Int, operation: Int, fd: Int, event: Long): Int =
                if (refusing && operation == Linux.EPOLL_CTL_ADD) -Errno.ENOSPC else real.epollCtl(epfd, operation, fd, event)
        }
        TestReactor(full).use { reactor ->
            reactor.listen().use { listener ->
                val lost = reactor.connect(listener.address)
                full.refusing = true
                val accepted = acceptAll(listener, 1)
                eventually { reactor.reporter.reports shouldHaveSize 1 }
                full.refusing = false
                reactor.reporter.drain()
                reactor.connect(listener.address).use { accepted.result().single().close() }
                lost.close()
            }
        }
    }

    test("connections that broke off while they waited are passed over") {
        val real = Flavour.all.last().libc
        val flaky = object : LibC by real {
            val errors = ArrayDeque(listOf(Errno.ECONNABORTED, Errno.EINTR, Errno.EPROTO, Errno.ENETDOWN, Errno.EHOSTUNREACH))

            override fun accept4(fd: Int, sockaddr: Long, lengthAddress: Long, flags: Int): Int =
                synchronized(errors) { errors.removeFirstOrNull() }?.unaryMinus() ?: real.accept4(fd, sockaddr, lengthAddress, flags)
        }
        TestReactor(flaky).use { reactor ->
            reactor.listen().use { listener ->
                reactor.connect(listener.address).use { listener.accept().close() }
                flaky.errors.size shouldBe 0
            }
        }
    }

    test("a listener that nobody accepts from does not keep its loop busy") {
        for (flavour in Flavour.all) {
            val calls = CallCounter(flavour.libc)
            TestReactor(calls.libc, flavour.poller.factory).use { reactor ->
                reactor.listen().use { listener ->
                    val clients = List(3) { reactor.connect(listener.address) }
                    Thread.sleep(50)
                    val waits = calls.waits
                    Thread.sleep(100)
                    calls.waits - waits shouldBeLessThan 3
                    repeat(3) { listener.accept().close() }
                    calls["accept4"] shouldBeGreaterThan 2
                    clients.forEach { it.close() }
                }
            }
        }
    }
})
