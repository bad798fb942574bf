package io.netpark.samples

import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.net.InetAddress
import java.net.ServerSocket
import kotlin.random.Random

class ConnectSpec : SampleSpec({
    test("carries a file there and back, and ends when the server does") {
        RunningEcho().use { echo ->
            RunningProgram(CONNECT, "localhost", "${echo.port}").use { connect ->
                val bytes = Random(1).nextBytes(3_000_000)
                val answer = whileDoing({ connect.process.outputStream.use { it.write(bytes) } }) {
                    connect.process.inputStream.readAllBytes()
                }
                answer.contentEquals(bytes) shouldBe true
                connect.status() shouldBe 0
                connect.errorLines() shouldBe emptyList()
            }
        }
    }

    test("talks line by line") {
        RunningEcho().use { echo ->
            RunningProgram(CONNECT, "127.0.0.1", "${echo.port}").use { connect ->
                for (line in listOf("one", "two")) {
                    connect.process.outputStream.apply { write("$line\n".encodeToByteArray()); flush() }
                    connect.line() shouldBe line
                }
                connect.process.outputStream.close()
                connect.line() shouldBe null
                connect.status() shouldBe 0
            }
        }
    }

    test("ends when the server closes, though standard input is open") {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { server ->
            RunningProgram(CONNECT, "127.0.0.1", "${server.localPort}").use { connect ->
                server.accept().use { it.getOutputStream().write("bye\n".encodeToByteArray()) }
                connect.line() shouldBe "bye"
                connect.status() shouldBe 0
            }
        }
    }

    test("a reset by the server: one line, status 1") {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { server ->
            RunningProgram(CONNECT, "127.0.0.1", "${server.localPort}").use { connect ->
                server.accept().apply { setSoLinger(true, 0) }.close()
                connect.status() shouldBe 1
                connect.errorLines().shouldBeSingleton { it shouldContain "ECONNRESET" }
            }
        }
    }

    test("nobody there: one line that names the address, status 1") {
        HeldPort().use { held ->
            val port = held.port
            RunningProgram(CONNECT, "127.0.0.1", "$port").use { connect ->
                connect.status() shouldBe 1
                connect.errorLines().shouldBeSingleton { it shouldContain "127.0.0.1:$port" }
            }
        }
    }

    test("wrong arguments: the usage, status 2") {
        RunningProgram(CONNECT, "127.0.0.1", "0").use { connect ->
            connect.status() shouldBe 2
            connect.errorLines().joinToString("\n") shouldContain "Usage: samples/run connect"
        }
    }
})
