package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import java.nio.ByteBuffer
import java.util.SplittableRandom
import kotlin.time.Duration.Companion.minutes

/** The byte at a position of the stream with this number. */
private fun word(position: Long, stream: Long): Long = (position + stream) * -0x61c8864680b583ebL

private suspend fun send(connection: Connection, stream: Long, total: Long, random: SplittableRandom) {
    var position = 0L
    while (position < total) {
        val words = random.nextInt(1, 6000).coerceAtMost(((total - position) / 8).toInt())
        if (random.nextInt(4) == 0) {
            val part = ByteBuffer.allocateDirect(words * 8)
            repeat(words) { part.putLong(word(position + it * 8L, stream)) }
            connection.writer.link(part.flip())
        } else {
            repeat(words) { connection.writer.putLong(word(position + it * 8L, stream)) }
        }
        position += words * 8L
        connection.writer.flushIfFull()
    }
    connection.writer.flush()
    connection.shutdownOutput()
}

private suspend fun check(connection: Connection, stream: Long, total: Long, random: SplittableRandom) {
    var position = 0L
    while (connection.reader.await(8)) {
        val words = (connection.reader.available() / 8).coerceAtMost(random.nextLong(1, 20_000)).toInt()
        if (random.nextInt(4) == 0) {
            val view = connection.reader.next(words * 8)
            repeat(words) { check(view.getLong() == word(position + it * 8L, stream)) { "wrong at ${position + it * 8L}" } }
            connection.reader.release()
        } else {
            repeat(words) { check(connection.reader.takeLong() == word(position + it * 8L, stream)) { "wrong at $position" } }
        }
        position += words * 8L
    }
    position shouldBe total
}

private suspend fun transfer(reactor: Reactor, total: Long) = reactor.withPair { client, server ->
    coroutineScope {
        launch(Dispatchers.Default) { send(client, 1, total, SplittableRandom(1)) }
        launch(Dispatchers.Default) { send(server, 2, total, SplittableRandom(2)) }
        launch(Dispatchers.Default) { check(server, 1, total, SplittableRandom(3)) }
        launch(Dispatchers.Default) { check(client, 2, total, SplittableRandom(4)) }
    }
}

class TransferSpec : NetparkSpec(body = {
    timeout = 10.minutes.inWholeMilliseconds

    for (libc in Bindings.all) {
        test("${libc.binding()}: both directions at once arrive byte for byte, whatever the kernel does") {
            onReactor(FaultyLibC(libc, seed = 5, probability = 0.2), loops = 2) { reactor, _ -> transfer(reactor, 64L shl 20) }
        }
    }

    test("1 GiB both ways at once arrives byte for byte under short reads and writes") {
        onReactor(FaultyLibC(Bindings.best, seed = 7, probability = 0.05), loops = 2) { reactor, _ -> transfer(reactor, 1L shl 30) }
    }
})
