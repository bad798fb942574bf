package io.netpark.samples.admin

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.core.loop.EventLoop
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.loop.Observer
import io.netpark.core.micrometer.NetparkMeters
import io.netpark.core.poll.Pollable
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.eventually
import io.netpark.coroutines.Reactor
import io.netpark.samples.http.Received
import io.netpark.samples.http.answers.Page
import io.netpark.samples.http.receive
import io.netpark.samples.json.parsedJson
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.net.StandardProtocolFamily
import java.net.StandardSocketOptions
import java.net.UnixDomainSocketAddress
import java.nio.ByteBuffer
import java.nio.channels.Channels
import java.nio.channels.ServerSocketChannel
import java.nio.channels.SocketChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.io.path.writeText
import kotlin.time.Duration.Companion.seconds

/** Of Dispatchers.IO, at least, if nothing else is set. */
private const val IO_THREADS = 64
private const val MEBI = 1 shl 20

class AdminServerSpec : NetparkSpec(body = {
    val folder: Path = Files.createTempDirectory("admin")
    afterSpec { folder.toFile().deleteRecursively() }
    val path = folder.resolve("admin.sock")
    val unix = UnixAddress.path(path)
    val loopback = InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0)

    for (address in listOf(unix, loopback)) {
        val kind = if (address == unix) "unix" else "TCP"

        test("$kind: each page is there, and the first one names the others") {
            LookedAt(address).use { server ->
                server.dial().use {
                    val list = server.get("/")
                    list.status shouldBe 200
                    val paths = list.text.trimEnd().lines().map { line -> line.substringBefore(' ') }
                    paths shouldBe listOf("/metrics", "/health", "/connections", "/dump")
                    paths.map { page -> server.get(page).fields["content-type"] } shouldBe listOf(
                        "text/plain; version=0.0.4; charset=utf-8", "application/json", "application/json", "text/plain; charset=utf-8",
                    )
                }
            }
        }

        test("$kind: a client is in the metrics, among the connections and in the dump, with where its handler is parked") {
            LookedAt(address).use { server ->
                server.dial().use { client ->
                    val peer = "127.0.0.1:" + (client.localAddress as InetSocketAddress).port
                    server.get("/metrics").text.lines().contains("netpark_connections{group=\"test\"} 1.0") shouldBe true
                    val looked = server.get("/connections").json()["connections"] as List<*>
                    val connection = looked.single() as Map<*, *>
                    listOf("peer", "state", "bytesIn", "bytesOut").map(connection::get) shouldBe listOf(peer, "OPEN", 1L, 1L)
                    val parked = (connection["parked"] as List<*>).single() as Map<*, *>
                    parked["operation"] shouldBe "read"
                    (parked["frames"] as List<*>).joinToString() shouldContain "AdminServerSpec.kt"
                    val dump = server.get("/dump").text
                    dump shouldContain "connection to $peer: open"
                    dump shouldContain "AdminServerSpec.kt"
                }
            }
        }

        test("$kind: loops that turn are well; one that is held is not, and the dump says what holds it") {
            LookedAt(address).use { server ->
                val well = server.get("/health")
                well.status shouldBe 200
                well.json()["well"] shouldBe true
                val held = CountDownLatch(1)
                server.reactor.group.first().execute { held.await() }
                try {
                    val health = server.get("/health")
                    health.status shouldBe 503
                    health.json()["well"] shouldBe false
                    val loop = (health.json()["loops"] as List<*>).single() as Map<*, *>
                    (loop["stack"] as List<*>).joinToString() shouldContain "CountDownLatch.await"
                    val dump = server.get("/dump").text
                    dump shouldContain "DOES NOT TURN"
                    dump shouldContain "CountDownLatch.await"
                    server.get("/metrics").status shouldBe 200
                } finally {
                    held.countDown()
                }
                server.get("/health").status shouldBe 200
            }
        }

        test("$kind: HEAD is answered without a body, other methods and paths by what is wrong with them") {
            LookedAt(address).use { server ->
                for (page in listOf("/", "/metrics", "/health", "/connections", "/dump")) {
                    val head = server.ask("HEAD $page HTTP/1.1\r\nHost: localhost\r\n\r\n", isHead = true)
                    head.status shouldBe 200
                    head.fields["content-length"] shouldNotBe "0"
                    val post = server.ask("POST $page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
                    Pair(post.status, post.fields["allow"]) shouldBe Pair(405, "GET, HEAD")
                }
                server.get("/dump?now").status shouldBe 200
                server.get("/nothing").status shouldBe 404
                server.ask("HEAD /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", isHead = true).status shouldBe 404
                server.ask("POST /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").status shouldBe 404
                server.ask("BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n").status shouldBe 501
                server.ask("hello\r\n\r\n").status shouldBe 400
            }
        }
    }

    test("a look that fails is answered 500, without a word of why, and reported; the others go on") {
        val reporter = RecordingReporter()
        val broken: () -> Sight = { throw IllegalStateException("a secret") }
        LookedAt(loopback, mapOf("broken" to broken)) { reporter(reporter) }.use { server ->
            val answer = server.get("/broken")
            Pair(answer.status, answer.text) shouldBe Pair(500, "500 Internal Server Error\n")
            eventually { reporter.drain().single().cause.message shouldBe "a secret" }
            server.ask("HEAD /broken HTTP/1.1\r\nHost: localhost\r\n\r\n", isHead = true).status shouldBe 500
            server.get("/health").status shouldBe 200
        }
    }

    test("a client has ten seconds to take what it has asked for, however often it takes some of it; the others are answered meanwhile") {
        val clock = HandMovedClock()
        val closed = ConcurrentHashMap.newKeySet<String>() // connections, by the addresses that they name
        val observer = object : Observer {
            override fun closed(loop: EventLoop, connection: Pollable) {
                closed += connection.toString()
            }
        }
        val much = Page("text/plain", "x".repeat(32 * MEBI))
        LookedAt(loopback, mapOf("much" to { Sight(much) })) { clock(clock).observer(observer) }.use { server ->
            SocketChannel.open().use { client ->
                client.setOption(StandardSocketOptions.SO_RCVBUF, MEBI / 16) // or the kernel would take it all
                client.connect(server.at)
                val port = ":" + (client.localAddress as InetSocketAddress).port
                fun isLeft() = closed.any { port in it }
                val chunk = ByteBuffer.allocate(MEBI)
                fun take() {
                    chunk.clear()
                    while (chunk.hasRemaining()) check(client.read(chunk) >= 0) { "the answer has ended" }
                }
                client.write(ByteBuffer.wrap("GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n".toByteArray()))
                take() // what takes a client long begins with the answer
                repeat(2) {
                    clock.move(4.seconds, server.reactor.group)
                    server.get("/").status shouldBe 200 // has its loop look at the clock, too
                    isLeft() shouldBe false
                    take()
                }
                clock.move(4.seconds, server.reactor.group)
                server.get("/").status shouldBe 200
                eventually { isLeft() shouldBe true }
                var taken = 3L * MEBI
                try {
                    do {
                        val more = client.read(chunk.clear())
                        taken += more
                    } while (more >= 0)
                } catch (_: IOException) {
                    // Reset: what the kernel still had is gone.
                }
                (taken < much.body.size) shouldBe true
            }
        }
    }

    test("it looks, and ends, though all threads of Dispatchers.IO are held") {
        val held = CountDownLatch(1)
        repeat(maxOf(IO_THREADS, Runtime.getRuntime().availableProcessors())) {
            Dispatchers.IO.dispatch(EmptyCoroutineContext) { held.await() }
        }
        try {
            LookedAt(loopback).use { server -> server.get("/dump").status shouldBe 200 }
        } finally {
            held.countDown()
        }
    }

    test("over TCP it is only for who calls it by its address: a name may be anybody's") {
        LookedAt(loopback).use { server ->
            fun statusFor(host: String) = server.ask("GET / HTTP/1.1\r\nHost: $host\r\n\r\n").status
            listOf("localhost", "localhost:9000", "127.0.0.1:9000", "[::1]", "[::1]:9000").map(::statusFor) shouldBe List(5) { 200 }
            listOf("evil.example", "evil.example:9000", "127.0.0.1.evil.example", "").map(::statusFor) shouldBe List(4) { 400 }
            server.ask("GET / HTTP/1.0\r\n\r\n").status shouldBe 200
        }
    }

    test("the file of a unix socket is its owner's alone, and goes with the server") {
        LookedAt(unix).use {
            PosixFilePermissions.toString(Files.getPosixFilePermissions(path)) shouldBe "rw-------"
        }
        path.exists() shouldBe false
    }

    test("a socket that a killed process has left is in nobody's way; one that somebody listens at is, and so is any other file") {
        ServerSocketChannel.open(StandardProtocolFamily.UNIX).use { other ->
            other.bind(UnixDomainSocketAddress.of(path))
            shouldThrow<NetparkException> { LookedAt(unix) }.message shouldContain "somebody uses it already"
        }
        path.exists() shouldBe true // as its process did not remove it
        LookedAt(unix).use { it.get("/").status shouldBe 200 }
        path.exists() shouldBe false

        path.writeText("precious")
        shouldThrow<NetparkException> { LookedAt(unix) }.message shouldContain "a file that is not a socket"
        path.readText() shouldBe "precious"
        Files.delete(path)
    }

    test("what it shows may be more than a writer holds at once") {
        LookedAt(loopback).use { server ->
            val clients = List(300) { server.dial() }
            try {
                val connections = server.get("/connections")
                (connections.json()["connections"] as List<*>).size shouldBe 300
                server.get("/dump").text shouldStartWith "1 event loop, 1 listener, 300 connections"
            } finally {
                clients.forEach { it.close() }
            }
        }
    }
})

/** A server that sends back what it gets, and how it is looked at. */
private class LookedAt(
    address: SocketAddress,
    more: Map<String, () -> Sight> = emptyMap(),
    configure: EventLoopGroup.Builder.() -> Unit = {},
) : AutoCloseable {

    val reactor = Reactor(loops = 1) { metrics(true) }
    private val listener = reactor.listen("127.0.0.1", 0)
    private val serving = CoroutineScope(Dispatchers.Default).launch {
        listener.serve { connection ->
            while (connection.reader.await()) {
                connection.writer.append(connection.reader)
                connection.writer.flush()
            }
        }
    }
    private val admin = try {
        AdminServer(address, AdminPages(reactor.group, listOf(NetparkMeters(reactor.group, "test")), more), configure)
    } catch (e: Throwable) {
        reactor.close()
        throw e
    }

    /** A client that has been answered once. */
    fun dial(): SocketChannel = SocketChannel.open(listener.localAddress).apply {
        write(ByteBuffer.wrap(byteArrayOf(1)))
        read(ByteBuffer.allocate(1))
    }

    fun get(path: String): Received = ask("GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n")

    /** What a request is answered; it must be the last answer of its connection. */
    fun ask(request: String, isHead: Boolean = false): Received = SocketChannel.open(at).use { client ->
        client.write(ByteBuffer.wrap(request.toByteArray()))
        val input = Channels.newInputStream(client)
        val answer = input.receive(isHead)!!
        answer.fields["connection"] shouldBe "close"
        input.read() shouldBe -1
        answer
    }

    /** Where it is looked at, as the JDK has it. */
    val at: SocketAddress
        get() = when (val address = admin.address) {
            is UnixAddress -> UnixDomainSocketAddress.of(address.path()!!)
            else -> address
        }

    override fun close() {
        admin.close()
        reactor.close()
    }
}

private fun Received.json(): Map<*, *> = parsedJson(text) as Map<*, *>
