package io.netpark.samples.demo

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.netpark.core.sys.Binding
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Connection.Companion.END_OF_STREAM
import io.netpark.coroutines.Reactor
import io.netpark.samples.DEMO
import io.netpark.samples.LiveLine
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.nio.ByteBuffer
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

class DemoSpec : SampleSpec({
    test("runs to its end and prints the table") {
        RunningProgram(DEMO, "--connections", "10", "--seconds", "2").use { demo ->
            val lines = demo.rest().lines()
            demo.status() shouldBe 0
            demo.errorLines().shouldBeEmpty()

            lines.any { it.matches(Regex("""coroutine +\d\.\d s +[\d,]+ requests/s""")) } shouldBe true // progress
            val table = lines.drop(lines.indexOf("") + 1).filter { it.isNotEmpty() }
            table.first().trim().split(Regex(" +")) shouldBe listOf("coroutine", "callback")
            table.drop(1).map { it.take(30).trim() } shouldBe listOf(
                "requests a second", "latency p50, microseconds", "latency p99, microseconds", "latency p99.9, microseconds",
                "CPU microseconds a request", "bytes moved, all checked", "binding in use",
            )
            val binding = if (Binding.FFM.unavailability() == null) "FFM" else "JNA"
            table.last() shouldMatch Regex("binding in use +$binding +$binding")
            table.dropLast(1).drop(1).flatMap { it.drop(30).trim().split(Regex(" +")) }
                .forEach { number -> (number.replace(",", "").toDouble() > 0) shouldBe true }
        }
    }

    test("wrong options: the usage, status 2") {
        RunningProgram(DEMO, "--connections", "0").use { demo ->
            demo.status() shouldBe 2
            demo.errorLines().joinToString("\n") shouldContain "Usage: samples/run demo"
        }
    }

    test("a byte that differs is found and named") {
        val failure = failureWith { connection ->
            val buffer = ByteBuffer.allocateDirect(EchoClient.MESSAGE_SIZE)
            var messages = 0
            while (connection.read(buffer) != END_OF_STREAM) {
                if (buffer.hasRemaining()) continue
                if (messages++ == 3) buffer.put(700, (buffer.get(700) + 1).toByte())
                connection.write(buffer.flip())
                buffer.clear()
            }
        }
        failure.message!! shouldMatch Regex("""message 3 of connection \d: byte 700 is -?\d+ instead of -?\d+""")
    }

    test("the answer to somebody else's message is found") {
        val shared = ByteBuffer.allocateDirect(EchoClient.MESSAGE_SIZE) // one buffer for both connections, by mistake
        val failure = failureWith { connection ->
            while (true) {
                shared.clear()
                while (shared.hasRemaining()) if (connection.read(shared) == END_OF_STREAM) return@failureWith
                connection.write(ByteBuffer.allocate(shared.capacity()).putInt(0, 5))
            }
        }
        failure.message!! shouldContain "byte"
    }

    test("a server that closes early is found") {
        val failure = failureWith { connection ->
            val buffer = ByteBuffer.allocate(EchoClient.MESSAGE_SIZE)
            while (buffer.hasRemaining()) connection.read(buffer)
            connection.write(buffer.flip().limit(100))
        }
        failure.message!! shouldMatch Regex("message 0 of connection \\d: the server closed it after 100 of 1024 bytes")
    }

    test("bytes too many are found") {
        // The clients look for such bytes when they have come to their end.
        val failure = failureWith(1.seconds) { connection ->
            val buffer = ByteBuffer.allocateDirect(EchoClient.MESSAGE_SIZE)
            while (connection.read(buffer.clear()) != END_OF_STREAM) connection.write(buffer.flip())
            connection.write(byteArrayOf(1))
        }
        failure.message!! shouldContain "never sent"
    }
})

/** Two clients of a server with this handler, for so long, or until one of them fails. */
private fun load(duration: Duration, handler: suspend (Connection) -> Unit) {
    Reactor(loops = 1).use { servers ->
        Reactor(loops = 1).use { clients ->
            runBlocking {
                val listener = servers.listen("127.0.0.1", 0)
                val serving = launch { listener.serve { handler(it) } }
                try {
                    val load = Load.connect(clients, listener.localAddress, connections = 2)
                    load.run(duration, Progress(LiveLine(isTerminal = false)))
                    load.finish()
                } finally {
                    serving.cancelAndJoin()
                }
            }
        }
    }
}

private fun failureWith(duration: Duration = PATIENCE_SECONDS.seconds, handler: suspend (Connection) -> Unit): EchoFailure =
    shouldThrow { load(duration, handler) }
