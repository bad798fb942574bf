package io.netpark.samples.chat

/**
 * How much one client may say: each message takes a token, of which there are some at first, and new ones come evenly. So
 * somebody may be quick for once, and nobody all the time. On one thread.
 *
 * @param rate the messages a second that are always allowed
 * @param burst how many more may come at once, after a pause; at least one
 * @param now nanoseconds of a clock that only goes forward
 */
internal class Allowance(private val rate: Int, private val burst: Int, private val now: () -> Long = System::nanoTime) {

    private var tokens = burst.toDouble()
    private var counted = now()

    /** Takes a token, if there is one. */
    fun take(): Boolean {
        val time = now()
        tokens = minOf(burst.toDouble(), tokens + (time - counted) / NANOS_A_SECOND * rate)
        counted = time
        if (tokens < 1) return false
        tokens--
        return true
    }

    private companion object {
        const val NANOS_A_SECOND = 1e9
    }
}
