package io.netpark.samples.redis

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.needsJdkOf
import io.netpark.samples.soon
import io.netpark.samples.whileDoing
import java.io.ByteArrayOutputStream
import kotlin.random.Random

/** The redis sample under clients that hurry, dawdle, vanish and cut their requests into pieces. */
class RedisTrafficSpec : SampleSpec({
    val redis by lazy { RunningRedis() }
    afterSpec { redis.close() }

    for (loops in listOf("1", "2")) {
        val probe = { needs("redis-benchmark", "--version") }
        test("redis-benchmark finds no fault with --loops $loops").config(enabledOrReasonIf = { probe() }) {
            RunningRedis("--loops", loops).use { server ->
                val benchmark = ProcessBuilder("redis-benchmark", "-p", "${server.port}", "-P", "16", "-n", "100000",
                    "--csv", "-t", "ping,set,get,incr,mset").redirectErrorStream(true).start()
                val lines = benchmark.inputStream.bufferedReader().readLines()
                withClue(lines) {
                    benchmark.waitFor() shouldBe 0
                    lines.drop(1).map { it.substringBefore(',').trim('"') } shouldBe
                        listOf("PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)")
                }
                server.dial().use { client ->
                    client.send("GET counter:__rand_int__\r\nQUIT\r\n")
                    val count = client.rest().decodeToString().lines()[1].trim().toLong()
                    count shouldBeGreaterThanOrEqual 100_000
                }
                server.program.errorLines().shouldBeEmpty()
            }
        }
    }

    for (seed in 1..6) {
        test("pipelined requests in random pieces are answered in order (seed $seed)") {
            val random = Random(seed)
            val (requests, answers) = script(random, 1500, "seed$seed")
            val largest = if (seed % 2 == 0) 17 else 40_000
            redis.dial().use { client ->
                val got = whileDoing({
                    var at = 0
                    while (at < requests.size) {
                        val end = minOf(requests.size, at + random.nextInt(1, largest))
                        client.send(requests.copyOfRange(at, end))
                        at = end
                    }
                }) { client.receive(answers.size) }
                val difference = answers.indices.firstOrNull { it >= got.size || got[it] != answers[it] }
                withClue("first difference at $difference of ${answers.size}") { difference shouldBe null }
            }
        }
    }

    test("a value of 20 MiB, one that is too long, and a key of any bytes") {
        RunningRedis("--longest-value", "20").use { server ->
            server.dial().use { client ->
                val key = ByteArray(256) { it.toByte() }
                val value = Random(7).nextBytes(20 shl 20)
                whileDoing({ client.send(request("SET".encodeToByteArray(), key, value)) }) {
                    client.receive(5).decodeToString() shouldBe "+OK\r\n"
                }
                client.send(request("GET".encodeToByteArray(), key))
                client.receive("$20971520\r\n".length).decodeToString() shouldBe "$20971520\r\n"
                client.receive(value.size).contentEquals(value) shouldBe true
                client.receive(2)
                client.send("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$20971521\r\n")
                client.rest().decodeToString() shouldBe "-ERR Protocol error: invalid bulk length\r\n"
            }
        }
    }

    test("MGET of more than a client may leave unread is refused, and nothing is copied") {
        RunningRedis("--longest-value", "20").use { server -> // so 41 MiB of answers
            server.dial().use { client ->
                val value = Random(8).nextBytes(20 shl 20)
                whileDoing({ client.send(request("SET".encodeToByteArray(), "k".encodeToByteArray(), value)) }) {
                    client.receive(5).decodeToString() shouldBe "+OK\r\n"
                }
                client.ask("MGET k k") shouldBe "*2"
                repeat(2) {
                    client.receive("$20971520\r\n".length).decodeToString() shouldBe "$20971520\r\n"
                    client.receive(value.size + 2).contentEquals(value + "\r\n".encodeToByteArray()) shouldBe true
                }
                client.ask("MGET k missing k k") shouldBe
                    "-ERR the values have 62914560 bytes, and an answer may have 42991616"
                // 20 TiB, to whoever would copy them
                client.send("*1000001\r\n$4\r\nMGET\r\n" + "$1\r\nk\r\n".repeat(1_000_000))
                client.ask("PING") shouldBe "-ERR the values have 20971520000000 bytes, and an answer may have 42991616"
                client.receive("+PONG\r\n".length).decodeToString() shouldBe "+PONG\r\n"
                server.dial().use { it.exchange("PING\r\n", "+PONG\r\n") }
            }
        }
    }

    test("a client that does not read gets no more than it can take, others are served, and nothing is lost") {
        val value = "v".repeat(100_000)
        val gets = 4_000 // 400 MB of answers
        redis.dial().use { other ->
            // A line of that length is refused, unless it comes in one piece.
            other.exchange(request("SET", "slow", value).toString(Charsets.ISO_8859_1), "+OK\r\n")
            val before = redis.program.rssKiB()
            redis.dial().use { slow ->
                val answer = "$100000\r\n$value\r\n".encodeToByteArray()
                val requests = request("GET", "slow")
                whileDoing({ repeat(gets) { slow.send(requests) } }) {
                    repeat(200) {
                        other.exchange("PING\r\n", "+PONG\r\n")
                        Thread.sleep(5) // time in which memory would grow
                    }
                    redis.program.rssKiB() - before shouldBeLessThan 48 * 1024
                    repeat(gets) { slow.receive(answer.size).contentEquals(answer) shouldBe true }
                }
            }
        }
    }

    test("a client that half-closes before it reads gets every answer, then the end") {
        redis.dial().use { client ->
            val value = "h".repeat(10_000)
            client.exchange(request("SET", "half", value).toString(Charsets.ISO_8859_1), "+OK\r\n")
            val gets = 2_000
            val requests = ByteArrayOutputStream().apply { repeat(gets) { writeBytes(request("GET", "half")) } }.toByteArray()
            client.send(requests)
            client.socket.shutdownOutput()
            client.rest().size shouldBe gets * "$10000\r\n$value\r\n".length
        }
    }

    test("a client that half-closes behind its last request gets the end, however long that answer waits for it") {
        RunningRedis("--longest-value", "20").use { server ->
            server.dial().use { client ->
                val value = "v".repeat(20 shl 20)
                whileDoing({ client.send(request("SET", "last", value)) }) {
                    client.receive(5).decodeToString() shouldBe "+OK\r\n"
                }
                client.send(request("GET", "last"))
                client.socket.shutdownOutput()
                client.rest().size shouldBe "$20971520\r\n$value\r\n".length
            }
        }
    }

    test("clients that vanish in the midst of requests leave no descriptor behind") {
        redis.dial().use { it.exchange("PING\r\n", "+PONG\r\n") }
        val before = soon { redis.descriptors() }
        val whole = request("SET", "vanished", "x".repeat(50_000)) + request("GET", "vanished")
        repeat(5) { round ->
            val clients = List(40) { redis.dial() }
            clients.forEachIndexed { i, client ->
                client.send(whole.copyOf(1 + (whole.size - 1) * (i + 1) / 40))
                if (i % 2 == 0) client.socket.setSoLinger(true, 0) // a reset
                if (i % 3 == 0) client.socket.shutdownOutput()
            }
            if (round % 2 == 0) redis.dial().use { it.exchange("PING\r\n", "+PONG\r\n") }
            clients.forEach { it.close() }
        }
        soon { redis.descriptors() shouldBeLessThanOrEqual before }
        redis.dial().use { it.exchange("PING\r\n", "+PONG\r\n") }
        redis.program.errorLines().shouldBeEmpty()
    }

    test("keys expire, whether somebody asks for them or not") {
        RunningRedis().use { server ->
            server.dial().use { client ->
                client.exchange("SET asked x PX 60\r\nSET kept x PX 100000\r\n", "+OK\r\n+OK\r\n")
                soon { client.ask("EXISTS asked") shouldBe ":0" }
                repeat(3000) { client.exchange("SET unasked:$it x PX ${1 + it % 100}\r\n", "+OK\r\n") }
                soon { client.ask("DBSIZE") shouldBe ":1" } // which removes none itself
                client.exchange("SET short x PX 1000\r\nPERSIST short\r\nSET again x PX 20\r\nSET again x\r\n",
                    "+OK\r\n:1\r\n+OK\r\n+OK\r\n")
                client.exchange("SET last x PX 1100\r\n", "+OK\r\n") // later than both
                soon { client.ask("EXISTS last") shouldBe ":0" }
                client.exchange("EXISTS kept short again\r\n", ":3\r\n")
                client.exchange("FLUSHALL\r\nSET far x EX 9000000000000\r\nEXISTS far\r\n", "+OK\r\n+OK\r\n:1\r\n")
            }
            server.program.awaitIdle() // no polling for what expires much later
        }
    }

    test("MSET is one step for the connections of every loop") {
        RunningRedis("--loops", "2").use { server ->
            server.dial().use { it.exchange("MSET left 0 right 0\r\n", "+OK\r\n") }
            val writers = List(2) { server.dial() }
            val readers = List(2) { server.dial() }
            whileDoing({
                for (i in 1..5_000) writers[i % 2].exchange("MSET left ${i % 10} right ${i % 10}\r\n", "+OK\r\n")
            }) {
                for (i in 1..5_000) {
                    val reader = readers[i % 2]
                    reader.send("MGET left right\r\n")
                    val lines = reader.receive("*2\r\n$1\r\n0\r\n$1\r\n0\r\n".length).decodeToString().lines().map { it.trim() }
                    lines[2] shouldBe lines[4]
                }
            }
            (writers + readers).forEach { it.close() }
        }
    }

    for (binding in listOf("jna", "ffm")) {
        test("the $binding binding").config(enabledOrReasonIf = { needsJdkOf(binding) }) {
            RunningRedis("--binding", binding).use { server ->
                server.dial().use { it.exchange("SET a b\r\nGET a\r\n", "+OK\r\n$1\r\nb\r\n") }
            }
        }
    }

    test("SIGTERM: connections are ended, status 0") {
        RunningRedis().use { server ->
            server.dial().use { client ->
                client.exchange("PING\r\n", "+PONG\r\n")
                server.program.signal("TERM")
                client.rest().size shouldBe 0
            }
            server.program.status() shouldBe 0
            server.program.errorLines().shouldBeEmpty()
        }
    }

    test("a port in use: one line that names the address; wrong options: the usage") {
        RunningProgram(REDIS, "--port", "${redis.port}").use { program ->
            program.status() shouldBe 1
            program.errorLines().shouldBeSingleton { it shouldContain "127.0.0.1:${redis.port}" }
        }
        for (wrong in listOf(arrayOf("--port", "70000"), arrayOf("--loops", "0"), arrayOf("--longest-value", "513"))) {
            RunningProgram(REDIS, *wrong).use { program ->
                program.status() shouldBe 2
                program.errorLines().joinToString("\n") shouldContain "Usage: samples/run redis"
            }
        }
    }
})

/** Requests of one client in a row, and the answers that a map gives to them. */
private fun script(random: Random, count: Int, prefix: String): Pair<ByteArray, ByteArray> {
    val requests = ByteArrayOutputStream()
    val answers = StringBuilder()
    val model = HashMap<String, String>()
    fun bulk(value: String?) = if (value == null) "$-1\r\n" else "$${value.length}\r\n$value\r\n"
    fun key() = "$prefix:${random.nextInt(20)}"
    fun say(answer: String, vararg words: String) {
        requests.writeBytes(request(*words))
        answers.append(answer)
    }
    repeat(count) {
        val key = key()
        when (random.nextInt(9)) {
            0, 1 -> {
                val size = if (random.nextInt(20) == 0) random.nextInt(100_000) else random.nextInt(40)
                val value = String(CharArray(size) { ' ' + random.nextInt(95) })
                say("+OK\r\n", "SET", key, value)
                model[key] = value
            }
            2, 3 -> say(bulk(model[key]), "get", key)
            4 -> {
                val counter = "$prefix:counter"
                model[counter] = "${(model[counter] ?: "0").toLong() + 7}"
                say(":${model[counter]}\r\n", "IncrBy", counter, "7")
            }
            5 -> say(":${if (model.remove(key) != null) 1 else 0}\r\n", "DEL", key)
            6 -> {
                val other = key()
                say("*2\r\n${bulk(model[key])}${bulk(model[other])}", "MGET", key, other)
            }
            7 -> {
                requests.writeBytes("EXISTS $key \"$key\"\r\n".encodeToByteArray())
                answers.append(":${if (key in model) 2 else 0}\r\n")
            }
            else -> say("-ERR syntax error\r\n", "SET", key, "x", "maybe")
        }
    }
    return requests.toByteArray() to answers.toString().encodeToByteArray()
}
