package io.netpark.ktor.serving

import io.ktor.server.plugins.BadRequestException
import io.netpark.http.Status
import io.netpark.ktor.answers.BodyReadChannel
import java.io.IOException

/**
 * The body of a request, as its handler reads it.
 *
 * Ktor reads what the handler has left when the answer has been given. So from then on there is a limit, and a client that has
 * not sent its body because it was not told to go on is not told any more.
 */
internal class CallInput(private val call: NetparkCall, private val exchange: Exchange) :
    BodyReadChannel(exchange.link.body, exchange.link.connection, exchange.link.settings.maxBodySize) {

    private val turn = exchange.turn
    private val body = exchange.link.body
    private var left = exchange.link.settings.maxDiscardedBody

    override suspend fun await(): Boolean {
        if (call.response.isAnswered && (left <= 0 || body.least > left || body.owesContinue || body.isDoubtful)) {
            throw IOException("the answer has been given, and the rest of the request is not read")
        }
        if (available() > 0) return true
        if (isOver) return false // the writer stays free, so that earlier answers need not wait for this call's
        if (body.isUnflushed && !exchange.beforeAnswer(turn) { body.greet() }) body.isAnswering = true
        return super.await()
    }

    override fun took(count: Int) {
        super.took(count)
        if (call.response.isAnswered) left -= count
    }

    override fun explain(failure: Exception): Throwable? {
        val told = super.explain(failure)
        val why = refusal ?: return told
        exchange.refusal = why
        exchange.closes = true // also if the answer has not said so
        // Ktor knows no exception that it answers by 408. The answer corrects it.
        return if (why.status == Status.REQUEST_TIMEOUT) BadRequestException(why.message.orEmpty(), why) else told
    }
}
