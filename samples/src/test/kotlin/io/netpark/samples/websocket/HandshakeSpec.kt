package io.netpark.samples.websocket

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldEndWith
import io.kotest.matchers.string.shouldStartWith

class HandshakeSpec : FunSpec({
    fun accept(request: String) = Handshake.accept(RequestHead.parse(request)).decodeToString()

    test("RFC 6455's own example") {
        accept(request()) shouldBe "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    }

    test("fields in any case, in lists, twice where they may be") {
        accept(request("upgrade" to "h2c, WebSocket", "CONNECTION" to "keep-alive, upgrade")) shouldContain " 101 "
        accept(request("Origin" to "http://SERVER.example.com")) shouldContain " 101 "
        accept(request("Host" to "[::1]:8080", "Origin" to "https://[::1]:8080")) shouldContain " 101 "
    }

    test("what is refused, and how") {
        for ((expected, request) in listOf(
            426 to request("Upgrade" to null),
            426 to request("Connection" to "keep-alive"),
            426 to request("Sec-WebSocket-Version" to "8"),
            426 to request("Sec-WebSocket-Version" to null),
            400 to request("Sec-WebSocket-Key" to null),
            400 to request("Sec-WebSocket-Key" to "c2hvcnQ="),
            400 to request("Sec-WebSocket-Key" to "not base64"),
            400 to request("Host" to null),
            400 to request().replace("Host: server.example.com", "Host: a\r\nHost: b"),
            400 to request("Content-Length" to "5"),
            400 to request("Transfer-Encoding" to "chunked"),
            400 to request().replace("Upgrade: ", " Upgrade: "),
            400 to request().replace("Upgrade: ", "Upgrade : "),
            400 to request().replace("Host: ", "Host: \u0000"),
            400 to request().replace("GET /chat", "GET chat"),
            400 to request().replace("GET /chat HTTP/1.1", "GET /chat"),
            400 to "\r\n\r\n",
            405 to request().replace("GET", "POST"),
            426 to request().replace("HTTP/1.1", "HTTP/1.0"),
            505 to request().replace("HTTP/1.1", "HTTP/2.0"),
            505 to request().replace("HTTP/1.1", "HTTP/1.10"),
            505 to request().replace("HTTP/1.1", "HTTP/1.x"),
            403 to request("Origin" to "http://evil.example"),
            403 to request("Origin" to "http://server.example.com:81"),
            403 to request("Origin" to "null"),
            403 to request("Origin" to "http://[broken"),
        )) {
            Pair(request, shouldThrow<Refusal> { accept(request) }.status) shouldBe Pair(request, expected)
        }
    }

    test("a refusal says what would be accepted, and closes") {
        val answer = shouldThrow<Refusal> { accept(request("Sec-WebSocket-Version" to "8")) }.response().decodeToString()
        answer shouldStartWith "HTTP/1.1 426 Upgrade Required\r\n"
        answer shouldContain "\r\nSec-WebSocket-Version: 13\r\n"
        answer shouldContain "\r\nConnection: close\r\n"
        answer shouldEndWith "\r\n\r\nThe version of WebSockets here is 13.\n"
    }
})

/** The example of RFC 6455, 1.3, with some fields changed or taken away. */
private fun request(vararg changes: Pair<String, String?>): String {
    val fields = linkedMapOf(
        "Host" to "server.example.com",
        "Upgrade" to "websocket",
        "Connection" to "Upgrade",
        "Sec-WebSocket-Key" to "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version" to "13",
    )
    for ((name, value) in changes) {
        fields.keys.removeIf { it.equals(name, ignoreCase = true) }
        if (value != null) fields[name] = value
    }
    return fields.entries.joinToString("", "GET /chat HTTP/1.1\r\n", "\r\n") { "${it.key}: ${it.value}\r\n" }
}
