package io.netpark.samples.websocket

import java.net.URI
import java.net.URISyntaxException
import java.security.MessageDigest
import java.util.Base64

/** How a WebSocket begins: as a request of HTTP (RFC 6455, 4.2). */
object Handshake {

    /** What a key is answered with is made of it and this (4.2.2). */
    private const val PROTOCOL_ID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    private const val KEY_SIZE = 16

    /**
     * Accepts a request to upgrade.
     *
     * @return the answer; frames follow it
     * @throws Refusal it is none, or one of another version, or comes from a page of another site
     */
    @JvmStatic
    @Throws(Refusal::class)
    fun accept(request: RequestHead): ByteArray {
        if (request.method != "GET") throw Refusal(405, "A WebSocket begins with GET.", mapOf("Allow" to "GET"))
        if (request.isOld) {
            throw Refusal(426, "A WebSocket takes HTTP/1.1: a proxy in between has to pass it on (proxy_http_version 1.1 in nginx).",
                mapOf("Upgrade" to "websocket", "Connection" to "Upgrade, close"))
        }
        if (!request.lists("Upgrade", "websocket") || !request.lists("Connection", "Upgrade")) {
            throw Refusal(426, "Here is a WebSocket.", mapOf("Upgrade" to "websocket", "Connection" to "Upgrade, close"))
        }
        if (request.field("Sec-WebSocket-Version") != "13") {
            throw Refusal(426, "The version of WebSockets here is 13.", mapOf("Sec-WebSocket-Version" to "13"))
        }
        val key = request.field("Sec-WebSocket-Key")
        if (key == null || !isKey(key)) throw Refusal(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
        checkOrigin(request)
        return ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            "Sec-WebSocket-Accept: ${answer(key)}\r\n\r\n").encodeToByteArray()
    }

    /**
     * Browsers let a page of any site open a WebSocket to any other, with the user's cookies, and say where the page is from:
     * whoever is not from here is refused (10.2). Programs that are no browsers say nothing.
     */
    private fun checkOrigin(request: RequestHead) {
        val origin = request.field("Origin") ?: return
        val from = try {
            URI(origin).rawAuthority
        } catch (_: URISyntaxException) {
            null
        }
        if (!from.equals(request.field("Host"), ignoreCase = true)) {
            throw Refusal(403, "Pages of other sites are not welcome here.")
        }
    }

    private fun isKey(key: String): Boolean = try {
        Base64.getDecoder().decode(key).size == KEY_SIZE
    } catch (_: IllegalArgumentException) {
        false
    }

    /** What shows the client that it is understood. */
    internal fun answer(key: String): String =
        Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-1").digest((key + PROTOCOL_ID).encodeToByteArray()))
}
