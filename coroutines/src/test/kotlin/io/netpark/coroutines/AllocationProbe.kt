package io.netpark.coroutines

import com.sun.management.ThreadMXBean
import io.netpark.core.jfr.FlightRecording
import io.netpark.core.net.messages.MessageBatch
import io.netpark.core.testing.loopback
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import kotlin.system.exitProcess

private const val REQUESTS = 20_000
private const val ROUNDS = 40

/**
 * Echoes on one loop until a request costs it no memory, and exits with 0; with 1 if that does not come about. A process of
 * its own: what the JIT takes away depends on what else has run in it, such as another implementation of LibC.
 */
fun main(arguments: Array<String>) {
    if ("messages" in arguments) {
        Reactor(1).use { reactor -> runBlocking { withContext(reactor.loopDispatchers[0]) { probeMessages(reactor) } } }
        exitProcess(1)
    }
    val echo: suspend (Connection) -> Unit = when {
        "buffers" in arguments -> ::echoByBuffer
        "numbers" in arguments -> ::echoByNumber
        "requests" in arguments -> ::echoByRequest
        else -> ::echoByReader
    }
    val watched = "watched" in arguments
    Reactor(1) { if (watched) metrics(true).observer(FlightRecording()) }.use { server -> Reactor(1).use { clients -> runBlocking { probe(server, clients, "requests" in arguments, echo) } } }
    exitProcess(1)
}

private suspend fun echoByBuffer(connection: Connection) {
    val buffer = ByteBuffer.allocateDirect(1024)
    while (connection.read(buffer) != Connection.END_OF_STREAM) {
        connection.write(buffer.flip())
        buffer.clear()
    }
}

private suspend fun echoByReader(connection: Connection) {
    while (connection.reader.await()) {
        connection.writer.append(connection.reader)
        connection.writer.flush()
    }
}

private suspend fun echoByRequest(connection: Connection) {
    while (connection.awaitRequest()) {
        connection.writer.append(connection.reader)
        connection.writer.flush()
    }
}

private suspend fun echoByNumber(connection: Connection) {
    while (connection.reader.await()) {
        repeat(1024 / 16) {
            connection.writer.writeByte(connection.reader.awaitByte().toInt())
            connection.writer.writeByte(connection.reader.awaitByte().toInt())
            connection.writer.writeShort(connection.reader.awaitShort().toInt())
            connection.writer.writeIntLe(connection.reader.awaitIntLe())
            connection.writer.writeLong(connection.reader.awaitLong())
        }
        connection.writer.flush()
    }
}

private suspend fun probe(
    server: Reactor,
    clients: Reactor,
    withContext: Boolean,
    echo: suspend (Connection) -> Unit,
) = coroutineScope {
    val listener = server.listen("127.0.0.1", 0)
    val serving = launch {
        if (withContext) {
            listener.serve(context = { CoroutineName("connection to ${it.remoteAddress}") }) { connection -> echo(connection) }
        } else {
            listener.serve { connection -> echo(connection) }
        }
    }
    val loop = withContext(server.loopDispatchers[0]) { Thread.currentThread().id }
    val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
    clients.dial(listener.localAddress).use { client ->
        for (round in 1..ROUNDS) {
            val before = threads.getThreadAllocatedBytes(loop)
            withContext(clients.loopDispatchers[0]) { client.exchange(REQUESTS) }
            val allocated = threads.getThreadAllocatedBytes(loop) - before
            println("round $round: ${allocated.toDouble() / REQUESTS} bytes a request")
            if (allocated < REQUESTS / 10) exitProcess(0)
        }
    }
    serving.cancelAndJoin()
}

/** Batches of datagrams to and fro, on one thread: what was sent over loopback has come, so nobody parks. */
private suspend fun probeMessages(reactor: Reactor) {
    val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
    val here = Thread.currentThread().id
    reactor.bindDatagrams(loopback()).use { server ->
        reactor.dialDatagrams(server.localAddress).use { client ->
            val requests = MessageBatch(16, 256)
            repeat(16) { requests.put(ByteBuffer.allocate(128), null) }
            val answers = MessageBatch(16, 256)
            for (round in 1..ROUNDS) {
                val before = threads.getThreadAllocatedBytes(here)
                repeat(REQUESTS / 16) {
                    requests.rewind()
                    client.send(requests)
                    server.receive(answers)
                    server.send(answers)
                    client.receive(requests)
                }
                val allocated = threads.getThreadAllocatedBytes(here) - before
                println("round $round: ${allocated.toDouble() / REQUESTS} bytes a message")
                // As nobody ever parks there is a yield every 128 operations, of about 100 bytes. An object for each operation would
                // be eight times what is allowed here.
                if (allocated < REQUESTS / 2) exitProcess(0)
            }
        }
    }
}

private suspend fun Connection.exchange(requests: Int) {
    val request = ByteBuffer.allocateDirect(1024)
    repeat(requests) {
        request.clear()
        write(request)
        request.clear()
        while (request.hasRemaining()) read(request)
    }
}
