package io.netpark.simulation.kernel

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.testing.NetparkSpec
import io.netpark.simulation.contract.Caller
import io.netpark.simulation.contract.Family
import io.netpark.simulation.contract.Kernel
import io.netpark.simulation.contract.bind
import io.netpark.simulation.contract.connect
import io.netpark.simulation.contract.option
import io.netpark.simulation.contract.setOption
import io.netpark.simulation.contract.shouldFailWith
import io.netpark.simulation.contract.socket
import io.netpark.simulation.link.LinkConditions
import io.netpark.simulation.schedule.Schedule
import io.netpark.simulation.schedule.withTasks
import java.net.InetAddress
import java.net.InetSocketAddress
import java.time.Duration
import java.time.Instant
import java.util.concurrent.ExecutionException

/** What happens between hosts, by system calls that wait, on threads of one schedule. */
class NetworkSpec : NetparkSpec(body = {

    test("a handshake takes a round trip, and bytes take the latency") {
        Two(1, LinkConditions.IDEAL.withLatency(Duration.ofMillis(20))).run {
            serve { connection ->
                elapsed shouldBe Duration.ofMillis(20)
                server.receiveText(connection) shouldBe "hello"
                elapsed shouldBe Duration.ofMillis(60)
                server.send(connection, "you too") shouldBe 7
            }
            val connection = dial()
            elapsed shouldBe Duration.ofMillis(40)
            client.send(connection, "hello") shouldBe 5
            client.receiveText(connection) shouldBe "you too"
            elapsed shouldBe Duration.ofMillis(80)
            client.receive(connection) shouldBe 0
        }
    }

    test("nobody listens: that is known a round trip later") {
        Two(1, LinkConditions.IDEAL.withLatency(Duration.ofMillis(20))).run {
            client.connect(client.socket(Family.IPV4, flags = 0), address) shouldFailWith Errno.ECONNREFUSED
            elapsed shouldBe Duration.ofMillis(40)
        }
    }

    test("nobody has the address") {
        Two(1).run {
            val nobody = InetSocketAddress(InetAddress.getByAddress(byteArrayOf(10, 0, 0, 77)), 1)
            client.connect(client.socket(Family.IPV4, flags = 0), nobody) shouldFailWith Errno.ENETUNREACH
        }
    }

    test("a narrow link lets bytes through one after the other") {
        Two(1, LinkConditions.IDEAL.withBytesPerSecond(1000)).run {
            serve { connection -> server.drain(connection) shouldBe 2500 }
            val connection = dial()
            client.send(connection, 500) shouldBe 500
            client.send(connection, 2000) shouldBe 2000
            client.shutdown(connection)
            client.receive(connection) shouldBe 0
            elapsed shouldBe Duration.ofMillis(2500)
        }
    }

    test("a megabyte comes byte for byte through small buffers, over a link with jitter") {
        val conditions = LinkConditions.IDEAL.withLatency(Duration.ofMillis(5)).withJitter(Duration.ofMillis(50))
        Two(2, conditions).run {
            serve { connection ->
                server.setOption(connection, Linux.SOL_SOCKET, Linux.SO_RCVBUF, 8192) shouldBe 0
                var next = 0
                while (true) {
                    val text = server.receiveText(connection, 5000)
                    if (text.isEmpty()) break
                    text.forEach { it shouldBe 'a' + next++ % 26 }
                }
                next shouldBe 1_000_000
            }
            val connection = dial()
            client.setOption(connection, Linux.SOL_SOCKET, Linux.SO_SNDBUF, 8192) shouldBe 0
            val alphabet = String(CharArray(1_000_000) { 'a' + it % 26 })
            client.send(connection, alphabet) shouldBe 1_000_000
            client.shutdown(connection)
            client.receive(connection) shouldBe 0
        }
    }

    test("what is sent over a link that is cut arrives when it is healed") {
        Two(3).run {
            serve { connection -> server.receiveText(connection) shouldBe "patience" }
            val connection = dial()
            network.cut("client", "server")
            client.send(connection, "patience") shouldBe 8
            schedule.sleep(Duration.ofSeconds(10))
            network.heal("server", "client")
            client.receive(connection) shouldBe 0
            elapsed.toMillis() shouldBeInRange 10_000L..25_000L
        }
    }

    test("a connection over a link that stays cut ends after a quarter of an hour") {
        Two(4).run {
            serve(ends = false) { connection -> server.receiveText(connection, 5) shouldBe "hello" }
            val connection = dial()
            client.send(connection, "hello") shouldBe 5
            schedule.sleep(Duration.ofSeconds(1))
            network.isolate("server")
            client.send(connection, "are you there?") shouldBe 14
            client.receive(connection) shouldFailWith Errno.ETIMEDOUT
            elapsed.toSeconds() shouldBeInRange 900L..1000L
        }
    }

    test("who has only read when the link is cut is not told: who has sent is, as its bytes are not acknowledged") {
        Two(4, LinkConditions.IDEAL.withLatency(Duration.ofMillis(20))).run {
            var told = false
            serve(ends = false) { connection ->
                server.send(connection, "hello") shouldBe 5
                server.receive(connection) shouldFailWith Errno.ETIMEDOUT
                told = true
            }
            val connection = dial()
            client.receiveText(connection, 5) shouldBe "hello"
            network.isolate("server") // the acknowledgement is on its way
            schedule.sleep(Duration.ofHours(1))
            told shouldBe true
            client.send(connection, "still here") shouldBe 10
            schedule.sleep(Duration.ofHours(1))
            client.receive(connection) shouldFailWith Errno.ETIMEDOUT
        }
    }

    test("SYNs that get lost cost one second, two, four") {
        Two(5).run {
            serve { }
            network.dropSyns("client", "server", 2)
            dial()
            elapsed shouldBe Duration.ofSeconds(3)
        }
    }

    test("a dial to a host that is lost ends after two minutes; when it has come back others succeed") {
        Two(6).run {
            serve { }
            network.isolate("server")
            client.connect(client.socket(Family.IPV4, flags = 0), address) shouldFailWith Errno.ETIMEDOUT
            elapsed shouldBe Duration.ofSeconds(127)
            network.rejoin("server")
            dial()
            elapsed shouldBe Duration.ofSeconds(127)
        }
    }

    test("a connection that ends with unread bytes is reset, and the peer hears of it when the reset arrives") {
        Two(7, LinkConditions.IDEAL.withLatency(Duration.ofMillis(20))).run {
            serve { connection -> server.receive(connection, 1) shouldBe 1 }
            val connection = dial()
            client.send(connection, "too much") shouldBe 8
            client.receive(connection) shouldFailWith Errno.ECONNRESET
            elapsed shouldBe Duration.ofMillis(80)
        }
    }

    test("by a rule the third connection is reset after a hundred bytes, and the others are not") {
        Two(10, LinkConditions.IDEAL.withLatency(Duration.ofMillis(20))).run {
            network.resetConnection(3, 100)
            val listener = listener()
            val (first, second, third) = List(3) {
                val connection = dial()
                connection to server.own(server.libc.accept4(listener, 0, 0, Linux.SOCK_CLOEXEC))
            }
            for ((connection, accepted) in listOf(first, second)) {
                client.send(connection, 150) shouldBe 150
                server.receive(accepted, 200) shouldBe 150
            }
            client.send(third.first, 60) shouldBe 60
            server.receive(third.second, 200) shouldBe 60
            client.send(third.first, 60) shouldBe 60
            server.receive(third.second, 200) shouldBe 40
            server.receive(third.second, 200) shouldFailWith Errno.ECONNRESET
            client.receive(third.first) shouldFailWith Errno.ECONNRESET
        }
    }

    test("datagrams overtake each other where there is jitter, as the seed has it") {
        fun order(seed: Long): List<String> = mutableListOf<String>().also { received ->
            Two(seed, LinkConditions.IDEAL.withJitter(Duration.ofMillis(100))).run {
                val receiver = server.socket(Family.IPV4, Linux.SOCK_DGRAM, 0).also { server.bind(it, address) shouldBe 0 }
                val sender = client.socket(Family.IPV4, Linux.SOCK_DGRAM, 0).also { client.connect(it, address) shouldBe 0 }
                repeat(20) { client.send(sender, "$it") }
                repeat(20) { received += server.receiveText(receiver) }
            }
        }
        val sent = List(20) { "$it" }
        order(1) shouldContainExactlyInAnyOrder sent
        order(1) shouldNotBe sent
        order(1) shouldContainExactly order(1)
        order(1) shouldNotBe order(2)
    }

    test("datagrams get lost, as many as the link is said to lose") {
        Two(8, LinkConditions.IDEAL.withDatagramLoss(0.5)).run {
            val receiver = server.socket(Family.IPV4, Linux.SOCK_DGRAM).also { server.bind(it, address) shouldBe 0 }
            val sender = client.socket(Family.IPV4, Linux.SOCK_DGRAM).also { client.connect(it, address) shouldBe 0 }
            repeat(200) { client.send(sender, "!") }
            schedule.sleep(Duration.ofSeconds(1))
            server.drain(receiver).toInt() shouldBeInRange 50..150
        }
    }

    test("a datagram to a port that nobody has is answered by an error, if the socket is connected") {
        Two(9, LinkConditions.IDEAL.withLatency(Duration.ofMillis(20))).run {
            val sender = client.socket(Family.IPV4, Linux.SOCK_DGRAM, 0).also { client.connect(it, address) shouldBe 0 }
            client.send(sender, "anybody?") shouldBe 8
            schedule.sleep(Duration.ofMillis(40))
            client.option(sender, Linux.SOL_SOCKET, Linux.SO_ERROR) shouldBe Errno.ECONNREFUSED
        }
    }

    test("hosts have names, and a name is looked up at once") {
        val network = Network(Schedule(1))
        network.host("db.internal")
        network.resolver().resolve("db.internal").get() shouldContainExactly listOf(network.address("db.internal"))
        shouldThrow<ExecutionException> { network.resolver().resolve("db.external").get() }
        shouldThrow<IllegalArgumentException> { network.host("db.internal") }
        shouldThrow<IllegalArgumentException> { network.address("db.external") }
    }
})

/** A server and a client on two hosts. */
private class Two(seed: Long, conditions: LinkConditions = LinkConditions.IDEAL) {

    val schedule = Schedule(seed)
    val network = Network(schedule)
    private val kernels = listOf("server", "client").map { OneOf(network.host(it)) }
    val server = Caller(kernels[0])
    val client = Caller(kernels[1])
    val address = InetSocketAddress(network.address("server"), 7000)
    val elapsed: Duration get() = schedule.elapsed()
    private var serving = 0
    private lateinit var execute: (() -> Unit) -> Unit
    private val failures = mutableListOf<Throwable>()

    init {
        network.between("server", "client", conditions)
    }

    fun run(body: Two.() -> Unit) {
        schedule.withTasks {
            execute = it
            body()
            schedule.await { serving == 0 }
        }
        failures.forEach { throw it }
        server.close()
        client.close()
        kernels.forEach { it.close() }
    }

    /** Accepts one connection on a thread of its own, and closes it afterwards. */
    fun serve(ends: Boolean = true, handler: (Int) -> Unit) {
        val listener = listener()
        serving++
        execute {
            try {
                val connection = server.own(server.libc.accept4(listener, 0, 0, Linux.SOCK_CLOEXEC))
                handler(connection)
                if (ends) server.close(connection)
            } catch (e: Throwable) {
                failures += e
            } finally {
                serving--
            }
        }
    }

    fun listener(): Int = server.socket(Family.IPV4, flags = 0).also {
        server.bind(it, address) shouldBe 0
        server.libc.listen(it, 16) shouldBe 0
    }

    fun dial(): Int = client.socket(Family.IPV4, flags = 0).also { client.connect(it, address) shouldBe 0 }

    fun Caller.shutdown(fd: Int) = libc.shutdown(fd, Linux.SHUT_WR) shouldBe 0
}

/** The kernel of a host, or one without others. */
class OneOf(override val libc: SimulatedKernel) : Kernel {
    override val folder: String get() = "/"
    override val openDescriptors: Int get() = libc.descriptors().size
    override fun file(name: String, content: ByteArray, modified: Instant): String = throw UnsupportedOperationException()
    override fun limitDescriptors(count: Int) = libc.limits().descriptors(count)
    override fun close() = check(libc.descriptors().isEmpty()) { "left open: ${libc.descriptors()}" }
}
