package io.netpark.samples.load

import io.netpark.coroutines.Connection
import io.netpark.coroutines.Connection.Companion.END_OF_STREAM
import io.netpark.coroutines.Lease
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.suspendCancellableCoroutine
import java.io.IOException
import java.nio.ByteBuffer
import kotlin.coroutines.resume
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/**
 * Who uses one connection at a time: one coroutine sends requests as they are due and there is room for them, another takes the
 * answers and compares every byte. If the connection is lost, the pool is asked for another.
 */
internal class Client(private val number: Int, private val lane: Lane) {

    private val options = lane.options
    private val expected = lane.content.view()
    private val outgoing = Array(options.pipeline) { lane.content.view() }

    /** Since when those in flight count, by the request's number modulo the length. */
    private val since = LongArray(options.pipeline)
    private var sent = 0L
    private var answered = 0L
    /** Bytes of the answer that is coming. */
    private var received = 0
    private var sender: CancellableContinuation<Unit>? = null
    private var lease: Lease? = null

    val inFlight: Int get() = (sent - answered).toInt()

    // Before the load

    /** Connects, and sees that the server echoes. */
    suspend fun open() {
        val fresh = lane.pool.borrow(options.target.address, PATIENCE)
        lease = fresh
        prove(fresh.connection)
    }

    /** One exchange, that must do. */
    suspend fun prove(connection: Connection) = coroutineScope {
        prepare(connection, 0, System.nanoTime())
        launch { connection.write(outgoing[0]) } // beside reading: a large answer begins before the request is complete
        while (inFlight > 0) receive(connection)
    }

    // The load

    /** Goes on until it is cancelled. */
    suspend fun run(pace: Pace) {
        while (true) {
            val held = lease ?: lane.pool.borrow(options.target.address, Duration.INFINITE)
            lease = held
            val before = answered
            var useless = false
            try {
                exchange(held.connection, pace)
            } catch (e: IOException) {
                useless = answered == before
                lane.errors.note(e)
                lane.lost(inFlight)
                answered = sent
                received = 0
            } finally {
                held.discard()
                lease = null
            }
            if (useless) delay(PAUSE) // a server that cuts every connection off gets them slowly
        }
    }

    private suspend fun exchange(connection: Connection, pace: Pace): Unit = coroutineScope {
        launch { send(connection, pace) }
        while (true) receive(connection)
    }

    private suspend fun send(connection: Connection, pace: Pace) {
        while (true) {
            awaitRoom()
            var due = pace.next()
            var count = 0
            do {
                prepare(connection, count++, due)
                lane.sent()
                due = if (inFlight < options.pipeline) pace.tryNext() else Pace.NONE
            } while (due != Pace.NONE)
            if (count == 1) connection.write(outgoing[0]) else connection.write(outgoing.copyOfRange(0, count))
        }
    }

    private suspend fun awaitRoom() {
        if (inFlight == options.pipeline) suspendCancellableCoroutine { sender = it }
    }

    private fun prepare(connection: Connection, place: Int, due: Long) {
        if (inFlight == 0) connection.readTimeout = PATIENCE
        since[(sent % options.pipeline).toInt()] = due
        lane.content.place(outgoing[place], number, sent++)
    }

    private suspend fun receive(connection: Connection) {
        val input = lane.input
        try {
            if (connection.read(input) == END_OF_STREAM) {
                throw LoadFailure(
                    "closed by the server",
                    "the server closed connection $number" + if (inFlight == 0) "" else
                        " after $received of ${options.size} bytes of the answer to its request $answered",
                )
            }
            take(input.flip())
        } finally {
            input.clear()
        }
        connection.readTimeout = if (inFlight == 0) Duration.INFINITE else PATIENCE
        if (inFlight < options.pipeline) sender?.let { sender = null; it.resume(Unit) }
    }

    private fun take(input: ByteBuffer) {
        val now = System.nanoTime()
        val end = input.limit()
        while (input.position() < end) {
            if (inFlight == 0) {
                throw LoadFailure(
                    "bytes nobody asked for",
                    "the server sent ${end - input.position()} bytes too many on connection $number",
                )
            }
            lane.content.place(expected, number, answered)
            expected.position(expected.position() + received)
            val count = minOf(end - input.position(), expected.remaining())
            expected.limit(expected.position() + count)
            input.limit(input.position() + count)
            val wrong = expected.mismatch(input)
            if (wrong >= 0) {
                throw LoadFailure(
                    "wrong bytes",
                    "byte ${received + wrong} of the answer to request $answered of connection $number is " +
                        "${input.get(input.position() + wrong)} instead of ${expected.get(expected.position() + wrong)}",
                )
            }
            input.position(input.limit())
            input.limit(end)
            received += count
            if (received == options.size) {
                received = 0
                lane.answered(since[(answered % options.pipeline).toInt()], now)
                answered++
            }
        }
    }

    private companion object {
        /** For an answer that is due, from the last byte that has come; and for a connection, before the load. */
        val PATIENCE = 10.seconds
        val PAUSE = 100.milliseconds
    }
}
