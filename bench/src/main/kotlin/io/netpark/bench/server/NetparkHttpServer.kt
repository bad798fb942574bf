package io.netpark.bench.server

import io.netpark.samples.http.HttpOptions
import io.netpark.samples.http.HttpServer
import java.net.InetSocketAddress

/** The http sample itself: Netpark's coroutines, and a parser and answers of its own. */
internal class NetparkHttpServer : BenchServer {

    override fun start(service: Service): Int {
        val server = HttpServer(HttpOptions(InetSocketAddress("127.0.0.1", 0), tls = Security.forNetpark(), loops = { it.loops(1) }))
        return (server.address as InetSocketAddress).port
    }
}
