package io.netpark.bench.ktor

import io.ktor.http.Headers
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpMethod
import io.ktor.http.HttpStatusCode
import io.ktor.http.Parameters
import io.ktor.http.RequestConnectionPoint
import io.ktor.http.content.OutgoingContent
import io.ktor.http.headersOf
import io.ktor.server.application.Application
import io.ktor.server.application.PipelineCall
import io.ktor.server.engine.BaseApplicationCall
import io.ktor.server.engine.BaseApplicationRequest
import io.ktor.server.engine.BaseApplicationResponse
import io.ktor.server.http.content.LocalFileContent
import io.ktor.server.request.RequestCookies
import io.ktor.server.response.ResponseHeaders
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import kotlin.coroutines.CoroutineContext

/** A request as it is when it has been parsed, and nothing is left to do but to answer it. */
internal class Canned(method: String, val path: String, bodySize: Int) {
    val method: HttpMethod = HttpMethod.parse(method)
    val body: ByteArray = ByteArray(bodySize)
    val headers: Headers =
        if (bodySize == 0) headersOf(HttpHeaders.Host, HOST) else headersOf(
            HttpHeaders.Host to listOf(HOST),
            HttpHeaders.ContentType to listOf("application/octet-stream"),
            HttpHeaders.ContentLength to listOf("$bodySize"),
        )

    val point: RequestConnectionPoint = object : RequestConnectionPoint {
        override val scheme get() = "http"
        override val version get() = "HTTP/1.1"
        override val uri get() = path
        override val method get() = this@Canned.method
        override val localHost get() = LOCAL
        override val localAddress get() = LOCAL
        override val localPort get() = PORT
        override val serverHost get() = LOCAL
        override val serverPort get() = PORT
        override val remoteHost get() = LOCAL
        override val remoteAddress get() = LOCAL
        override val remotePort get() = PORT

        @Deprecated("Use localPort or serverPort instead")
        override val port get() = PORT

        @Deprecated("Use localHost or serverHost instead")
        override val host get() = LOCAL
    }

    private companion object {
        const val LOCAL = "127.0.0.1"
        const val PORT = 8080
        const val HOST = "$LOCAL:$PORT"
    }
}

/** One call of the [NullEngine]. */
internal class NullCall(application: Application, canned: Canned, override val coroutineContext: CoroutineContext) :
    BaseApplicationCall(application) {

    override val request = NullRequest(this, canned)
    override val response = NullResponse(this)

    init {
        putResponseAttribute()
    }
}

internal class NullRequest(call: PipelineCall, canned: Canned) : BaseApplicationRequest(call) {
    override val engineHeaders: Headers = canned.headers
    override val engineReceiveChannel: ByteReadChannel by lazy(LazyThreadSafetyMode.NONE) { ByteReadChannel(canned.body) }
    override val local: RequestConnectionPoint = canned.point
    override val queryParameters: Parameters get() = Parameters.Empty
    override val rawQueryParameters: Parameters get() = Parameters.Empty
    override val cookies: RequestCookies by lazy(LazyThreadSafetyMode.NONE) { RequestCookies(this) }
}

/** Keeps the fields of its head, as every engine must, and counts what it would send. */
internal class NullResponse(call: PipelineCall) : BaseApplicationResponse(call) {

    /** Bytes of the body. */
    var sent = 0L
        private set

    override val headers: ResponseHeaders = object : ResponseHeaders() {
        private val fields = ArrayList<String>(16) // a name, its value, and so on

        override fun engineAppendHeader(name: String, value: String) {
            fields.add(name)
            fields.add(value)
        }

        override fun getEngineHeaderNames(): List<String> = fields.filterIndexed { at, _ -> at % 2 == 0 }

        override fun getEngineHeaderValues(name: String): List<String> =
            fields.filterIndexed { at, _ -> at % 2 == 1 && fields[at - 1].equals(name, ignoreCase = true) }
    }

    /** A file is not read: what that costs is the engine's, which may have the kernel send it. */
    override suspend fun respondOutgoingContent(content: OutgoingContent) {
        if (content is LocalFileContent) {
            commitHeaders(content)
            sent += content.contentLength
        } else {
            super.respondOutgoingContent(content)
        }
    }

    override suspend fun respondFromBytes(bytes: ByteArray) {
        sent += bytes.size
    }

    override fun setStatus(statusCode: HttpStatusCode) {}

    override suspend fun responseChannel(): ByteWriteChannel =
        throw UnsupportedOperationException("nothing here is answered by a channel")

    override suspend fun respondUpgrade(upgrade: OutgoingContent.ProtocolUpgrade): Unit =
        throw UnsupportedOperationException("there is no connection")
}
