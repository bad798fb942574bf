package io.netpark.samples

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.OthersServer
import java.nio.file.Files
import java.nio.file.Path
import kotlin.random.Random

/** The samples that connect, over TLS: `load` and `connect`. */
class ClientTlsSpec : SampleSpec({
    val openssl = needs("openssl", "version")
    val folder: Path = Files.createTempDirectory("client-tls")
    afterSpec { folder.toFile().deleteRecursively() }
    val trusting = arrayOf("--tls", "--ca", "${Certificates.ca}")

    fun answered(lines: List<String>, name: String): Long =
        lines.first { it.startsWith("$name ") }.drop(28).trim().split(' ').first().replace(",", "").toLong()

    for (api in listOf("coroutine", "callback")) {
        test("load: requests of all sizes against the echo sample, $api") {
            RunningEcho("--api", api, "--loops", "1", *Certificates.options).use { echo ->
                for (options in listOf(
                    listOf("--connections", "10"),
                    listOf("--connections", "5", "--rate", "500", "--pipeline", "4", "--size", "3001", "--loops", "2"),
                    listOf("--connections", "2", "--pipeline", "2", "--size", "600000"), // the last answers have two seconds to come
                )) {
                    RunningProgram(
                        LOAD, "--target", "localhost:${echo.port}", "--seconds", "1.5", *trusting, *options.toTypedArray(),
                    ).use { load ->
                        val lines = load.rest().lines()
                        withClue("$options $lines") {
                            load.status() shouldBe 0
                            answered(lines, "requests answered") shouldBeGreaterThan 2
                            answered(lines, "errors") shouldBe 0
                        }
                        load.errorLines().shouldBeEmpty()
                    }
                }
                echo.program.errorLines().shouldBeEmpty()
            }
        }
    }

    test("load and connect with a certificate, which the server wants") {
        RunningEcho(*Certificates.mutual).use { echo ->
            val load = arrayOf("--target", "localhost:${echo.port}", "--seconds", "1", "--connections", "3")
            RunningProgram(LOAD, *load, *trusting, *Certificates.shown).use { program ->
                answered(program.rest().lines(), "errors") shouldBe 0
                program.status() shouldBe 0
            }
            RunningProgram(CONNECT, *trusting, *Certificates.shown, "localhost", "${echo.port}").use { connect ->
                connect.process.outputStream.use { it.write("hello\n".toByteArray()) }
                connect.line() shouldBe "hello"
                connect.status() shouldBe 0
            }
            echo.program.errorLines().shouldBeEmpty()
            RunningProgram(CONNECT, *trusting, "localhost", "${echo.port}").use { connect ->
                connect.status() shouldBe 1
                connect.errorLines().shouldBeSingleton { it shouldContain "certificate" } // in which words, depends on the JDK
            }
        }
    }

    test("connect carries a file there and back") {
        RunningEcho(*Certificates.options).use { echo ->
            RunningProgram(CONNECT, *trusting, "localhost", "${echo.port}").use { connect ->
                val bytes = Random(1).nextBytes(3_000_000)
                whileDoing({ connect.process.outputStream.use { it.write(bytes) } }) {
                    connect.process.inputStream.readAllBytes()
                }.contentEquals(bytes) shouldBe true
                connect.status() shouldBe 0
                connect.errorLines().shouldBeEmpty()
            }
        }
    }

    // A server that is not what it should be: one line that says why, status 1; and how it is taken all the same

    val stranger = Certificates.files("stranger", Authority.root("a stranger").issue("localhost"))
    val other = Certificates.files("other", Certificates.authority.issue("other.test"))
    for ((kept, what, cure) in listOf(
        Triple(stranger, "nobody who is trusted here", arrayOf("--tls", "--insecure")),
        Triple(other, "not for the name that was dialed", arrayOf(*trusting, "--server-name", "other.test")),
    )) {
        test("a server that is not what it should be: $what") {
            RunningEcho("--tls", "--cert", "${kept.certificate}", "--key", "${kept.key}").use { echo ->
                val load = arrayOf(LOAD, "--target", "localhost:${echo.port}", "--seconds", "1")
                for (command in listOf(arrayOf(CONNECT, "localhost", "${echo.port}"), load)) {
                    fun run(vararg options: String) =
                        RunningProgram(command.first(), *command.drop(1).toTypedArray(), *options)
                            .apply { process.outputStream.close() }
                    run(*trusting).use { program ->
                        withClue(command.first()) {
                            program.rest()
                            program.status() shouldBe 1
                            program.errorLines().shouldBeSingleton { it shouldContain what }
                        }
                    }
                    run(*cure).use { program ->
                        program.rest()
                        withClue("${command.first()} ${program.errorLines()}") { program.status() shouldBe 0 }
                    }
                }
            }
        }
    }

    test("a server that is not what it should be: it speaks no TLS") {
        Service("220 welcome\r\n").use { service ->
            RunningProgram(CONNECT, *trusting, "localhost", "${service.port}").use { connect ->
                connect.status() shouldBe 1
                connect.errorLines().shouldBeSingleton { it shouldContain "no TLS" }
            }
        }
    }

    test("connect with openssl s_server: line by line, a page up to its end, and a server that dies").config(
        enabledOrReasonIf = { openssl },
    ) {
        val identity = Certificates.authority.issue("localhost", "127.0.0.1")
        fun OthersServer.connect() = RunningProgram(CONNECT, *trusting, "127.0.0.1", "${port()}")
        OthersServer.openssl(identity, null).use { server ->
            server.connect().use { connect ->
                connect.process.outputStream.apply { write("hello\n".toByteArray()); flush() }
                server.await("hello")
                server.say("an answer")
                connect.line() shouldBe "an answer"
                server.kill()
                connect.status() shouldBe 1
                connect.errorLines().shouldBeSingleton { it shouldContain "close_notify" }
            }
        }
        OthersServer.openssl(identity, null, "-www").use { server ->
            server.connect().use { connect ->
                connect.process.outputStream.apply { write("GET / HTTP/1.0\r\n\r\n".toByteArray()); flush() }
                connect.rest() shouldContain "200 ok"
                connect.status() shouldBe 0
            }
        }
    }

    test("options that do not go together: the usage, status 2") {
        for (options in listOf(
            listOf("--ca", "x"), listOf("--tls", "--key", "x"), listOf("--tls", "--ca", "x", "--insecure"),
            listOf("--server-name", "x"),
        )) {
            for ((program, where) in listOf(CONNECT to listOf("localhost", "1"), LOAD to listOf("--target", "localhost:1"))) {
                RunningProgram(program, *options.toTypedArray(), *where.toTypedArray()).use {
                    withClue("$program $options") { it.status() shouldBe 2 }
                }
            }
        }
    }
})
