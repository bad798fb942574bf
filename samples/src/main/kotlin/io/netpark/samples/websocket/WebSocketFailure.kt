package io.netpark.samples.websocket

import java.io.IOException

/**
 * The peer has broken the protocol, or a limit: the connection is to be closed with a frame that says so.
 *
 * @property code one of [CloseCode]
 */
class WebSocketFailure(val code: Int, message: String) : IOException(message) {

    /** Nobody looks at where in the parser a client's mistake was found. */
    override fun fillInStackTrace(): Throwable = this
}

/** Why a WebSocket was closed (RFC 6455, 7.4.1, and the registry of IANA that it began). */
object CloseCode {
    const val NORMAL = 1000
    const val GOING_AWAY = 1001
    const val PROTOCOL_ERROR = 1002
    const val UNSUPPORTED_DATA = 1003
    const val NOT_UTF8 = 1007
    const val POLICY_VIOLATION = 1008
    const val TOO_BIG = 1009
    const val TRY_AGAIN_LATER = 1013

    /** Whether a frame may carry it: 1004 to 1006 and 1015 only stand for something, and the gaps are not defined. */
    fun isSendable(code: Int): Boolean = when (code) {
        in 1000..1003, in 1007..1014, in 3000..4999 -> true
        else -> false
    }
}
