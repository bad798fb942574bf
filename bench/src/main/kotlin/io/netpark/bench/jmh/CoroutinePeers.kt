package io.netpark.bench.jmh

import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.nio.ByteBuffer

/**
 * A handler that reads in batches when it is told to, and the other end of its connection. The connection was accepted
 * by `serve`, so the handler owns it and parks as handlers do.
 */
public class CoroutinePeers : AutoCloseable {

    private val reactor = Reactor(loops = 1) { daemon(true) }
    private val listener = reactor.listen("127.0.0.1", 0)
    private val commands = Channel<Command>()
    private val client: Connection

    private class Command(val parked: Boolean) {
        val done = CompletableDeferred<Unit>()
    }

    init {
        CoroutineScope(Dispatchers.Default).launch {
            listener.serve { connection -> obey(connection) }
        }
        client = runBlocking { reactor.dial(listener.localAddress) }
        CoroutineScope(reactor.loopDispatchers[0]).launch { answer() }
    }

    /** Reads [BATCH] bytes one by one, all of which have arrived before. */
    public fun readWhatIsThere(): Unit = command(parked = false)

    /** Sends [BATCH] bytes one by one to a peer that sends each back. */
    public fun pingPong(): Unit = command(parked = true)

    private fun command(parked: Boolean) {
        val command = Command(parked)
        runBlocking {
            commands.send(command)
            command.done.await()
        }
    }

    private suspend fun obey(connection: Connection) {
        val one = ByteBuffer.allocateDirect(1)
        for (command in commands) {
            // Zeros come back one by one; a first byte of 1 asks for a batch at once.
            one.clear().put(0, if (command.parked) 0 else 1)
            connection.write(one)
            for (i in 1 until BATCH) {
                connection.read(one.clear())
                if (command.parked) {
                    one.clear().put(0, 0)
                    connection.write(one)
                }
            }
            connection.read(one.clear())
            command.done.complete(Unit)
        }
    }

    private suspend fun answer() {
        val one = ByteBuffer.allocateDirect(1)
        val batch = ByteBuffer.allocateDirect(BATCH)
        while (client.read(one.clear()) > 0) {
            if (one.get(0).toInt() == 1) client.write(batch.clear()) else client.write(one.flip())
        }
    }

    override fun close() {
        reactor.close()
    }

    public companion object {
        /** Reads a call. */
        public const val BATCH: Int = 1_000
    }
}
