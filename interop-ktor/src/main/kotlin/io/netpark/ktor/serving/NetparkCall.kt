package io.netpark.ktor.serving

import io.ktor.server.application.Application
import io.ktor.server.engine.BaseApplicationCall
import io.ktor.server.http.HttpRequestCloseHandlerKey
import io.ktor.utils.io.InternalAPI
import kotlin.coroutines.CoroutineContext

/**
 * One request and its answer. It is over when its handler has returned. Whoever keeps it longer finds the request as it was, but
 * no more of its body, and can write nothing: the connection may be another call's by then.
 */
internal class NetparkCall(
    application: Application,
    override val coroutineContext: CoroutineContext,
    exchange: Exchange,
    point: NetparkConnectionPoint,
) : BaseApplicationCall(application) {

    override val request: NetparkRequest = NetparkRequest(this, exchange, point)
    override val response: NetparkResponse = NetparkResponse(this, exchange)

    init {
        putResponseAttribute()
    }

    private var isToldGone = false

    /**
     * Tells the call that its client has gone, once, if it wants to know. Whether it has been told. It may want to know later.
     */
    @OptIn(InternalAPI::class)
    fun tellGone(): Boolean {
        if (isToldGone) return true
        val handler = attributes.getOrNull(HttpRequestCloseHandlerKey) ?: return false
        isToldGone = true
        handler()
        return true
    }

    /** The handler has returned, or never will. */
    fun end() {
        request.end()
        response.end()
    }

    override fun toString(): String = "${request.local.method.value} ${request.local.uri}"
}
