package io.netpark.samples.http

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.UnixAddress
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.handover.writeDescriptors
import io.netpark.samples.HeldPort
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.soon
import io.netpark.samples.whileDoing
import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket
import java.net.StandardProtocolFamily
import java.net.UnixDomainSocketAddress
import java.nio.ByteBuffer
import java.nio.channels.ServerSocketChannel
import java.nio.channels.SocketChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.BasicFileAttributes
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking

class SuccessionSpec : SampleSpec({

    test("a socket that was passed on as by systemd: a client that came before the server is served, and SIGTERM ends it") {
        RunningProgram("io.netpark.samples.ActivationKt", *RunningProgram.command(HTTP, "--systemd").toTypedArray()).use { program ->
            val port = program.line()!!.substringAfter("activated on ").toInt()
            dial(port).use { early ->
                early.send(REQUEST)
                program.line() shouldBe "listening on 127.0.0.1:$port"
                early.getInputStream().receive()!!.text shouldBe "Hello, World!"
            }
            program.signal("TERM")
            program.status() shouldBe 0
            program.errorLines().shouldBeEmpty()
        }
    }

    test("systemd-socket-activate").config(enabledOrReasonIf = { needs("systemd-socket-activate", "--version") }) {
        HeldPort().use { held ->
            val port = held.port
            val activate = listOf("systemd-socket-activate", "-l", "127.0.0.1:$port", "-E", "PATH")
            RunningProgram(HTTP, "--systemd", prefix = activate).use { program ->
                soon { dial(port).use { it.ask() } shouldBe "Hello, World!" } // it starts the program when somebody comes
                program.line() shouldBe "listening on 127.0.0.1:$port"
            }
        }
    }

    test("--systemd without a socket says how to start it, status 2") {
        RunningProgram(HTTP, "--systemd").use { program ->
            program.status() shouldBe 2
            program.errorLines().joinToString().contains("LISTEN_FDS") shouldBe true
        }
    }

    test("--takeover of a path at which there is something else says so, and leaves it there") {
        val file = Files.createTempFile("netpark", ".conf")
        Files.writeString(file, "precious")
        RunningProgram(HTTP, "--takeover", "$file").use { program ->
            program.status() shouldBe 2
            program.errorLines().joinToString() shouldContain "$file is there, and is not a unix socket"
        }
        Files.readString(file) shouldBe "precious"
        Files.delete(file)
    }

    test("restarts under load: no request is lost, of clients that connect anew each time and of those that stay") {
        val folder = Files.createTempDirectory("netpark")
        val path = folder.resolve("http.sock")
        val first = RunningHttp("--takeover", "$path")
        Load(first.port).use { load ->
            var running = first
            repeat(2) {
                load.awaitAnswers(200)
                awaitListening(path)
                val next = RunningHttp("--takeover", "$path")
                next.port shouldBe running.port
                running.program.status() shouldBe 0
                running.program.errorLines().shouldBeEmpty()
                running.close()
                running = next
            }
            load.awaitAnswers(200)
            load.close()
            running.program.signal("TERM")
            running.program.status() shouldBe 0
            running.close()
            load.failures.shouldBeEmpty()
        }
        Files.exists(path) shouldBe false
        Files.delete(folder)
    }

    test("who comes when the successor serves is the successor's, and may ask late, though the first process is still there") {
        val folder = Files.createTempDirectory("netpark")
        val path = folder.resolve("http.sock")
        RunningHttp("--takeover", "$path").use { first ->
            fun made() = Files.readAttributes(path, BasicFileAttributes::class.java).run { fileKey() to lastModifiedTime() }
            awaitListening(path)
            val before = made()
            RunningHttp("--takeover", "$path").use { next ->
                soon { made() shouldNotBe before } // it waits there for the one after it: the first one has left
                val late = List(12) { dial(next.port) }
                first.program.status() shouldBe 0
                for (client in late) client.use { it.ask() shouldBe "Hello, World!" }
            }
        }
        folder.toFile().deleteRecursively()
    }

    for (hasHeard in listOf(false, true)) {
        test("a process that is killed ${if (hasHeard) "when" else "before"} it hears that its successor serves leaves it in its place") {
            val folder = Files.createTempDirectory("netpark")
            val path = folder.resolve("http.sock")
            whileDoing({ passSocketAndDie(path, hasHeard) }) {
                soon { check(Files.exists(path)) }
                RunningHttp("--takeover", "$path")
            }.use { successor ->
                successor.ask("/plaintext").text shouldBe "Hello, World!"
                awaitListening(path)
                RunningHttp("--takeover", "$path").use { next ->
                    successor.program.status() shouldBe 0
                    successor.program.errorLines().shouldBeEmpty()
                    next.ask("/plaintext").text shouldBe "Hello, World!"
                }
            }
            folder.toFile().deleteRecursively()
        }
    }

    test("a successor that fails before it serves changes nothing; the file of a process that was killed is no obstacle") {
        val folder = Files.createTempDirectory("netpark")
        val path = folder.resolve("http.sock")
        ServerSocketChannel.open(StandardProtocolFamily.UNIX).use { it.bind(UnixDomainSocketAddress.of(path)) } // leaves its file
        RunningHttp("--takeover", "$path").use { http ->
            soon { SocketChannel.open(UnixDomainSocketAddress.of(path)).close() }
            Thread.sleep(100)
            http.ask("/plaintext").text shouldBe "Hello, World!"
            RunningHttp("--takeover", "$path").use { next ->
                http.program.status() shouldBe 0
                next.ask("/plaintext").text shouldBe "Hello, World!"
            }
        }
        folder.toFile().deleteRecursively()
    }
}) {
    /** Clients that ask and ask, each on a thread of its own: half of them over a new connection each time. */
    private class Load(private val port: Int) : AutoCloseable {

        val failures = ConcurrentLinkedQueue<String>()
        private val answers = AtomicInteger()
        @Volatile private var isOver = false
        private val clients = List(4) { number -> thread { run(stays = number % 2 == 0) } }

        private fun run(stays: Boolean) {
            var connection: Socket? = null
            try {
                while (!isOver) {
                    val client = connection ?: dial(port)
                    client.send(if (stays) REQUEST else LAST_REQUEST)
                    val answer = client.getInputStream().receive() ?: throw IOException("the end of the stream in place of an answer")
                    check(answer.status == 200 && answer.text == "Hello, World!") { "${answer.status} ${answer.text}" }
                    answers.incrementAndGet()
                    connection = if (answer.fields["connection"] == "close") null.also { client.close() } else client
                    Thread.sleep(1)
                }
            } catch (e: Exception) {
                failures += "after ${answers.get()} answers, ${if (stays) "a client that stays" else "one that connects anew"}: $e"
            } finally {
                connection?.close()
            }
        }

        /** Until so many more have come. */
        fun awaitAnswers(count: Int) {
            val before = answers.get()
            soon { answers.get() - before shouldBeGreaterThan count }
        }

        override fun close() {
            isOver = true
            clients.forEach { it.join() }
        }
    }

    private companion object {

        /** What a process does for its successor until it is killed: the file at [path] stays. */
        fun passSocketAndDie(path: Path, hasHeard: Boolean): Unit = Reactor(loops = 1).use { reactor ->
            val bound = path.resolveSibling("bound")
            reactor.listen(UnixAddress.path(bound)).use { listener ->
                Files.createLink(path, bound) // the listener removes the other
                runBlocking {
                    listener.accept(PATIENCE_SECONDS.seconds).use { connection ->
                        connection.readTimeout = PATIENCE_SECONDS.seconds
                        reactor.listen(InetSocketAddress(InetAddress.getLoopbackAddress(), 0)).use { served ->
                            served.duplicate().use { connection.writeDescriptors(ByteBuffer.allocate(1), it) }
                        }
                        if (hasHeard) connection.reader.await() shouldBe true
                        listener.close() // first: who is told of the end of the connection finds nobody at the path
                    }
                }
            }
        }

        /**
         * Until a process waits there for its successor, which is later than it says that it serves. Who comes before takes the file for
         * one that was left.
         */
        fun awaitListening(path: Path) = soon {
            val sockets = Files.readAllLines(Path.of("/proc/net/unix"), Charsets.ISO_8859_1)
            check(sockets.any { it.endsWith(" $path") && it.split(' ')[FLAGS] == LISTENS }) { "nobody listens at $path" }
        }

        /** Of a line of /proc/net/unix: after number, references and protocol; __SO_ACCEPTCON. */
        const val FLAGS = 3
        const val LISTENS = "00010000"

        const val HTTP = "io.netpark.samples.http.HttpKt"
        const val REQUEST = "GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n"
        const val LAST_REQUEST = "GET /plaintext HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

        fun dial(port: Int): Socket = Socket(InetAddress.getLoopbackAddress(), port).apply {
            soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
            tcpNoDelay = true
        }

        fun Socket.ask(): String {
            send(REQUEST)
            return getInputStream().receive()!!.text
        }
    }
}
