package io.netpark.coroutines.simulation

import io.kotest.matchers.shouldBe
import io.netpark.core.pool.PoolOptions
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.ConnectionPool
import io.netpark.coroutines.Reactor
import java.net.SocketAddress
import kotlin.random.Random
import kotlin.time.Duration.Companion.microseconds
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

/** Questions and answers over connections that are borrowed from a pool. */
internal class Exchanges(random: Random) {
    private val askers = List(random.nextInt(4)) { Random(random.nextLong()) }
    private val server = Random(random.nextLong())
    private val options = PoolOptions.DEFAULT.withMaxPerDestination(1 + random.nextInt(2))

    /** Answers with what was asked, and goes after some answer. */
    suspend fun answer(connection: Connection) {
        while (connection.reader.await()) {
            val length = connection.reader.awaitInt()
            val question = connection.reader.awaitBytes(length)
            delay(server.nextInt(2000).microseconds)
            connection.frames.trySend { putInt(length) } shouldBe true
            connection.frames.write { put(question) }
            if (server.nextInt(5) == 0) return
        }
    }

    suspend fun ask(reactor: Reactor, address: SocketAddress): Unit = ConnectionPool(reactor, options).use { pool ->
        coroutineScope { for (asker in askers) launch { repeat(1 + asker.nextInt(4)) { ask(pool, address, asker) } } }
    }

    /** Until there is an answer, or its patience is at an end. */
    private suspend fun ask(pool: ConnectionPool, address: SocketAddress, random: Random) {
        val question = random.nextBytes(1 + random.nextInt(3000))
        val patience = (if (random.nextInt(3) == 0) 1000 + random.nextInt(20_000) else 60_000_000).microseconds
        withTimeoutOrNull(patience) {
            while (true) {
                try {
                    pool.use(address) { connection ->
                        connection.writer.putInt(question.size)
                        connection.writer.put(question)
                        connection.writer.flush()
                        connection.reader.awaitInt() shouldBe question.size
                        connection.reader.awaitBytes(question.size).contentEquals(question) shouldBe true
                    }
                    break
                } catch (e: NetparkException) {
                    delay(1000.microseconds) // the server has gone just then
                }
            }
        }
    }
}
