package io.netpark.ktor.serving

import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TimedOut
import io.netpark.core.sys.NetparkException.Timeout
import io.netpark.coroutines.Connection
import io.netpark.coroutines.awaitPeerClosed
import io.netpark.http.Refusal
import io.netpark.http.Status
import io.netpark.http.awaitRest
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.job
import kotlinx.coroutines.launch

/**
 * The requests of one connection. This coroutine is all there is, and calls run on its stack: it parks when nothing has come, or
 * with a call that waits.
 *
 * Answers go out in the order of the requests. While a call waits, the calls of requests that have come behind it are begun, up to
 * [Settings.maxPipelinedCalls], if all of them are safe
 * (RFC 9112, 9.3.2); each gets the connection's writer when those before it are over. A request with a body is the last that is
 * begun so.
 */
internal class HttpConnection(
    private val connection: Connection,
    private val run: Run,
    private val scope: CoroutineScope,
    scheme: String,
) {
    private val settings = run.settings
    private val link = Link(connection, settings, scope, scheme)
    private val reader = link.reader
    private val writer = link.writer
    private val head = link.head

    /** Ends with the handler. If that is by cancellation, the calls are cancelled. */
    private val tie: CompletableJob = Job(scope.coroutineContext.job)

    /** Whether calls run elsewhere, and not on this coroutine's stack. */
    private val isDispatched = settings.callDispatcher != null

    // Of the application that the last call was for
    private var calls: Calls? = null
    @Volatile private var callJob: CompletableJob? = null

    /** Those whose calls have begun and are not known to be over, in the order of their requests. */
    private val begun = ArrayDeque<Exchange>(1)
    private val spare = ArrayDeque<Exchange>(1)

    /** A head has been parsed, and its request waits until those before it are over. */
    private var isHeld = false

    private var watch: Job? = null
    private var isPeerGone = false

    init {
        tie.invokeOnCompletion { cause -> if (cause != null) callJob?.cancel("the connection has been cut off", cause) }
    }

    /** Answers until somebody has had enough. The connection is closed by whoever runs this. */
    suspend fun serve() {
        connection.readTimeout = settings.idleTimeout
        connection.writeTimeout = settings.writeTimeout
        try {
            requests()
        } catch (late: TimedOut) {
            if (late.timeout() != Timeout.READ) throw late
            // Nobody has asked for anything: that is no failure.
        } finally {
            watch?.cancel()
            abandon()
            callJob?.complete() // what calls have launched may go on
            tie.complete()
        }
    }

    /**
     * This has one frame on the heap for all requests. What waits, and is called for each request, is inlined; what a request needs
     * only at times has a frame of its own.
     */
    private suspend fun requests() {
        try {
            while (true) {
                if (begun.isEmpty()) {
                    if (!awaitHead()) return
                } else if (!hasAnother()) {
                    if (!endFirst()) return
                    continue
                }
                if (isDispatched && begun.isEmpty()) writer.flush() // nobody may touch the writer when the call runs
                val exchange = begin(run.calls ?: awaitCalls())
                val isOver = start(exchange)
                if (begun.size > 1 || !isOver) {
                    suspended(exchange)
                } else if (!endAtOnce(exchange)) {
                    if (!endFirst()) return
                }
                if (begun.isEmpty()) writer.flushIfFull()
            }
        } catch (refusal: Refusal) {
            while (begun.isNotEmpty()) if (!endFirst()) return
            AnswerHead.last(writer, refusal.status.line)
            connection.closeLingering(settings.lingerTime)
        }
    }

    private suspend inline fun awaitHead(): Boolean {
        if (isHeld) return true.also { isHeld = false }
        while (true) {
            // What is answered goes out before the client is waited for: who has sent many requests gets many answers at once.
            if (reader.available() == 0L && !head.isBegun) {
                writer.flush()
                link.isUnflushed = false
                if (!connection.awaitRequest()) return false
            }
            if (head.parse(reader)) return true
            if (head.isBegun || reader.available() > 0) return head.awaitRest(connection, settings.headTimeout)
            // an empty line, and nothing else
        }
    }

    /** Whether a whole head has come behind the requests that are being answered, and its request can be answered beside them. */
    private fun hasAnother(): Boolean {
        val last = begun.last()
        if (begun.size >= settings.maxPipelinedCalls || isHeld || !last.hasCompany || last.closes) return false
        if (reader.available() == 0L || !head.parse(reader)) return false
        isHeld = !head.isSafe
        return !isHeld
    }

    private suspend fun awaitCalls(): Calls =
        run.awaitCalls() ?: throw Refusal(Status.SERVICE_UNAVAILABLE, "there is no application")

    /** Makes the call of the request whose head was parsed. */
    private fun begin(calls: Calls): Exchange {
        val exchange = spare.removeLastOrNull() ?: Exchange(link)
        exchange.begin(begun.lastOrNull())
        if (calls !== this.calls) beginCalls(calls)
        exchange.run = callRunOf(exchange)
        val call = NetparkCall(calls.application, exchange.run.context, exchange, link.points.take())
        link.body.begin(head)
        if (exchange.hasBody) connection.readTimeout = Duration.INFINITE // a body has its own limits
        exchange.call = call
        begun.addLast(exchange)
        return exchange
    }

    private fun callRunOf(exchange: Exchange): CallRun {
        val job = callJob!!
        exchange.runOrNull?.let { if (it.job === job) return it }
        val context = calls!!.contextOf(job, connection.dispatcher)
        return CallRun(if (isDispatched) context else context + Occupation(link.loop) { exchange.call }, run.handle)
    }

    private fun beginCalls(calls: Calls) {
        callJob?.complete()
        val job = calls.newJob(connection.dispatcher)
        this.calls = calls
        callJob = job
        if (!tie.isActive) job.cancel("the connection has been cut off") // since before there was a job to cancel
    }

    /** Whether the call is over. */
    private fun start(exchange: Exchange): Boolean {
        val call = exchange.call!!
        if (isDispatched) return exchange.run.dispatch(call)
        val before: Any? = link.loop.occupation() // as this may go on where another call has ended
        exchange.isInPlace = true
        link.loop.setOccupation(call)
        try {
            return exchange.run.start(call)
        } finally {
            link.loop.setOccupation(before)
            exchange.isInPlace = false
        }
    }

    /** A call goes on, or is over before those in front of it are. */
    private fun suspended(exchange: Exchange) {
        if (begun.size == 1 && !isDispatched) exchange.flushMeanwhile()
        watchPeer()
    }

    /** Ends the first call, which is over, if nothing is left to do or to wait for. Otherwise, false, [endFirst] is to do it. */
    private fun endAtOnce(exchange: Exchange): Boolean {
        val call = exchange.call!!
        call.end()
        exchange.endTurn()
        if (call.response.state != NetparkResponse.State.COMPLETE || exchange.closes || exchange.hasBody || exchange.isFlushing ||
            call.response.isBeingSent || exchange.run.failure != null || isLastOf(exchange)
        ) {
            return false
        }
        exchange.call = null
        begun.removeFirst()
        giveBack(exchange)
        return true
    }

    /** Suspends until the first call is over. Whether another request may follow it. */
    private suspend fun endFirst(): Boolean {
        val exchange = begun.first()
        exchange.run.await()
        val call = exchange.call!!
        exchange.call = null
        call.end()
        exchange.endTurn()
        exchange.awaitFlushed()
        call.response.awaitSent()
        begun.removeFirst()
        val goesOn = finish(exchange, call)
        if (goesOn && exchange.hasBody) connection.readTimeout = settings.idleTimeout
        giveBack(exchange)
        return goesOn
    }

    private fun giveBack(exchange: Exchange) {
        exchange.end()
        spare.addLast(exchange)
    }

    /** The call is over. Makes sure that its answer is whole, or does not look so. */
    private suspend fun finish(exchange: Exchange, call: NetparkCall): Boolean {
        exchange.run.failure?.let { if (exchange.run.isRefused) run.refused(call, it) else run.failed(call, it) }
        when (call.response.state) {
            NetparkResponse.State.COMPLETE -> {}
            NetparkResponse.State.UPGRADED -> return false
            NetparkResponse.State.BEGUN, NetparkResponse.State.CUT -> return false.also { connection.reset() }
            NetparkResponse.State.UNSENT, NetparkResponse.State.SILENT -> {
                // Ktor has told why, and could not tell the client; or the server stops, or is too busy, and the client may ask another
                val isNotServed = exchange.run.job.isCancelled || exchange.run.isRefused
                AnswerHead.last(writer, (if (isNotServed) Status.SERVICE_UNAVAILABLE else Status.INTERNAL_SERVER_ERROR).line)
                exchange.closes = true
            }
        }
        if (exchange.closes || isLastOf(exchange) || call.request.isCutOff || exchange.hasBody && !isBodyOver()) {
            // The client may still be talking; to close with its bytes unread could take the answer from it (RFC 9112, 9.6).
            connection.closeLingering(settings.lingerTime)
            return false
        }
        return true
    }

    /** Whether the calls of this connection were cancelled, and not only those of an application that is being replaced. */
    private fun isLastOf(exchange: Exchange): Boolean = exchange.run.job.isCancelled && calls!!.isActive

    /** Whether it is certain where the next request begins. */
    private suspend fun isBodyOver(): Boolean = try {
        link.body.discard(settings.maxDiscardedBody)
    } catch (_: Refusal) { // it has its answer already
        false
    }

    /** Calls that are still at work cannot answer any more. Waits for them. */
    private suspend fun abandon() {
        if (begun.isEmpty()) return
        callJob?.cancel("the connection has ended")
        begun.forEach { it.abort() }
        for (exchange in begun) {
            exchange.run.await()
            exchange.call?.end()
            exchange.call = null
        }
        begun.clear()
    }

    // The peer

    /** From the first call on that suspends, and to the end of the connection. */
    private fun watchPeer() {
        if (isPeerGone) watch?.cancel() else if (watch != null) return
        watch = scope.launch(start = CoroutineStart.UNDISPATCHED) {
            try {
                if (!isPeerGone) connection.awaitPeerClosed()
            } catch (_: NetparkException) {
                return@launch // closed here
            }
            isPeerGone = true
            tellGone()
        }
    }

    /**
     * Tells the calls that their client has gone, if they want to know. A call may say so later than its client has left: it waits for
     * a thread, or is at work before it comes to the plugin. Nothing tells of that. So this looks again, each time after twice as
     * long, and a call knows after twice the time that it has needed.
     */
    private suspend fun tellGone() {
        var pause = FIRST_PAUSE
        while (!areAllTold()) {
            delay(pause)
            pause *= 2
        }
    }

    /** Being told, a call may end at once, here: and so may its exchange, and those behind it. */
    private fun areAllTold(): Boolean {
        var areAll = true
        for (i in begun.indices) if (begun.getOrNull(i)?.call?.tellGone() == false) areAll = false
        return areAll
    }

    private companion object {
        val FIRST_PAUSE = 10.milliseconds
    }
}
