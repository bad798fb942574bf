package io.netpark.ktor.answers

import io.ktor.server.plugins.BadRequestException
import io.ktor.server.plugins.PayloadTooLargeException
import io.netpark.core.sys.NetparkException.Truncated
import io.netpark.coroutines.Connection
import io.netpark.http.Refusal
import io.netpark.http.RequestBody
import io.netpark.http.Status
import io.netpark.ktor.channels.InputChannel

/**
 * The body of one request, as a handler reads it. Cancelling it leaves the rest of the body unread: whether that is worth
 * reading is for others to say, by [RequestBody.discard]. They may do so unless the channel [is cut off][isCutOff].
 *
 * A body that is malformed, or whose client ends its output before the body's end, is told as a [BadRequestException], and one that
 * is too long as a [PayloadTooLargeException]: Ktor answers these by itself, and does not log them as errors. A client that has
 * reset the connection, is cut off, or too slow is an [IOException][java.io.IOException].
 *
 * @param body has begun
 * @param limit how many bytes a body may have, to be told
 */
internal open class BodyReadChannel(
    private val body: RequestBody,
    connection: Connection,
    private val limit: Long = Long.MAX_VALUE,
) : InputChannel(connection, connection.reader) {

    /** Why the body could not be read to its end; null if that is not so. The connection has to end then. */
    @Volatile
    var refusal: Refusal? = null
        private set

    override val isOver: Boolean get() = body.isOver

    override fun available(): Long = body.available()

    override suspend fun await(): Boolean = body.await()

    override fun took(count: Int): Unit = body.took(count.toLong())

    override fun stopWaiting(): Unit = body.cutOff()

    override fun explain(failure: Exception): Throwable? {
        val why = when (failure) {
            is Refusal -> failure
            is Truncated -> Refusal(Status.BAD_REQUEST, "the client has ended its output in the midst of its body")
            else -> return super.explain(failure)
        }
        refusal = why
        return when (why.status) {
            Status.CONTENT_TOO_LARGE -> PayloadTooLargeException(limit)
            Status.BAD_REQUEST -> BadRequestException(why.message.orEmpty(), failure)
            else -> failure // the client is too slow
        }
    }

    override fun toString(): String = "body of a request of $reader"
}
