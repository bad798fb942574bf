package io.netpark.samples.chat

import io.netpark.samples.websocket.Refusal
import io.netpark.samples.websocket.RequestHead
import io.netpark.samples.websocket.response
import java.security.MessageDigest
import java.util.Base64

/** The chat's page: one file, which needs no other. */
internal class Page {

    private val content: ByteArray = checkNotNull(Page::class.java.getResourceAsStream("page.html")) {
        "page.html is not on the class path"
    }.use { it.readAllBytes() }

    /** The page's own script and style, and nothing else: should a message ever get into the markup, it still would not run. */
    private val policy = content.decodeToString().let { html ->
        "default-src 'none'; script-src ${hash(html, "script")}; style-src ${hash(html, "style")}; connect-src 'self'; " +
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    /** What is inside the page's only such element, as Content-Security-Policy names it. */
    private fun hash(html: String, element: String): String {
        val inside = html.substringAfter("<$element>").substringBefore("</$element>")
        val digest = MessageDigest.getInstance("SHA-256").digest(inside.encodeToByteArray())
        return "'sha256-${Base64.getEncoder().encodeToString(digest)}'"
    }

    fun answer(request: RequestHead): ByteArray {
        if (request.method != "GET" && request.method != "HEAD") {
            throw Refusal(405, "The page can be read.", mapOf("Allow" to "GET, HEAD"))
        }
        val fields = mapOf("Content-Security-Policy" to policy, "Cache-Control" to "no-cache", "Referrer-Policy" to "no-referrer")
        return response(200, "text/html; charset=utf-8", content, fields, withBody = request.method == "GET")
    }
}
