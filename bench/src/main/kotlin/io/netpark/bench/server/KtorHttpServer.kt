package io.netpark.bench.server

import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.toHttpDate
import io.ktor.server.application.call
import io.ktor.server.cio.CIO
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.response.header
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.ktor.util.date.GMTDate
import kotlinx.coroutines.runBlocking

/** Ktor's server on its own engine, CIO, which is made of coroutines too. */
internal class KtorHttpServer : BenchServer {

    private class Second(val number: Long) {
        val text = GMTDate(number * 1000).toHttpDate()
    }

    @Volatile private var second = Second(0)

    override fun start(service: Service): Int {
        val server = embeddedServer(CIO, configure = {
            connectionGroupSize = 1
            workerGroupSize = 1
            callGroupSize = 1
            connector {
                host = "127.0.0.1"
                port = 0
            }
        }) {
            routing {
                get("/plaintext") {
                    call.response.header(HttpHeaders.Server, "ktor")
                    call.response.header(HttpHeaders.Date, date())
                    call.respondText("Hello, World!", ContentType.Text.Plain)
                }
            }
        }
        server.start(wait = false)
        return runBlocking { server.engine.resolvedConnectors().first().port }
    }

    private fun date(): String {
        val now = System.currentTimeMillis() / 1000
        val last = second
        return if (last.number == now) last.text else Second(now).also { second = it }.text
    }
}
