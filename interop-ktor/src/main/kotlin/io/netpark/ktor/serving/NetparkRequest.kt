package io.netpark.ktor.serving

import io.ktor.http.Headers
import io.ktor.http.Parameters
import io.ktor.http.parseQueryString
import io.ktor.http.withEmptyStringForValuelessKeys
import io.ktor.server.engine.BaseApplicationRequest
import io.ktor.server.request.RequestCookies
import io.ktor.server.request.encodeParameters
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.InternalAPI
import kotlinx.coroutines.CancellationException

/** A request as Ktor asks about it. What it says is its own: nothing of it lies in the connection's memory. */
internal class NetparkRequest(call: NetparkCall, exchange: Exchange, override val local: NetparkConnectionPoint) :
    BaseApplicationRequest(call) {

    override val engineHeaders: Headers get() = local.headers

    private val input: CallInput? = if (exchange.hasBody) CallInput(call, exchange) else null

    override val engineReceiveChannel: ByteReadChannel get() = input ?: ByteReadChannel.Empty

    private var query: Parameters? = null
    private var rawQuery: Parameters? = null
    private var sentCookies: RequestCookies? = null

    override val queryParameters: Parameters
        get() = query ?: decodedQuery().also { query = it }

    override val rawQueryParameters: Parameters
        get() = rawQuery ?: parsedQuery().also { rawQuery = it }

    override val cookies: RequestCookies get() = sentCookies ?: RequestCookies(this).also { sentCookies = it }

    @OptIn(InternalAPI::class)
    private fun decodedQuery(): Parameters {
        val raw = rawQueryParameters
        return if (raw.isEmpty()) Parameters.Empty else encodeParameters(raw).withEmptyStringForValuelessKeys()
    }

    private fun parsedQuery(): Parameters {
        val start = local.uri.indexOf('?')
        return if (start < 0) Parameters.Empty else parseQueryString(local.uri, startIndex = start + 1, decode = false)
    }

    /** A body that is not used is nobody's from now on but the connection's. Whether that can go on with it. */
    fun end() {
        input?.leave(CancellationException("the call is over"))
    }

    /** Whether a coroutine was waiting for the body when the call ended: then the connection cannot be read from any more. */
    val isCutOff: Boolean get() = input?.isCutOff == true
}
