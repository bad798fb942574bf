package io.netpark.coroutines.simulation

import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.comparables.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.BufferWriter
import io.netpark.core.fd.Direction
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.net.files.OpenFile
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.transfer.send
import io.netpark.simulation.kernel.SimulatedKernel
import io.netpark.simulation.schedule.Schedule
import java.nio.ByteBuffer
import java.nio.file.Path
import java.time.Instant
import kotlin.time.AbstractLongTimeSource
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.DurationUnit
import kotlin.time.TimeMark
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

/** One side of a connection: it says everything and hears everything, at the same time. */
internal class Talk(
    private val connection: Connection,
    private val plan: Plan,
    private val says: Int,
    private val kernel: SimulatedKernel,
    private val schedule: Schedule,
    private val closeMeanwhile: () -> Unit = {},
) {
    private val hears = 1 - says
    private val troubles = plan.troubles
    private var attempts = 0
    private val clock = object : AbstractLongTimeSource(DurationUnit.NANOSECONDS) {
        override fun read() = schedule.nanoTime()
    }

    suspend fun run() {
        if (Trouble.TIMED in troubles) {
            connection.readTimeout = plan.speech(hears).patience
            connection.writeTimeout = plan.speech(says).patience
        }
        coroutineScope {
            launch { speak() }
            val heard = hear()
            if (!troubles.breaks) heard shouldBe plan.speech(hears).length
        }
    }

    // Speaking

    private suspend fun speak() {
        val speech = plan.speech(says)
        var place = 0
        for (piece in speech.pieces) {
            delay(piece.pause)
            say(piece.way, plan.bytes(says, place, piece.length))
            place += piece.length
        }
        delay(speech.pauseBeforeEnd)
        speech.isOver = true
        // Over TLS some of the last write may be here still, and the handler's end would give that up in time, too.
        if (Trouble.TIMED in troubles) connection.writeTimeout = Duration.INFINITE
        connection.shutdownOutput()
    }

    private suspend fun say(way: Way, bytes: ByteArray) {
        when (way) {
            Way.ARRAY -> connection.write(bytes)
            Way.FRAMES -> sayInFrames(bytes)
            Way.BUFFER -> {
                val source = ByteBuffer.allocateDirect(bytes.size).put(bytes).flip()
                insist({ !source.hasRemaining() }) { connection.write(source) }
            }
            Way.BUFFERS -> {
                val sources = bytes.size.div(3).let { arrayOf(ByteBuffer.wrap(bytes, 0, it), ByteBuffer.wrap(bytes, it, bytes.size - it)) }
                insist({ sources.none { it.hasRemaining() } }) { connection.write(sources) }
            }
            Way.WRITER -> {
                unlessClosed { connection.writer.put(bytes) }
                insist({ isFlushed() }) { connection.writer.flush() }
            }
            Way.FILE -> sayFromFile(bytes)
        }
    }

    private fun isFlushed(): Boolean {
        var buffered = 0L
        unlessClosed { buffered = connection.writer.buffered() }
        return buffered == 0L
    }

    /** Many small ones, the last of which is waited for. */
    private suspend fun sayInFrames(bytes: ByteArray) {
        val length = bytes.size / 5 + 1
        for (from in bytes.indices step length) {
            val to = minOf(from + length, bytes.size)
            val isLast = to == bytes.size
            val build: BufferWriter.() -> Unit = { put(bytes, from, to - from) }
            if (isLast || !connection.frames.trySend(build)) connection.frames.write(build)
        }
    }

    private suspend fun sayFromFile(bytes: ByteArray) {
        val path = "/srv/${plan.number}-$says"
        kernel.writeFile(path, bytes, Instant.EPOCH)
        OpenFile.open(Path.of(path), kernel).use { file ->
            val transfer = FileTransfer.of(file)
            insist({ transfer.sent() == bytes.size.toLong() }) { connection.send(transfer) }
        }
    }

    private suspend fun insist(isDone: () -> Boolean, write: suspend () -> Unit) {
        do {
            val isOver = attempt(Direction.WRITE, write)
            if (isOver) isDone() shouldBe true
        } while (!isDone())
    }

    // Hearing

    /** Reads to the end. Returns how many bytes there were. */
    private suspend fun hear(): Int {
        val speech = plan.speech(hears)
        val targets = when (speech.ear) {
            Ear.DIRECT -> arrayOf(ByteBuffer.allocateDirect(speech.room))
            Ear.BUFFERS -> arrayOf(ByteBuffer.allocate(1 + speech.room / 2), ByteBuffer.allocateDirect(1 + speech.room / 2))
            else -> arrayOf(ByteBuffer.allocate(speech.room))
        }
        var place = 0
        while (true) {
            targets.forEach { it.clear() }
            var isOver = false
            if (!speech.isOver && !troubles.breaks && !plan.isRelayed) connection.peerState shouldBe PeerState.PRESENT
            attempt(Direction.READ) {
                isOver = when (speech.ear) {
                    Ear.READER -> !connection.reader.await()
                    Ear.BUFFERS -> connection.read(targets) < 0
                    else -> connection.read(targets[0]) < 0
                }
            }
            if (speech.ear == Ear.READER) unlessClosed { connection.reader.take(targets[0]) }
            // Its position says what has been read, whatever has become of the result.
            for (target in targets) for (i in 0 until target.position()) {
                val sent = plan.byteAt(hears, place) // not by a matcher, which would take most of the time
                if (target.get(i) != sent) throw AssertionError("byte $place of plan ${plan.number} is ${target.get(i)}, and not $sent")
                place++
            }
            if (isOver) return place
        }
    }

    // Trouble

    /** For a call that does not suspend. Of a buffer that has gone with its connection it says so in its own way. */
    private fun unlessClosed(use: () -> Unit) {
        try {
            use()
        } catch (e: IllegalStateException) {
            throw if (troubles.breaks && !connection.isOpen) NetparkException.Closed(e.toString()) else e
        }
    }

    /** Returns whether the operation has come to its end. */
    private suspend fun attempt(direction: Direction, operation: suspend () -> Unit): Boolean {
        val isOver = hasEnded(direction, operation)
        if (!isOver) plan.interrupted.incrementAndGet()
        return isOver
    }

    private suspend fun hasEnded(direction: Direction, operation: suspend () -> Unit): Boolean {
        val patience = plan.speech(if (direction == Direction.READ) hears else says).patience
        val begin = schedule.nanoTime()
        val number = attempts++
        if (Trouble.CLOSE in troubles && number == plan.closesAt) closeMeanwhile()
        val hasDeadline = Trouble.DEADLINES in troubles && number % 2 == 0
        val isLimited = Trouble.TIMED in troubles || hasDeadline
        if (Trouble.CANCELLED in troubles) return withTimeoutOrNull(patience) { operation() } != null
        if (!isLimited) {
            operation()
            return true
        }
        if (hasDeadline) setDeadline(direction, clock.markNow() + patience)
        val isOver = try {
            operation()
            true
        } catch (e: NetparkException.TimedOut) {
            schedule.nanoTime() - begin shouldBeGreaterThanOrEqualTo patience.inWholeNanoseconds
            false
        }
        // Progress begins the time of a write anew. The end of the server keeps the loop of the test for as long as it takes.
        if (direction == Direction.READ && Trouble.END_OF_SERVER !in troubles) {
            schedule.nanoTime() - begin shouldBeLessThan (patience + 1.milliseconds).inWholeNanoseconds
        }
        if (hasDeadline) {
            if (number % 3 == 0) delay(patience * 2) // it passes between two operations
            setDeadline(direction, null)
        }
        return isOver
    }

    private fun setDeadline(direction: Direction, mark: TimeMark?) {
        if (direction == Direction.READ) connection.readDeadline = mark else connection.writeDeadline = mark
    }
}
