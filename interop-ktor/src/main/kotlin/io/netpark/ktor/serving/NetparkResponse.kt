package io.netpark.ktor.serving

import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.ktor.http.content.OutgoingContent.ProtocolUpgrade
import io.ktor.http.content.OutgoingContent.ReadChannelContent
import io.ktor.server.engine.BaseApplicationResponse
import io.ktor.server.plugins.BadRequestException
import io.ktor.util.cio.ChannelWriteException
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.ClosedWriteChannelException
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.writeFully
import io.netpark.http.Refusal
import io.netpark.http.Status
import io.netpark.ktor.answers.AnswerChannel
import io.netpark.ktor.answers.FileAnswer
import io.netpark.ktor.answers.upgrade
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater
import kotlin.time.Duration
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.job
import kotlinx.coroutines.withContext

/**
 * An answer as Ktor gives it.
 *
 * ```text
 * UNSENT --the head is about to be put--> BEGUN --the last byte is in the writer, or sent--> COMPLETE
 *                                               --101, and the other protocol has ended--> UPGRADED
 *                                               --the call is over--> CUT
 *        --the call is over--> SILENT
 * ```
 *
 * What is CUT must not look complete: the connection is reset. A coroutine that outlives its call may be about to answer, on any
 * thread. So each change is one of compare-and-set, and it is certain who came first.
 *
 * Each suspending function that waits in its midst has a frame of its own on the heap, whether it waits or not. So what most
 * answers go through is inlined into the function that Ktor calls, or is that function's last call.
 */
internal class NetparkResponse(
    private val netparkCall: NetparkCall,
    private val exchange: Exchange,
) : BaseApplicationResponse(netparkCall) {

    enum class State { UNSENT, BEGUN, COMPLETE, UPGRADED, CUT, SILENT }

    private val link = exchange.link
    private val turn = exchange.turn

    override val headers: AnswerFields = AnswerFields()

    @Volatile var state: State = State.UNSENT
        private set

    /** The answer is in the writer, or sent, to its last byte. */
    @Volatile var isAnswered: Boolean = false
        private set

    /** The flush of an answer that is complete: null, [SENDING], or a job for who waits until it is over. */
    @Volatile private var sending: Any? = null

    @Volatile private var isOver = false
    private var statusCode = HttpStatusCode.OK
    @Volatile private var channel: AnswerChannel? = null

    override fun setStatus(statusCode: HttpStatusCode) {
        this.statusCode = statusCode
    }

    /** The call is over: nothing more is begun. The end of an answer that is complete may still be on its way: [awaitSent]. */
    fun end() {
        isOver = true
        val channel = channel
        if (channel?.isComplete == true) move(State.BEGUN, State.COMPLETE)
        if (!move(State.UNSENT, State.SILENT)) move(State.BEGUN, State.CUT)
        if (channel?.isComplete == false) cancel(channel)
    }

    private fun cancel(channel: AnswerChannel) = channel.cancel(CancellationException("the call is over"))

    private fun move(from: State, to: State): Boolean = STATE.compareAndSet(this, from, to)

    // What Ktor gives

    override suspend fun respondOutgoingContent(content: OutgoingContent) {
        checkNotOver()
        when {
            content is ProtocolUpgrade && exchange.hasBody -> respondBehindBody(content)
            content is ReadChannelContent && !exchange.isHead -> respondReadable(content)
            else -> super.respondOutgoingContent(content)
        }
    }

    /** The other protocol begins where the body ends. That is to be certain before Ktor has committed the head. */
    private suspend fun respondBehindBody(upgrade: ProtocolUpgrade) {
        exchange.claimWriter(turn) // as earlier answers are sent before the client is waited for
        val isOver = try {
            link.body.discard(link.settings.maxDiscardedBody)
        } catch (refusal: Refusal) {
            exchange.refusal = refusal
            false
        }
        if (!isOver) throw BadRequestException("an upgrade whose body does not end, or may end elsewhere", exchange.refusal)
        super.respondOutgoingContent(upgrade)
    }

    private suspend fun respondReadable(content: ReadChannelContent) {
        val file = FileContent.of(content) ?: return super.respondOutgoingContent(content)
        file.file.use { super.respondOutgoingContent(file) }
    }

    override suspend fun respondFromBytes(bytes: ByteArray) {
        val length = bytes.size.toLong()
        val said = saidLength()
        // Ktor leaves it to the content whether there is a length, and its clients expect chunks otherwise.
        if (said == AnswerFields.NOT_SAID && exchange.knowsChunks && !hasNoBody) return respondInChunks(bytes)
        val isPromise = hasNoBody && length == 0L && said > 0 // of what a GET would give, where there is nothing to be compared
        if (said != AnswerFields.NOT_SAID && !isPromise) requireLength(said, length)
        begin(if (isPromise) said else length)
        if (!hasNoBody) link.writer.write(bytes)
        complete()
    }

    private suspend fun respondInChunks(bytes: ByteArray): Unit = writing { it.writeFully(bytes) }

    /** Ktor says that nothing has no bytes. Of an answer to HEAD, and of one that must not have a body, that need not be so. */
    override suspend fun respondNoContent(content: OutgoingContent.NoContent) {
        if (content is FileContent) return respondFile(content.file)
        val said = saidLength()
        val isUnknown = hasNoBody && said == 0L && content.contentLength == null
        val length = if (isUnknown) AnswerFields.NOT_SAID else maxOf(said, 0)
        if (length > 0 && !hasNoBody) throw BodyLengthIsTooSmall(length, 0) // the client would take the next answer for the body
        begin(length, isEmpty = true)
        complete()
    }

    private suspend fun respondFile(file: FileAnswer) {
        val length = saidLength()
        begin(length)
        if (!hasNoBody) file.send(link.connection, length)
        complete()
    }

    override suspend fun responseChannel(): ByteWriteChannel = openChannel().also { link.writer.flush() }

    /** Where the program writes it may block: that is Ktor's promise. Ktor's own function would not wait for the last flush. */
    override suspend fun respondWriteChannelContent(content: OutgoingContent.WriteChannelContent): Unit = writing { channel ->
        link.writer.flush() // a program that streams says so at once
        try {
            withContext(Dispatchers.IO) { content.writeTo(channel) }
        } catch (closed: ClosedWriteChannelException) {
            throw ChannelWriteException(exception = closed)
        }
    }

    override suspend fun respondFromChannel(readChannel: ByteReadChannel): Unit = writing { channel ->
        if (!hasNoBody) readChannel.copyTo(channel) // which knows how much was promised
    }

    private suspend inline fun writing(write: (AnswerChannel) -> Unit) {
        val channel = openChannel()
        try {
            write(channel)
            channel.flushAndClose()
        } catch (e: Throwable) {
            channel.cancel(e)
            throw e
        }
        isAnswered = true
    }

    override suspend fun respondUpgrade(upgrade: ProtocolUpgrade) {
        exchange.claimWriter(turn)
        val line = AnswerHead.line(statusCode)
        beginHead()
        exchange.closes = true
        val writer = link.writer
        writer.put(line)
        AnswerHead.fields(writer, headers, isUpgrade = true)
        AnswerHead.end(writer)
        writer.flush()
        val connection = link.connection
        connection.readTimeout = Duration.INFINITE // the other protocol has its own idea of how long one may be silent
        upgrade(upgrade, connection, netparkCall.coroutineContext, netparkCall.coroutineContext)
        move(State.BEGUN, State.UPGRADED)
    }

    // How it goes out

    private val hasNoBody: Boolean get() = exchange.isHead || isBodiless

    /** RFC 9110, 6.4.1. */
    private val isBodiless: Boolean get() = statusCode.value < 200 || statusCode.value == 204 || statusCode.value == 304

    /** What the answer says about its length; -1 if it says nothing. */
    private fun saidLength(): Long = if (hasNoBody) headers.promisedLength() else headers.contentLength()

    private suspend fun openChannel(): AnswerChannel {
        val said = saidLength()
        val length = when {
            said != AnswerFields.NOT_SAID -> said
            exchange.knowsChunks -> AnswerChannel.CHUNKED
            else -> AnswerChannel.TO_THE_END
        }
        begin(length)
        return AnswerChannel(link.connection, if (hasNoBody) AnswerChannel.NONE else length).also {
            channel = it
            if (isOver) cancel(it) // the end may not have seen it
        }
    }

    /** Puts the head. [length] is that of the body, or how the body ends. */
    private suspend inline fun begin(length: Long, isEmpty: Boolean = false) {
        checkNotOver()
        exchange.claimWriter(turn)
        putHead(length, isEmpty)
    }

    private fun putHead(length: Long, isEmpty: Boolean) {
        // Ktor knows no exception for a client that was too slow with its body, and none for a call that is
        // cancelled because the server stops or the application is replaced: its client may ask again.
        when (statusCode) {
            HttpStatusCode.BadRequest -> if (exchange.refusal?.status == Status.REQUEST_TIMEOUT) status(HttpStatusCode.RequestTimeout)
            HttpStatusCode.InternalServerError -> if (netparkCall.coroutineContext.job.isCancelled) status(HttpStatusCode.ServiceUnavailable)
        }
        val line = AnswerHead.line(statusCode) // fails if it is no status
        beginHead()
        val isLast = length == AnswerChannel.TO_THE_END || exchange.refusal != null
        val isBodyLast = exchange.hasBody && (link.body.owesContinue || link.body.isDoubtful)
        if (isLast || isBodyLast || AnswerHead.saysClose(headers)) exchange.closes = true
        val writer = link.writer
        writer.put(line)
        AnswerHead.fields(writer, headers, isUpgrade = false)
        AnswerHead.connection(writer, headers, exchange.closes, exchange.mustBeToldToStay)
        when {
            statusCode.value < 200 || statusCode.value == 204 -> {}
            statusCode.value == 304 && (length == 0L || isEmpty && length < 0) -> {}
            length >= 0 -> AnswerHead.length(writer, length)
            length == AnswerChannel.CHUNKED && !isEmpty -> AnswerHead.chunked(writer)
        }
        AnswerHead.end(writer)
    }

    /** From now on something of the answer may be in the writer, wherever it fails. */
    private fun beginHead() {
        if (!move(State.UNSENT, State.BEGUN)) throw over()
        exchange.beginAnswer()
        headers.isSent = true
    }

    private suspend inline fun complete() {
        SENT.lazySet(this, SENDING) // whoever finds the answer COMPLETE finds this
        try {
            if (!move(State.BEGUN, State.COMPLETE)) throw over()
            isAnswered = true
            if (!exchange.leaveAnswer()) link.writer.flush()
        } finally {
            if (!SENT.compareAndSet(this, SENDING, null)) (sending as CompletableJob).complete()
        }
    }

    /** Whether a coroutine that the call has left behind is still sending the end of an answer that is complete. */
    val isBeingSent: Boolean get() = sending != null

    /** The call is over. Suspends until nobody is sending its answer any more. */
    suspend fun awaitSent() {
        if (sending == null) return
        val sent = Job()
        if (SENT.compareAndSet(this, SENDING, sent)) sent.join()
    }

    private fun checkNotOver() {
        if (isOver) throw over()
    }

    private fun over() =
        ClosedWriteChannelException(IllegalStateException("$netparkCall is over, and its connection may be another call's"))

    private companion object {

        val STATE: AtomicReferenceFieldUpdater<NetparkResponse, State> =
            AtomicReferenceFieldUpdater.newUpdater(NetparkResponse::class.java, State::class.java, "state")

        val SENT: AtomicReferenceFieldUpdater<NetparkResponse, Any> =
            AtomicReferenceFieldUpdater.newUpdater(NetparkResponse::class.java, Any::class.java, "sending")

        val SENDING = Any()

        fun requireLength(said: Long, actual: Long) {
            if (said < actual) throw BodyLengthIsTooLong(said)
            if (said > actual) throw BodyLengthIsTooSmall(said, actual)
        }
    }
}
