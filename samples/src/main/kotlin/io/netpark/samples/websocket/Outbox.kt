package io.netpark.samples.websocket

import io.netpark.core.buffer.BufferWriter
import kotlinx.coroutines.channels.Channel

/**
 * Frames that wait for one client. Whoever has a frame leaves it here and goes on; a coroutine of the client's own sends them.
 * So nobody waits for the slowest, and as the box has a size a client that takes nothing costs no more than that.
 *
 * Any thread, except for [take] and [await], which are the sender's.
 *
 * @param limit how many bytes fit
 */
internal class Outbox(private val limit: Int) {

    private val frames = ArrayDeque<ByteArray>() // guarded by itself, as are the next three
    private var size = 0
    private var last: ByteArray? = null
    private var isDone = false

    private val bell = Channel<Unit>(Channel.CONFLATED)
    private val room = Channel<Unit>(Channel.CONFLATED)

    /** Whether nothing is taken any more. */
    val isEnded: Boolean get() = synchronized(frames) { last != null }

    /**
     * Leaves a frame. To be followed by [ring], which is not a part of this because the sender may run inside it: not a thing to
     * happen under somebody's lock.
     *
     * @return false if it does not fit. When the box has ended it is forgotten, and that is all right.
     */
    fun add(frame: ByteArray): Boolean = synchronized(frames) {
        if (last != null) return true
        val cost = frame.size + OVERHEAD
        if (size > 0 && size + cost > limit) return false
        frames.addLast(frame)
        size += cost
        return true
    }

    /** Leaves a frame, when there is room for it. */
    suspend fun put(frame: ByteArray) {
        while (!add(frame)) room.receive()
        ring()
    }

    /**
     * Leaves the last frame. To be followed by [ring]. Only the first time counts.
     *
     * @param dropRest whether what is before it shall not be sent any more
     */
    fun end(frame: ByteArray, dropRest: Boolean = false): Unit = synchronized(frames) {
        if (last != null) return
        if (dropRest) clear()
        last = frame
    }

    /** Wakes the sender. */
    fun ring() {
        bell.trySend(Unit)
    }

    /** Suspends until there may be something to take. */
    suspend fun await(): Unit = bell.receive()

    /**
     * Moves frames to a writer: about as many as one system call takes.
     *
     * @return false if there were none, and it is not the end
     */
    fun take(writer: BufferWriter): Boolean {
        val isNews = synchronized(frames) {
            var taken = 0
            while (taken < BATCH) {
                val frame = frames.removeFirstOrNull() ?: break
                size -= frame.size + OVERHEAD
                taken += frame.size
                writer.put(frame)
            }
            val close = last
            if (frames.isEmpty() && close != null && !isDone) {
                writer.put(close)
                isDone = true
                true
            } else {
                taken > 0
            }
        }
        if (isNews) room.trySend(Unit)
        return isNews
    }

    /** Nothing is sent any more: what waits is dropped, and nobody waits for room. */
    fun close() {
        end(ByteArray(0), dropRest = true)
        room.trySend(Unit)
    }

    /** Whether the last frame has been taken. */
    val isTaken: Boolean get() = synchronized(frames) { isDone }

    private fun clear() {
        frames.clear()
        size = 0
    }

    private companion object {
        /** Of a frame's array and its place here: small frames shall not get in for nothing. */
        const val OVERHEAD = 32
        const val BATCH = 64 * 1024
    }
}
