package io.netpark.samples

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.tls.Order
import io.netpark.core.tls.ServerTls
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import java.time.Duration
import java.time.Instant
import kotlin.io.path.deleteExisting
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** The certificate that a sample makes itself. */
class SelfSignedSpec : SampleSpec({
    val folder: Path = Files.createTempDirectory("self-signed")
    afterSpec { folder.toFile().deleteRecursively() }

    fun of(host: String = "127.0.0.1") = SelfSigned.of(host, folder)

    fun mode(file: Path) = PosixFilePermissions.toString(Files.getPosixFilePermissions(file))

    test("it is for the names of this machine, and nobody else may read its key") {
        val made = of()
        val certificate = ServerTls.of(made.certificate, made.key).certificates().single()
        certificate.names.shouldContainExactlyInAnyOrder("localhost", "127.0.0.1", "0:0:0:0:0:0:0:1")
        val now = Instant.now()
        (certificate.notBefore < now && certificate.notAfter > now + Duration.ofDays(80)) shouldBe true
        Pair(mode(made.certificate), mode(made.key)) shouldBe Pair("rw-r--r--", "rw-------")
        folder.listDirectoryEntries().map { it.name }.shouldContainExactlyInAnyOrder("localhost.pem", "localhost.key", "lock")
    }

    test("it is used again while it is valid, for every address of loopback") {
        val before = of().certificate.readText()
        for (host in listOf("127.0.0.1", "localhost", "::1", "0.0.0.0", "::")) of(host).certificate.readText() shouldBe before
    }

    test("one that has expired, ends today, or is damaged is of no use") {
        val now = Instant.now()
        fun written(order: Order) = order.issue().writeChain(folder.resolve("other"))
        fun selfSigned() = Order.selfSigned("localhost")
        SelfSigned.isGood(written(selfSigned())) shouldBe true
        SelfSigned.isGood(written(selfSigned().expired())) shouldBe false
        SelfSigned.isGood(written(selfSigned().notYetValid())) shouldBe false
        SelfSigned.isGood(written(selfSigned().valid(now - Duration.ofDays(1), now + Duration.ofHours(20)))) shouldBe false
        val damaged = folder.resolve("other").apply { writeText("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n") }
        SelfSigned.isGood(damaged) shouldBe false
        damaged.deleteExisting()
        SelfSigned.isGood(damaged) shouldBe false
    }

    test("one that is of no use, or has lost its key, is made anew") {
        val made = of()
        val before = made.key.readText()
        Order.selfSigned("localhost").expired().issue().writeChain(made.certificate)
        of().key.readText() shouldNotBe before
        ServerTls.of(made.certificate, made.key) // they belong together
        made.key.deleteExisting()
        of()
        ServerTls.of(made.certificate, made.key)
    }

    test("one for another host is another one") {
        val made = of("192.0.2.1")
        made.certificate.name shouldBe "192.0.2.1.pem"
        ServerTls.of(made.certificate, made.key).certificates().single().names shouldBe listOf("192.0.2.1")
    }

    test("a folder that is none: told as every failure is") {
        shouldThrow<IOException> { SelfSigned.of("127.0.0.1", folder.resolve("nowhere")) }.message!! shouldContain "nowhere"
    }

    test("servers that start at the same time have the same one") {
        val state = folder.resolve("state")
        fun start() = RunningProgram(ECHO, "--port", "0", "--tls", state = state)
        start().use { one ->
            start().use { other ->
                val told = listOf(one, other).map { program -> program.line()!!.substringAfterLast(':').toInt() to program.line()!! }
                val certificate = Regex("in (\\S+localhost.pem),").find(told.first().second)!!.groupValues[1]
                told.last().second shouldContain certificate
                for ((port, _) in told) {
                    RunningProgram(CONNECT, "--tls", "--ca", certificate, "localhost", "$port").use { client ->
                        client.process.outputStream.use { it.write("hello\n".toByteArray()) }
                        client.line() shouldBe "hello"
                        client.status() shouldBe 0
                    }
                }
                listOf(one, other).flatMap { it.errorLines() }.shouldBeEmpty()
            }
        }
    }
})
