package io.netpark.samples.admin

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.ECHO
import io.netpark.samples.HERE
import io.netpark.samples.PROXY
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.program
import java.net.ServerSocket
import java.net.Socket
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.exists

/** The option --admin, as people use it. */
class AdminSpec : SampleSpec({
    val folder: Path = Files.createTempDirectory("admin")
    afterSpec { folder.toFile().deleteRecursively() }
    val path = folder.resolve("admin.sock")

    val programs = mapOf(
        "echo" to arrayOf(ECHO),
        "echo, callbacks" to arrayOf(ECHO, "--api", "callback"),
        "http" to arrayOf("io.netpark.samples.http.HttpKt"),
        "chat" to arrayOf("io.netpark.samples.chat.ChatKt"),
        "redis" to arrayOf("io.netpark.samples.redis.RedisKt"),
        "tail" to arrayOf("io.netpark.samples.tail.TailKt", "${folder.resolve("log")}"),
        "proxy" to arrayOf(PROXY, "--upstream", "127.0.0.1:1"),
        "ktor" to arrayOf("io.netpark.samples.ktor.KtorKt"),
    )
    for ((title, words) in programs) {
        test("$title is looked at over a unix socket, which is gone when it has ended")
            .config(enabledOrReasonIf = { needs("curl", "--version") }) {
                Administered(words.first(), "unix:$path", *words.drop(1).toTypedArray()).use { sample ->
                    val name = title.substringBefore(',')
                    sample.curl("metrics").first shouldContain Regex("""(?m)^netpark_loops\{group="$name"} [1-9]""")
                    sample.curl("health", "-o", "/dev/null", "-w", "%{http_code}") shouldBe Pair("200", 0)
                    sample.curl("dump").first shouldContain Regex("listener on 127\\.0\\.0\\.1:\\d+: (accepting|unwatched)")
                    sample.program.signal("TERM")
                    sample.program.status() shouldBe 0
                }
                path.exists() shouldBe false
            }
    }

    for (address in listOf("127.0.0.1:0", "[::1]:0")) {
        test("over TCP, at $address").config(enabledOrReasonIf = { needs("curl", "--version") }) {
            Administered(ECHO, address).use { sample ->
                sample.curl("connections", "--fail").second shouldBe 0
                sample.curl("nothing", "-o", "/dev/null", "-w", "%{http_code}") shouldBe Pair("404", 0)
                sample.curl("dump", "-X", "DELETE", "-o", "/dev/null", "-w", "%{http_code}") shouldBe Pair("405", 0)
                sample.curl("metrics", "-I").first shouldContain "text/plain; version=0.0.4"
                sample.program.signal("INT")
                sample.program.status() shouldBe 0
                sample.program.errorLines().shouldBeEmpty()
            }
        }
    }

    test("a JDK alone gets the dump of a process that is named by its number, by docs/NetparkDump.java") {
        fun dump(vararg arguments: String) = program(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "../docs/NetparkDump.java", *arguments,
        )
        Administered(ECHO, "unix:$path").use { sample ->
            val (said, status) = dump("${sample.program.pid}")
            withClue(said) { status shouldBe 0 }
            said shouldContain Regex("""(?m)^"echo": \d+ event loops?, 1 listener, 0 connections, """)
            said shouldContain Regex("listener on 127\\.0\\.0\\.1:\\d+: (accepting|unwatched)")
        }
        dump() shouldBe Pair("usage: java NetparkDump.java PID\n", 2)
    }

    test("while a sample drains it can be looked at").config(enabledOrReasonIf = { needs("curl", "--version") }) {
        Administered(ECHO, "unix:$path", "--drain", "600").use { sample ->
            val port = Regex("""listener on 127\.0\.0\.1:(\d+)""").find(sample.curl("dump").first)!!.groupValues[1].toInt()
            Socket(HERE, port).use { client ->
                client.getOutputStream().write(1)
                client.getInputStream().read() shouldBe 1
                sample.program.signal("TERM")
                sample.program.line() shouldBe "draining: 1 connection is open, for at most 600.0 s; a second signal ends at once"
                sample.curl("connections").first shouldContain "\"peer\": \"127.0.0.1:${client.localPort}\""
            }
            sample.program.status() shouldBe 0
            path.exists() shouldBe false
        }
    }

    test("an address that others can reach, and one that makes no sense, is a usage error that says which are meant") {
        val addresses = listOf("0.0.0.0:9000", "10.0.0.1:9000", "[::]:9000", "example.org:9000", "localhost:9000", "9000", "unix:here",
            "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:9000", "")
        for (address in addresses) {
            val refusal = runCatching { AdminAddress().convert(address) }.exceptionOrNull()?.message
            refusal!! shouldContain "'$address' is none of unix:/path, 127.0.0.1:port and [::1]:port"
        }
        RunningProgram(ECHO, "--port", "0", "--admin", "0.0.0.0:9000").use { program ->
            program.status() shouldBe 2
            program.errorLines().first() shouldContain "'0.0.0.0:9000' is none of unix:/path, 127.0.0.1:port and [::1]:port"
            program.rest() shouldBe ""
        }
    }

    test("a path that is too long is a usage error") {
        runCatching { AdminAddress().convert("unix:/" + "x".repeat(107)) }.exceptionOrNull()!!.message!! shouldContain "107 bytes"
    }

    test("a port in use: one line that names the address, status 1") {
        ServerSocket(0, 1, HERE).use { other ->
            RunningProgram(ECHO, "--port", "0", "--admin", "127.0.0.1:${other.localPort}").use { program ->
                program.status() shouldBe 1
                program.errorLines().shouldBeSingleton { it shouldContain "127.0.0.1:${other.localPort}" }
                program.rest() shouldBe ""
            }
        }
    }

    test("Ktor's own engine has no event loops to look at") {
        RunningProgram("io.netpark.samples.ktor.KtorKt", "--port", "0", "--engine", "cio", "--admin", "unix:$path").use { program ->
            program.status() shouldBe 2
            program.errorLines().first() shouldContain "--admin is for --engine netpark"
        }
    }
})
