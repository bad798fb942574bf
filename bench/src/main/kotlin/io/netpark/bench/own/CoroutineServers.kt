package io.netpark.bench.own

import io.netpark.bench.server.NetparkCoroutineServer
import io.netpark.bench.server.Service
import io.netpark.core.loop.EventLoopGroup
import io.netpark.coroutines.Reactor
import io.netpark.samples.http.HttpOptions
import io.netpark.samples.http.HttpServer
import java.net.InetSocketAddress
import java.util.function.Consumer

/** The servers that are written with coroutines. */
internal object CoroutineServers {

    @JvmStatic
    fun serve(service: Service, loops: Consumer<EventLoopGroup.Builder>): Subject.Served {
        val reactor = Reactor { loops.accept(this) }
        return Subject.Served(reactor.group, NetparkCoroutineServer(reactor).start(service))
    }

    /** The http sample. */
    @JvmStatic
    fun serveHttp(loops: Consumer<EventLoopGroup.Builder>): Subject.Served {
        val server = HttpServer(HttpOptions(InetSocketAddress("127.0.0.1", 0), loops = loops))
        return Subject.Served(server.group, (server.address as InetSocketAddress).port)
    }
}
