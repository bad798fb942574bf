package io.netpark.core.net.listening

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.jmx.ManagedLoops
import io.netpark.core.linux.Linux
import io.netpark.core.report.GroupHealth.ListenerHealth
import io.netpark.core.report.Reporter
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Family
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.dialPackets
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.listenPackets
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.lang.management.ManagementFactory
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicInteger

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
                        calls["accept4"] - accepts shouldBeLessThan 12 // 5, 10, 20, 40, 80 ms: doubled each time
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

    /** While [errno] is not 0, epoll takes no registration; while [unchanging] is set, it changes none. */
    class FullEpoll(private val real: LibC) : LibC by real {
        @Volatile
        var errno = 0

        @Volatile
        var unchanging = false

        val changes = AtomicInteger()

        override fun epollCtl(epfd: Int, operation: Int, fd: Int, event: Long): Int = when {
            // Looked at before it is counted: a test that has seen the count may set it.
            operation == Linux.EPOLL_CTL_MOD && unchanging.also { changes.incrementAndGet() } -> -Errno.ENOMEM
            errno != 0 && operation == Linux.EPOLL_CTL_ADD -> -errno
            else -> real.epollCtl(epfd, operation, fd, event)
        }
    }

    val libc = Flavour.all.last { it.poller.toString() == "epoll" }.libc

    test("R5: while accepting pauses, health and JMX say so, and of which listener") {
        val dry = DryLibC(libc)
        TestReactor(dry).use { reactor ->
            reactor.listen().use { listener ->
                fun state() = reactor.group.health().listeners().single().state()
                dry.errno = Errno.EMFILE
                val accepted = acceptAll(listener, 1)
                reactor.connect(listener.address).use {
                    eventually { state() shouldBe ListenerHealth.State.PAUSED }
                    ManagedLoops.register(reactor.group, "paused").use { managed ->
                        val paused = ManagementFactory.getPlatformMBeanServer().getAttribute(managed.objectName(), "PausedListeners")
                        (paused as Array<*>).toList() shouldBe listOf(AddressText.of(listener.address))
                    }
                    dry.errno = 0
                    accepted.result().single().close()
                    eventually { state() shouldNotBe ListenerHealth.State.PAUSED }
                }
            }
            reactor.reporter.drain() shouldHaveSize 1
        }
    }

    for (errno in listOf(Errno.ENOSPC, Errno.ENOMEM)) {
        test("R5: when epoll takes no more registrations (${Errno.name(errno)}), accepting pauses as well, and nobody is lost") {
            val full = FullEpoll(libc)
            val admission = Admission.of(3, Admission.Excess.WAIT, 3)
            TestReactor(full) { metrics(true) }.use { reactor ->
                reactor.listen(admission = admission).use { listener ->
                    val clients = List(3) { reactor.connect(listener.address) }
                    full.errno = errno
                    val accepted = acceptAll(listener, 3)
                    eventually { reactor.reporter.reports shouldHaveSize 1 }
                    accepted.isDone shouldBe false
                    full.errno = 0
                    val servers = accepted.result()
                    val report = reactor.reporter.drain().single()
                    report.what shouldContain "tried again"
                    report.cause.message!! shouldContain "register connection to "
                    report.cause.message!! shouldContain Errno.name(errno)
                    admission.open() shouldBe 3
                    clients.forEach { it.write("x") }
                    servers.forEach { it.readText(1) shouldBe "x" }
                    (clients + servers).forEach { it.close() }
                    admission.open() shouldBe 0
                    reactor.group.snapshot().total().connections() shouldBe 0
                }
            }
        }
    }

    test("R5: who was accepted and could not be watched is reset by the end of the listener") {
        val full = FullEpoll(libc)
        val admission = Admission.of(1, Admission.Excess.REFUSE)
        TestReactor(full).use { reactor ->
            val listener = reactor.listen(admission = admission)
            val client = reactor.connect(listener.address)
            full.errno = Errno.ENOSPC
            val accepted = acceptAll(listener, 1)
            eventually { reactor.reporter.reports shouldHaveSize 1 }
            admission.open() shouldBe 1
            listener.close()
            (accepted.failure() is NetparkException.Closed) shouldBe true
            shouldThrow<NetparkException.Reset> { client.readSome() }
            admission.open() shouldBe 0
            client.close()
            reactor.reporter.drain()
        }
    }

    test("R5: a message socket that could not be watched is not lost either") {
        val full = FullEpoll(libc)
        TestReactor(full).use { reactor ->
            val address = Family.ABSTRACT.freshAddress()
            reactor.listenPackets(address).use { listener ->
                reactor.dialPackets(address).use { client ->
                    full.errno = Errno.ENOSPC
                    val accepted = async { listener.accept() }
                    eventually { reactor.reporter.reports shouldHaveSize 1 }
                    full.errno = 0
                    accepted.result().use { server ->
                        client.send("x")
                        server.receive().text shouldBe "x"
                    }
                }
            }
            reactor.reporter.drain() shouldHaveSize 1
        }
    }

    test("a change that epoll refuses is tried again, and reported once") {
        val full = FullEpoll(libc)
        TestReactor(full).use { reactor ->
            reactor.listen().use { listener ->
                val first = reactor.connect(listener.address)
                eventually { full.changes.get() shouldBe 1 } // nobody accepts, so it is not watched any more
                full.unchanging = true
                listener.accept().close()
                val accepted = acceptAll(listener, 1)
                eventually { reactor.reporter.reports shouldHaveSize 1 }
                val second = reactor.connect(listener.address)
                accepted.result().single().close()
                val report = reactor.reporter.drain().single()
                report.what shouldContain "${listener.address.port}"
                report.cause.message!! shouldContain "ENOMEM"
                first.close()
                second.close()
            }
        }
    }

    test("whoever is told of a refused change may wait for others, who look at the listener") {
        val full = FullEpoll(libc)
        lateinit var listener: BlockingListener
        val seen = CompletableFuture<ListenerHealth.State>()
        val curious = Reporter { _, _ -> seen.complete(async { listener.listener.health()!!.state() }.result()) }
        TestReactor(full) { reporter(curious) }.use { reactor ->
            listener = reactor.listen()
            listener.use {
                reactor.connect(listener.address).use {
                    eventually { full.changes.get() shouldBe 1 }
                    full.unchanging = true
                    listener.accept().close()
                    val accepted = acceptAll(listener, 1)
                    seen.result() shouldBe ListenerHealth.State.UNWATCHED
                    full.unchanging = false
                    reactor.connect(listener.address).use { accepted.result().single().close() }
                }
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
                    calls.awaitQuiet()
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
