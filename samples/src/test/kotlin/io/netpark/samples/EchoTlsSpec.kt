package io.netpark.samples

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.random.Random

/** The echo sample over TLS, with clients that are not Netpark's. */
class EchoTlsSpec : SampleSpec({
    val openssl = needs("openssl", "version")
    val gnutls = needs("gnutls-cli", "--version")
    val folder: Path = Files.createTempDirectory("echo-tls")
    afterSpec { folder.toFile().deleteRecursively() }

    for (api in listOf("coroutine", "callback")) {
        context(api) {
            val echo by lazy { RunningEcho("--api", api, "--loops", "1", *Certificates.options) }
            afterSpec { echo.close() }

            test("it says where it listens, and by which certificate") {
                echo.firstLine!! shouldMatch Regex("""listening on 127\.0\.0\.1:\d+""")
                echo.program.line()!! shouldMatch
                    Regex("TLS by the certificate in ${Certificates.server.certificate}, for localhost, 127.0.0.1, ::1, until .*")
            }

            for (protocol in listOf("tls1_2", "tls1_3")) {
                test("openssl s_client, $protocol: what is typed comes back").config(enabledOrReasonIf = { openssl }) {
                    SClient(echo.port, "-$protocol").use { client ->
                        client.say("hello")
                        client.await("hello")
                    }
                }
            }

            test("openssl s_client: keys are changed in the middle, by one side and by both")
                .config(enabledOrReasonIf = { openssl }) {
                    SClient(echo.port, "-tls1_3").use { client ->
                        for (command in listOf("k", "K", "K")) { // its own keys; and the server's, too
                            client.say(command)
                            client.await("KEYUPDATE")
                            client.say("after $command")
                            client.await("after $command")
                        }
                    }
                }

            test("openssl s_client: a session is resumed").config(enabledOrReasonIf = { openssl }) {
                val session = folder.resolve("$api-session")
                SClient(echo.port, "-tls1_3", "-sess_out", "$session").use { client ->
                    client.say("hello")
                    client.await("hello")
                    soon { check(session.exists()) }
                }
                SClient(echo.port, "-tls1_3", "-sess_in", "$session").use { client ->
                    client.await("Reused, TLSv1.3")
                    client.say("again")
                    client.await("again")
                }
            }

            test("gnutls-cli").config(enabledOrReasonIf = { gnutls }) {
                Talk("gnutls-cli", "--x509cafile=${Certificates.ca}", "-p", "${echo.port}", "localhost").use { client ->
                    client.await("- Handshake was completed")
                    client.say("hello")
                    client.await("hello")
                }
            }

            for (protocol in listOf("TLSv1.2", "TLSv1.3")) {
                test("a client of the JDK's that sends much, $protocol") {
                    val requests = Random(1).nextBytes(4_000_000)
                    Certificates.dial(echo.port, protocol).use { client ->
                        whileDoing({
                            for (start in requests.indices step 1000) client.outputStream.write(requests, start, 1000)
                        }) { client.inputStream.readNBytes(requests.size) }.contentEquals(requests) shouldBe true
                    }
                }
            }

            test("a client that half-closes before it reads gets everything back, then the end") {
                val request = Random(2).nextBytes(50_000)
                Certificates.dial(echo.port, "TLSv1.3").use { client ->
                    client.outputStream.write(request)
                    client.shutdownOutput()
                    client.inputStream.readAllBytes().contentEquals(request) shouldBe true
                }
            }

            test("nothing was wrong with any of them") { echo.program.errorLines().shouldBeEmpty() }

            test("a client that speaks no TLS, or trusts nobody, is turned away with a line; one that says nothing holds nobody up") {
                RunningEcho("--api", api, "--drain", "1", *Certificates.options).use { server ->
                    server.dial().use { plain ->
                        plain.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".toByteArray())
                        plain.getInputStream().readAllBytes().take(3) shouldBe listOf<Byte>(21, 3, 3) // an alert
                    }
                    soon { server.told().shouldBeSingleton { it shouldContain "speaks no TLS" } }
                    if (openssl.isEnabled) {
                        program("openssl", "s_client", "-connect", "127.0.0.1:${server.port}", "-verify_return_error")
                        soon { check(server.told().size == 2) }
                        server.told().last() shouldContain "does not know the authority"
                    }
                    val silent = server.dial()
                    server.program.signal("TERM")
                    server.program.status() shouldBe 0
                    silent.close()
                    server.program.errorLines().filter { "at io.netpark" in it }.shouldBeEmpty() // no stack
                }
            }

            test("clients must have a certificate, if it is told so").config(enabledOrReasonIf = { openssl }) {
                RunningEcho("--api", api, *Certificates.mutual).use { server ->
                    SClient(server.port, "-tls1_3", *Certificates.ofClient.run { arrayOf("-cert", "$certificate", "-key", "$key") }).use {
                        it.say("hello")
                        it.await("hello")
                    }
                    RunningProgram(CONNECT, "--tls", "--ca", "${Certificates.ca}", *Certificates.shown, "localhost", "${server.port}").use {
                        it.process.outputStream.use { out -> out.write("from connect\n".toByteArray()) }
                        it.line() shouldBe "from connect"
                        it.status() shouldBe 0
                    }
                    server.told().shouldBeEmpty()
                    SClient(server.port, "-tls1_3").use { it.await("SSL alert number") } // which one, depends on the JDK
                    soon { server.told().shouldBeSingleton { it shouldContain "sent no certificate" } }
                }
            }
        }
    }

    test("files that are of no use: one line that says which and why, status 1") {
        val empty = Files.createFile(folder.resolve("empty.pem"))
        val (server, client) = Certificates.server to Certificates.ofClient
        for ((options, text) in listOf(
            listOf("--cert", "$folder/none.pem") to "none.pem",
            listOf("--cert", "$empty", "--key", "${server.key}") to "empty.pem",
            listOf("--cert", "${server.certificate}", "--key", "${client.certificate}") to "${client.certificate}",
        )) {
            RunningProgram(ECHO, "--port", "0", "--tls", *options.toTypedArray()).use { program ->
                withClue(options) {
                    program.status() shouldBe 1
                    program.errorLines().shouldBeSingleton { it shouldContain text }
                }
            }
        }
    }

    test("options that do not go together: the usage, status 2") {
        for (options in listOf(listOf("--cert", "x"), listOf("--tls", "--key", "x"), listOf("--client-ca", "x"))) {
            RunningProgram(ECHO, "--port", "0", *options.toTypedArray()).use { program ->
                withClue(options) { program.status() shouldBe 2 }
            }
        }
    }
})

/** What it has told of clients that it has turned away, and nothing else. */
private fun RunningEcho.told() = program.errorLines().filter { "turned away" in it }

/** openssl s_client, which trusts the authority. */
private class SClient(port: Int, vararg options: String) : Talk(
    "openssl", "s_client", "-connect", "127.0.0.1:$port", "-CAfile", "${Certificates.ca}", "-verify_return_error",
    "-verify_ip", "127.0.0.1", *options,
)
