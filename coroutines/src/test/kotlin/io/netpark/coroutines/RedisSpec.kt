package io.netpark.coroutines

import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.io.EOFException
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds

/** Debian's redis-server: writes every key to its disk before it says OK. */
private class RedisServer(private val folder: Path) {
    private val held = HeldPort() // also while it is down
    val address = held.address
    private lateinit var process: Process

    fun start() {
        process = ProcessBuilder(
            "redis-server", "--port", "${address.port}", "--bind", "127.0.0.1", "--dir", "$folder",
            "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--daemonize", "no",
        ).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start()
    }

    fun stop(kill: Boolean) {
        if (kill) process.destroyForcibly() else process.destroy()
        process.waitFor()
    }

    fun giveUpPort() = held.close()

    companion object {
        val isInstalled = System.getenv("PATH").split(':').any { Files.isExecutable(Path.of(it, "redis-server")) }
    }
}

/** The pool of the guide, against a server that nobody here wrote. */
class RedisSpec : NetparkSpec(body = {
    val soak = (System.getProperty("netpark.soak.seconds") ?: "12").toInt().seconds

    test("the guide's pool serves Redis while that is restarted twice, and loses nothing that was acknowledged")
        .config(enabledOrReasonIf = {
            if (RedisServer.isInstalled) io.kotest.core.test.Enabled.enabled
            else io.kotest.core.test.Enabled.disabled("redis-server is not installed")
        }) {
            val folder = Files.createTempDirectory("netpark-redis")
            val redis = RedisServer(folder)
            redis.start()
            try {
                onReactor(loops = 2) { reactor, reports ->
                    val acknowledged = ConcurrentHashMap<String, String>()
                    val broken = AtomicInteger()
                    val end = System.nanoTime() + soak.inWholeNanoseconds
                    redisPool(reactor).use { pool ->
                        coroutineScope {
                            repeat(32) { borrower ->
                                launch(Dispatchers.Default) {
                                    var number = 0
                                    while (System.nanoTime() - end < 0) {
                                        val key = "key:$borrower:${number++}"
                                        try {
                                            set(pool, redis.address, key, "value-$key")
                                            acknowledged[key] = "value-$key"
                                        } catch (e: Exception) {
                                            // In the midst of the exchange: nobody was told that it is set.
                                            if (e !is NetparkException && e !is EOFException && e !is IllegalStateException) throw e
                                            broken.incrementAndGet()
                                        }
                                        delay(5)
                                    }
                                }
                            }
                            for (kill in listOf(false, true)) {
                                delay(soak / 3)
                                redis.stop(kill)
                                delay(300)
                                redis.start()
                            }
                        }
                        for ((key, value) in acknowledged) pool.use(redis.address) { connection ->
                            connection.write("GET $key\r\n")
                            connection.reader.awaitLine() shouldBe "$${value.length}"
                            connection.reader.awaitLine() shouldBe value
                        }
                        println("$soak with redis-server: ${acknowledged.size} keys acknowledged and found, " +
                            "$broken exchanges broken off, ${pool.snapshot()}")
                        acknowledged.size shouldBeGreaterThan 500
                        soon { pool.snapshot().lent() shouldBe 0 }
                    }
                    reports.drain()
                }
            } finally {
                redis.stop(kill = true)
                redis.giveUpPort()
                folder.toFile().deleteRecursively()
            }
        }
})
