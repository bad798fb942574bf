package io.netpark.samples.load

import java.nio.ByteBuffer
import kotlin.random.Random

/**
 * What is sent, and must come back: by its number and its connection's, every request is another piece of the same random
 * bytes. They lie in this memory once and are sent from there, and an answer is compared with them where they lie.
 */
internal class Content(private val size: Int) {

    private val bytes: ByteBuffer = ByteBuffer.allocateDirect(PERIOD + size)

    init {
        val period = Random(1).nextBytes(PERIOD)
        while (bytes.hasRemaining()) bytes.put(period, 0, minOf(PERIOD, bytes.remaining()))
    }

    /** To be [placed][place]; empty until then. */
    fun view(): ByteBuffer = bytes.duplicate()

    /** Puts a view on the bytes of a request. */
    fun place(view: ByteBuffer, connection: Int, request: Long) {
        val start = ((connection * CONNECTION_STEP + request * REQUEST_STEP) % PERIOD).toInt()
        view.limit(start + size).position(start)
    }

    private companion object {
        // Primes: so all requests of a connection differ for as long as there are different ones.
        const val PERIOD = 65_521
        const val REQUEST_STEP = 7_919L
        const val CONNECTION_STEP = 997L
    }
}
