package io.netpark.http

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TimedOut
import io.netpark.core.sys.NetparkException.Timeout
import io.netpark.coroutines.Connection
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * The bodies of the requests of a connection, by length or in chunks (RFC 9112, 6 and 7). One object serves them all. It takes the
 * framing out of the connection's reader, and the caller takes the bytes of the body:
 *
 * ```
 * body.begin(head)
 * while (body.await()) {
 *     val count = body.available()
 *     handle(reader.slice(count))
 *     body.took(count)
 * }
 * ```
 *
 * [begin] and every function that looks for framing end the validity of all views of the reader: those of the head, and those that
 * the caller has made of the body.
 *
 * **Threads.** The coroutine that reads the connection uses it, on any thread. One coroutine at a time may.
 *
 * @param limits how long a body may be, and how slow its client
 * @param trailers is told of the fields behind the last chunk, but of none that would change how the request is understood (RFC
 *     9110, 6.5.1); null if nobody wants to know them. They are checked in any case.
 */
public class RequestBody(
    private val connection: Connection,
    private val limits: BodyLimits = BodyLimits(),
    trailers: FieldSink? = null,
) {
    private val reader = connection.reader
    private val framing = BodyFraming(reader, limits, trailers)
    private var time = Duration.ZERO

    /** Nobody wants the rest of this body, nor what comes behind it on the connection. */
    @Volatile private var isCutOff = false

    /** Whether all of the body has been taken, with what stands behind it. The bytes that follow are the next request. */
    public val isOver: Boolean get() = framing.isOver

    /** Whether what the connection's writer has is still to be sent before the client is waited for. */
    internal var isUnflushed: Boolean = false
        private set

    /** How much is left of the body at least; all of it, if it does not come in chunks. */
    internal val least: Long get() = framing.least

    /**
     * Whether others may see another end of this body: so far, a line end was in a quoted string of a chunk extension, which
     * [BodyLimits.quotedLineEnds] allows and no standard does. What follows the body must not be taken for a request then: a
     * proxy in front may have passed it on as a part of this body, or the other way round (RFC 9112, 11.2). An answer is the end
     * of the connection. [begin] clears it.
     */
    public val isDoubtful: Boolean get() = framing.isDoubtful

    /**
     * Whether the client still waits to be told that its body is welcome: nothing of the body has come, and [await] has not told
     * it. An answer now is the end of the connection: nobody can tell whether the client still sends the body (RFC 9110, 10.1.1).
     */
    public var owesContinue: Boolean = false
        private set

    /**
     * Whether an answer is being written. As long as that is so, waiting leaves the connection's writer alone. Otherwise the first
     * wait of a body sends what the writer has: earlier answers, and a "100 Continue" if that is owed. Set it where the answer
     * begins; [begin] clears it.
     */
    @Volatile public var isAnswering: Boolean = false

    /**
     * Begins the body behind a head that was parsed; also if there is none, which is over at once. No view of the head is valid
     * afterwards.
     *
     * @throws Refusal with 413 if the body says that it is longer than the limit
     */
    public fun begin(head: RequestHead) {
        framing.begin(head)
        owesContinue = head.expectsContinue
        isAnswering = false
        isUnflushed = true
        time = limits.time
    }

    /**
     * How many bytes of the body are next in the connection's reader. Takes the framing before them as far as it has come. Never
     * waits.
     *
     * @return 0 if nothing more has come, or the body [is over][isOver]
     * @throws Refusal the framing is malformed, or the body is longer than the limit. From then on no byte is taken, and every
     *     function that looks for the body throws this again, until [begin]
     */
    public fun available(): Long {
        if (owesContinue && reader.available() > 0) owesContinue = false
        return framing.available()
    }

    /**
     * Suspends until bytes of the body are there. The first time, it sends what the connection's writer has, unless an answer
     * [is being written][isAnswering]; to a client that waits for it, it says "100 Continue" before.
     *
     * It sets [Connection.readDeadline] while it waits, and leaves none. **Cancelled**, it has taken nothing of the body, and can
     * be called again.
     *
     * @return whether there are; false if the body is over
     * @throws Refusal as [available]; with 408 if the client is too slow
     * @throws NetparkException.Truncated the client has ended its output in the middle of the body
     * @throws NetparkException as [Connection.read] and [io.netpark.coroutines.Writer.flush]
     */
    public suspend fun await(): Boolean = if (available() > 0) true else if (isOver) false else awaitSome()

    private suspend fun awaitSome(): Boolean {
        do awaitMore() while (available() == 0L && !isOver)
        return !isOver
    }

    /**
     * The caller has taken so many bytes of the body from the connection's reader.
     *
     * @throws IllegalArgumentException there were not so many
     */
    public fun took(count: Long) {
        framing.took(count)
        earn(count)
    }

    /**
     * Reads what is left of the body and throws it away, so that the next request can be parsed. A client that still waits to be
     * told to go on is not told.
     *
     * **Cancelled**, it has thrown away what it has read.
     *
     * @param most how many bytes are worth it
     * @return false if there are more, nobody can tell whether the body comes, or it [is doubtful][isDoubtful] where it ends. Then
     *     the connection has to end.
     * @throws Refusal as [await]
     * @throws NetparkException as [await]
     */
    public suspend fun discard(most: Long): Boolean {
        available()
        if (isDoubtful) return false
        if (isOver) return true
        if (owesContinue || framing.least > most) return false
        return discardSome(most)
    }

    private suspend fun discardSome(most: Long): Boolean {
        var thrown = 0L
        while (await()) {
            val count = available()
            thrown += count
            if (thrown > most) return false
            reader.skip(count)
            took(count)
        }
        return !isDoubtful
    }

    /**
     * Reads what is left of the body into [target]. What is there in long pieces is not copied.
     *
     * **Cancelled**, [target] has what came.
     *
     * @throws Refusal as [await]
     * @throws NetparkException as [await]
     */
    public suspend fun readInto(target: LinkBuffer) {
        while (await()) {
            val count = available()
            if (count < WORTH_SHARING) {
                target.put(reader.next(count.toInt()))
                reader.release()
            } else {
                reader.slice(count).use { target.append(it) }
            }
            took(count)
        }
    }

    // Waiting

    private suspend fun awaitMore() {
        if (isUnflushed) greet()
        val began = TimeSource.Monotonic.markNow()
        if (time.isFinite()) connection.readDeadline = began + time
        if (isCutOff) connection.readDeadline = began // behind the other, as cutOff may come in between
        try {
            reader.awaitRest(reader.available().toInt() + 1)
        } catch (late: TimedOut) {
            if (late.timeout() != Timeout.READ) throw late
            throw Refusal(Status.REQUEST_TIMEOUT, "the body does not come: ${limits.time} are over")
        } finally {
            connection.readDeadline = null
            time -= began.elapsedNow()
        }
    }

    /**
     * Whoever waits for the body, or is about to, stops: the client is too slow for it. No other body of the connection can be read
     * then. Any thread.
     */
    internal fun cutOff() {
        isCutOff = true // first, as a wait looks at it when it has set its own deadline
        connection.readDeadline = TimeSource.Monotonic.markNow()
    }

    /** What was answered, or said before, goes out before the client is waited for. Cancelled, it is still to be called. */
    internal suspend fun greet() {
        if (!isAnswering) {
            if (owesContinue) {
                connection.writer.put(Status.CONTINUE.line)
                connection.writer.put(CRLF)
                owesContinue = false
            }
            connection.writer.flush()
        }
        isUnflushed = false
    }

    private fun earn(count: Long) {
        if (limits.rate > 0 && time < limits.time) time = minOf(limits.time, time + (count.toDouble() / limits.rate).seconds)
    }

    private companion object {
        const val WORTH_SHARING = 4096L // less would keep a segment for little
        val CRLF = "\r\n".encodeToByteArray()
    }
}
