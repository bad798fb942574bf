package io.netpark.samples.redis

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.netpark.samples.Certificates
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.program
import io.netpark.samples.soon
import kotlin.random.Random

/** The redis sample over TLS: rediss. */
class RedisTlsSpec : SampleSpec({
    val cli = needs("redis-cli", "--version")
    val trusting = arrayOf("--tls", "--cacert", "${Certificates.ca}")

    fun RunningRedis.cli(vararg words: String, input: String = "", options: Array<String> = trusting) =
        program("redis-cli", "-h", "127.0.0.1", "-p", "$port", *options, *words, input = input)

    fun RunningRedis.turnedAway() = program.errorLines().filter { "turned away" in it }

    test("the line that it tells, with the certificate that it makes itself").config(enabledOrReasonIf = { cli }) {
        RunningProgram(REDIS, "--port", "0", "--tls").use { redis ->
            val port = redis.line()!!.substringAfterLast(':')
            redis.line()!! shouldContain "TLS by a certificate of its own in "
            val line = redis.line()!!.trim().substringAfter("redis-cli", "")
            line shouldContain "-p $port"
            program("sh", "-c", "exec redis-cli$line PING") shouldBe Pair("PONG\n", 0)
            redis.errorLines().shouldBeEmpty()
        }
    }

    test("redis-cli: short and long values, many commands in one go, in either version").config(enabledOrReasonIf = { cli }) {
        RunningRedis(*Certificates.options).use { redis ->
            redis.cli("SET", "key", "value") shouldBe Pair("OK\n", 0)
            redis.cli("GET", "key") shouldBe Pair("value\n", 0)
            val long = Random(1).nextBytes(1_500_000).joinToString("") { "%02x".format(it) }
            redis.cli("-x", "SET", "long", input = long) shouldBe Pair("OK\n", 0)
            redis.cli("GET", "long").first.trimEnd() shouldBe long
            val pipe = (1..5000).joinToString("") { "SET key:$it value:$it\r\n" }
            redis.cli("--pipe", input = pipe).first shouldContain "errors: 0, replies: 5000"
            redis.cli("GET", "key:4711") shouldBe Pair("value:4711\n", 0)
            for ((version, option, suites) in listOf(
                Triple("TLSv1.2", "--tls-ciphers", "ECDHE+AESGCM"),
                Triple("TLSv1.3", "--tls-ciphersuites", "TLS_AES_256_GCM_SHA384"),
            )) {
                withClue(version) {
                    redis.cli("GET", "key", options = arrayOf(*trusting, option, suites)) shouldBe Pair("value\n", 0)
                }
            }
            redis.program.errorLines().shouldBeEmpty()
        }
    }

    test("redis-benchmark finds no fault").config(enabledOrReasonIf = { needs("redis-benchmark", "--help") }) {
        RunningRedis("--loops", "2", *Certificates.options).use { redis ->
            val before = redis.descriptors()
            val (said, status) = program(
                "redis-benchmark", "-p", "${redis.port}", *trusting, "-n", "10000", "-c", "20", "-P", "8", "-d", "300",
                "-r", "100", "-q",
                "-t", "set,get,incr,mset",
            )
            withClue(said) {
                status shouldBe 0
                said shouldContain "GET"
                said shouldNotContain "rror"
            }
            soon { redis.descriptors() shouldBeLessThanOrEqual before }
            redis.program.errorLines().shouldBeEmpty()
        }
    }

    test("redis-cli with a certificate, which the server wants; and without; and with others' authority").config(
        enabledOrReasonIf = { cli },
    ) {
        RunningRedis(*Certificates.mutual).use { redis ->
            redis.cli("SET", "key", "value", options = arrayOf(*trusting, *Certificates.shown)) shouldBe Pair("OK\n", 0)
            redis.turnedAway().shouldBeEmpty()
            val (said, status) = redis.cli("GET", "key")
            withClue(said) { status shouldNotBe 0 }
            // It may try again by itself.
            soon { redis.turnedAway().apply { isEmpty() shouldBe false }.forEach { it shouldContain "sent no certificate" } }
        }
        RunningRedis(*Certificates.options).use { redis ->
            val (said, status) = redis.cli("PING", options = arrayOf("--tls", "--cacert", "${Certificates.ofClient.certificate}"))
            status shouldNotBe 0
            said shouldContain "certificate verify failed"
            val (plain, _) = redis.cli("PING", options = emptyArray())
            plain shouldNotContain "PONG"
            soon { redis.turnedAway().last() shouldContain "speaks no TLS" }
            redis.turnedAway().first() shouldContain "does not know the authority"
            redis.cli("PING") shouldBe Pair("PONG\n", 0)
        }
    }

    test("a client that pipelines and half-closes before it reads gets every answer, then the end") {
        RunningRedis(*Certificates.options).use { redis ->
            Certificates.dial(redis.port, "TLSv1.3").use { client ->
                val value = "x".repeat(10_000)
                client.outputStream.write(("SET key $value\r\n" + "GET key\r\n".repeat(200)).toByteArray())
                client.shutdownOutput()
                client.inputStream.readAllBytes().decodeToString() shouldBe "+OK\r\n" + "$10000\r\n$value\r\n".repeat(200)
            }
            redis.program.signal("TERM")
            redis.program.status() shouldBe 0
            redis.program.errorLines().shouldBeEmpty()
        }
    }
})
