package io.netpark.samples

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.http.RunningHttp
import java.io.OutputStream
import java.net.Socket
import java.net.SocketException
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong
import java.util.zip.CRC32C
import kotlin.io.path.readText
import kotlin.random.Random
import kotlin.time.Duration.Companion.minutes

/** The proxy sample under clients that dawdle, vanish, come when descriptors are short, or have not finished when it ends. */
class ProxyTrafficSpec : SampleSpec({

    test("when the drain is over, clients and servers that are cut off see a reset, and no end of the stream") {
        val begun = CompletableFuture<Unit>()
        val upload = CompletableFuture<String>()
        val service = Service { client ->
            when (client.getInputStream().read()) {
                FLOOD -> client.flood()
                UPLOAD -> {
                    begun.complete(Unit)
                    upload.complete(client.end())
                }
            }
        }
        service.use {
            RunningProxy(listOf(service.port), "--drain", "0.5").use { proxy ->
                val download = proxy.dial()
                val uploading = proxy.dial()
                download.getOutputStream().write(FLOOD)
                download.getInputStream().readNBytes(1_000_000)
                uploading.getOutputStream().write(UPLOAD)
                whileDoing({
                    try {
                        uploading.flood()
                    } catch (_: SocketException) {
                        // It has been cut off too.
                    }
                }) {
                    begun.get(PATIENCE_SECONDS, TimeUnit.SECONDS)
                    proxy.program.signal("TERM")
                    download.end() shouldBe "Connection reset"
                    upload.get(PATIENCE_SECONDS, TimeUnit.SECONDS) shouldBe "Connection reset"
                }
                listOf(download, uploading).forEach(Socket::close)
                proxy.program.status() shouldBe 0
                proxy.program.errorLines().shouldBeEmpty()
            }
        }
    }

    test("clients that do not read: their server is slowed down, others are served, and all of it arrives when they read") {
        // What the kernel may hold of a stream: unread by the proxy, on the way in a pipe, unread by the client.
        val held = mostBufferedBy("tcp_rmem") + mostBufferedBy("tcp_wmem") + (2 shl 20)
        val blocks = 2 * held / BLOCK
        val sent = List(4) { AtomicLong() }
        val sums = List(sent.size) { CompletableFuture<Long>() }
        val service = Service { client ->
            val kind = client.getInputStream().read()
            if (kind == ECHO_BACK) return@Service client.echo()
            if (kind < 0) return@Service
            client.sendBufferSize = BLOCK
            val block = ByteBuffer.wrap(Random(kind).nextBytes(BLOCK))
            val sum = CRC32C()
            for (number in 0 until blocks) {
                block.putLong(0, number)
                client.getOutputStream().write(block.array())
                sum.update(block.array())
                sent[kind].addAndGet(BLOCK.toLong())
            }
            sums[kind].complete(sum.value)
        }
        service.use {
            RunningProxy(listOf(service.port), "--loops", "1").use { proxy ->
                proxy.dial().use { other ->
                    other.getOutputStream().write(ECHO_BACK)
                    other.exchange(byteArrayOf(1)) shouldBe byteArrayOf(1)
                    val memory = proxy.program.rssKiB()
                    val slow = sent.indices.map { kind -> proxy.dial(BLOCK).apply { getOutputStream().write(kind) } }
                    val taken = soon { // when nothing moves any more
                        val before = sent.map { it.get() }
                        Thread.sleep(500)
                        sent.map { it.get() } shouldBe before
                        before.min() shouldBeGreaterThan 0
                        before
                    }
                    taken.max() shouldBeLessThanOrEqual held
                    repeat(100) { other.exchange(byteArrayOf(it.toByte())) shouldBe byteArrayOf(it.toByte()) }
                    proxy.program.rssKiB() - memory shouldBeLessThan 48 * 1024
                    slow.forEachIndexed { kind, client ->
                        val got = client.use { it.sumToTheEnd() }
                        got shouldBe Pair(blocks * BLOCK, sums[kind].get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    }
                }
            }
        }
    }

    test("clients that vanish in the midst leave no descriptor behind, and their servers hear of it") {
        val served = AtomicInteger()
        val service = Service { client ->
            served.incrementAndGet()
            try {
                when (client.getInputStream().read()) {
                    FLOOD -> client.flood()
                    ECHO_BACK -> client.echo()
                }
            } finally {
                served.decrementAndGet()
            }
        }
        service.use {
            RunningProxy(listOf(service.port), "--check", "60", "--loops", "1").use { proxy ->
                val before = proxy.descriptors()
                repeat(5) {
                    val clients = List(40) { proxy.dial() }
                    clients.forEachIndexed { i, client ->
                        val kind = if (i % 2 == 0) FLOOD else ECHO_BACK
                        client.getOutputStream().write(byteArrayOf(kind.toByte()) + ByteArray(2_500 * i))
                        if (i % 5 == 0) client.shutdownOutput()
                        if (i % 4 == 0) client.getInputStream().readNBytes(100_000)
                        if (i % 3 == 0) client.setSoLinger(true, 0) // a reset
                    }
                    clients.forEach(Socket::close)
                }
                proxy.dial().use { last -> // behind all of them, so they have been accepted
                    last.getOutputStream().write(ECHO_BACK)
                    last.exchange(byteArrayOf(1)) shouldBe byteArrayOf(1)
                }
                soon {
                    served.get() shouldBe 0
                    proxy.descriptors().sockets() shouldBe before.sockets()
                }
                proxy.descriptors().size - before.size shouldBeLessThanOrEqual 2 * 16 // of pipes that an event loop keeps
                proxy.program.errorLines().shouldBeEmpty()
                proxy.program.signal("TERM")
                proxy.program.status() shouldBe 0
                proxy.program.rest().lines().last { it.isNotEmpty() } shouldContain "0 clients now, 201 ever"
            }
        }
    }

    test("a server is not left out because this process has no descriptor left").config(
        enabledOrReasonIf = { needs("prlimit", "--version") },
    ) {
        HeldPort().use { held ->
            val dead = held.port
            Service().use { service ->
                RunningProxy(listOf(dead, service.port), "--check", "60", "--loops", "1").use { proxy ->
                    val out = listOf("upstream 127.0.0.1:$dead is left out")
                    val idle = proxy.descriptors().sockets()
                    fun outNow() = proxy.program.errorLines().filter { "is left out" in it }.map { it.substringBefore(": ") }

                    repeat(2) { proxy.dial().use { it.exchange(byteArrayOf(7)) shouldBe byteArrayOf(7) } }
                    soon { outNow() shouldBe out }
                    val taken = soon {
                        proxy.descriptors().also { all ->
                            all.sockets() shouldBe idle
                            all.values.filter { it.startsWith("/sys/") || it.startsWith("/proc/") }.shouldBeEmpty() // the JVM looks at its limits
                        }
                    }.keys

                    // The lowest number that is free is for the client; there is none for the dial.
                    val client = generateSequence(0) { it + 1 }.first { it !in taken }
                    val limit = proxy.limitDescriptors(generateSequence(client + 1) { it + 1 }.first { it !in taken })
                    repeat(3) { proxy.dial().use { it.end() } shouldBe "Connection reset" }
                    withClue(proxy.program.errorLines()) {
                        outNow() shouldBe out
                        soon { proxy.program.errorLines().filter { "EMFILE" in it }.shouldBeSingleton { it shouldContain "ulimit -n" } }
                    }
                    proxy.limitDescriptors(limit)
                    proxy.dial().use { it.exchange(byteArrayOf(8)) shouldBe byteArrayOf(8) }
                }
            }
        }
    }

    test("--connections: who comes in excess waits until somebody goes") {
        Service("hello").use { service ->
            RunningProxy(listOf(service.port), "--connections", "2").use { proxy ->
                fun Socket.greeting() = getInputStream().readNBytes(5).decodeToString()
                val first = proxy.dial().apply { greeting() shouldBe "hello" }
                proxy.dial().use { second ->
                    second.greeting() shouldBe "hello"
                    proxy.dial().use { third -> // in the backlog
                        first.exchange(byteArrayOf(7)) shouldBe byteArrayOf(7)
                        third.getInputStream().available() shouldBe 0
                        first.close()
                        third.greeting() shouldBe "hello"
                    }
                }
                proxy.program.signal("TERM")
                proxy.program.rest().lines().last { it.isNotEmpty() } shouldContain "3 ever"
            }
        }
    }

    val probe = { needs("curl", "--version") }
    test("curl: 3 GiB of the http sample are intact").config(enabledOrReasonIf = { probe() }, timeout = 5.minutes) {
        val folder = Files.createTempDirectory("proxied")
        try {
            val huge = folder.resolve("huge.bin")
            createSparse(huge, 3L shl 30, 0L, 1L shl 20, (1L shl 31) - 500, (1L shl 31) + 4096)
            RunningHttp("--root", "$folder").use { http ->
                RunningProxy(listOf(http.port)).use { proxy ->
                    val url = "http://127.0.0.1:${proxy.port}/huge.bin"
                    val pipeline = ProcessBuilder.startPipeline( // compared while it comes: it would fill the disk
                        listOf(
                            ProcessBuilder("curl", "-sS", "--fail", "--max-time", "${8 * PATIENCE_SECONDS}", url)
                                .redirectError(ProcessBuilder.Redirect.INHERIT),
                            ProcessBuilder("cmp", "-", "$huge").redirectErrorStream(true),
                        ),
                    )
                    pipeline.last().inputStream.readAllBytes().decodeToString() shouldBe ""
                    pipeline.map { it.waitFor() } shouldBe listOf(0, 0)
                }
            }
        } finally {
            folder.toFile().deleteRecursively()
        }
    }
})

// What a client asks of a service by its first byte

private const val FLOOD = 'f'.code
private const val UPLOAD = 'u'.code
private const val ECHO_BACK = 'e'.code

private const val BLOCK = 64 * 1024

private fun Map<Int, String>.sockets(): Int = values.count { it.startsWith("socket:") }

/** Writes until it fails. */
private fun Socket.flood(): Nothing {
    val block = ByteArray(BLOCK)
    while (true) getOutputStream().write(block)
}

private fun Socket.echo() {
    getInputStream().transferTo(getOutputStream())
}

/** Reads on, and says how the stream ends. */
private fun Socket.end(): String = try {
    getInputStream().transferTo(OutputStream.nullOutputStream())
    "end of stream"
} catch (e: SocketException) {
    "${e.message}"
}

/** How many bytes come until the stream ends, and their checksum. */
private fun Socket.sumToTheEnd(): Pair<Long, Long> {
    val chunk = ByteArray(1 shl 20)
    val sum = CRC32C()
    var count = 0L
    while (true) {
        val read = getInputStream().read(chunk)
        if (read < 0) return Pair(count, sum.value)
        sum.update(chunk, 0, read)
        count += read
    }
}

/** How many bytes the kernel holds for a socket at most, by tcp_rmem or tcp_wmem; tcp(7). */
private fun mostBufferedBy(name: String): Long =
    Path.of("/proc/sys/net/ipv4/$name").readText().trim().split(Regex("\\s+")).last().toLong()

/** Lets the proxy's descriptors have numbers below this from now on; returns what it was. prlimit(1). */
private fun RunningProxy.limitDescriptors(limit: Int): Int {
    fun prlimit(vararg options: String): String {
        val process = ProcessBuilder("prlimit", "--pid", "${program.pid}", *options).redirectErrorStream(true).start()
        val output = process.inputStream.bufferedReader().readText()
        check(process.waitFor() == 0) { "prlimit: $output" }
        return output
    }
    val before = prlimit("--nofile", "--output", "SOFT", "--noheadings").trim().toInt()
    prlimit("--nofile=$limit:")
    return before
}
