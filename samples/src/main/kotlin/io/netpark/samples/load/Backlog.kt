package io.netpark.samples.load

/** Requests that are due and have not been sent: how many, and for how long the first of them, in nanoseconds. */
internal class Backlog(val requests: Long, val oldest: Long) {

    operator fun plus(other: Backlog) = Backlog(requests + other.requests, maxOf(oldest, other.oldest))

    companion object {
        val NONE = Backlog(0, 0)
    }
}
