package io.netpark.core.net.dialing

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.result
import java.net.InetAddress
import java.net.UnknownHostException
import java.time.Duration
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger

/** The system's resolver, with a name service that hangs for some names. */
class SystemResolverSpec : NetparkSpec(body = {
    class NameService : AutoCloseable {
        private val end = CountDownLatch(1)
        private val asked = ConcurrentHashMap<String, AtomicInteger>()
        val hanging = AtomicInteger()
        val most = AtomicInteger()
        val resolver = SystemResolver(::ask, Duration.ofMillis(20)) // each test waits until its threads are gone

        fun asked(host: String) = asked[host]?.get() ?: 0

        fun ask(host: String): Array<InetAddress> {
            asked.computeIfAbsent(host) { AtomicInteger() }.incrementAndGet()
            if (host.startsWith("slow")) {
                most.accumulateAndGet(hanging.incrementAndGet(), ::maxOf)
                end.await()
                hanging.decrementAndGet()
            }
            if (host.endsWith("unknown")) throw UnknownHostException(host)
            return arrayOf(InetAddress.getByName("10.0.0.1"), InetAddress.getByName("::1"))
        }

        fun goOn() = end.countDown()

        override fun close() {
            goOn()
            eventually { hanging.get() shouldBe 0 }
        }
    }

    test("names that hang hold up no other, whether somebody waits for them or not") {
        NameService().use { names ->
            val slow = List(SystemResolver.MOST_WANTED - 1) { names.resolver.resolve("slow$it") }
            eventually { names.hanging.get() shouldBe slow.size }
            names.resolver.resolve("fast").result().first() shouldBe InetAddress.getByName("::1")
            slow.forEach { it.cancel(true) }
            val more = List(200) { names.resolver.resolve("slow-too$it") }
            eventually { names.hanging.get() shouldBe slow.size + SystemResolver.MOST_WANTED }
            more.forEach { it.cancel(true) }
            names.resolver.resolve("fast").result()
        }
    }

    test("a name is looked up once at a time: who asks meanwhile gets the same answer, also for one that was given up") {
        NameService().use { names ->
            val askers = List(50) { names.resolver.resolve("slow") }
            eventually { names.hanging.get() shouldBe 1 }
            askers.drop(1).forEach { it.cancel(true) }
            askers.first().isDone shouldBe false
            askers.first().cancel(true)
            val again = List(2) { names.resolver.resolve("slow") }
            val unknown = List(2) { names.resolver.resolve("slow.unknown") }
            eventually { names.hanging.get() shouldBe 2 }
            names.goOn()
            again.forEach { it.result().size shouldBe 2 }
            (again[0].result() === again[1].result()) shouldBe false // each may do with it what it likes
            unknown.forEach { (it.failure() is UnknownHostException) shouldBe true }
            names.asked("slow") shouldBe 1
            names.resolver.resolve("slow").result()
            names.asked("slow") shouldBe 2
        }
    }

    test("how many look-ups there are is bounded; those in excess wait, are made in turn, and go when nobody wants them") {
        NameService().use { names ->
            val asked = List(6) { round ->
                List(SystemResolver.MOST_WANTED) { names.resolver.resolve("slow$round-$it") }.also {
                    if (round < 5) it.forEach { one -> one.cancel(true) }
                }
            }
            eventually { names.hanging.get() shouldBe SystemResolver.MOST }
            val gone = names.resolver.resolve("gone")
            gone.cancel(true)
            val last = names.resolver.resolve("last")
            names.goOn()
            last.result()
            asked.last().forEach { it.result() }
            names.most.get() shouldBe SystemResolver.MOST
            names.asked("gone") shouldBe 0
        }
    }

    test("a look-up that fails tells why, and its name can be asked for again") {
        NameService().use { names ->
            repeat(2) {
                shouldThrow<UnknownHostException> { throw names.resolver.resolve("unknown").failure() }.message!! shouldContain "unknown"
            }
            names.asked("unknown") shouldBe 2
        }
    }
})
