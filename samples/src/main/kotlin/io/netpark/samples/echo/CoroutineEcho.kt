package io.netpark.samples.echo

import io.netpark.core.loop.EventLoopGroup
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.net.SocketAddress
import kotlin.time.toKotlinDuration

/** The echo server with coroutines. */
class CoroutineEcho(options: EchoOptions) : EchoServer {

    private val reactor = Reactor { options.loops.accept(this) }
    private val listener: Listener = try {
        reactor.listen(options.address, tls = options.tls)
    } catch (e: Throwable) {
        reactor.close()
        throw e
    }
    private val idleTimeout = options.idleTimeout.toKotlinDuration()

    // Handlers run on the loop of their connection; the scope is where serve itself waits for them.
    private val serving = CoroutineScope(Dispatchers.Default).launch {
        listener.serve(drain = options.drain.toKotlinDuration()) { connection -> echo(connection) }
    }

    override val address: SocketAddress get() = listener.localAddress
    override val group: EventLoopGroup get() = reactor.group

    /**
     * Nothing is read before the last answer has been taken. So a client that never reads costs a segment, here and in
     * the kernel, and then this coroutine is parked. At the client's half-close everything has been sent back, and closing
     * sends the end.
     */
    private suspend fun echo(connection: Connection) {
        connection.idleTimeout = idleTimeout
        while (connection.reader.await()) {
            connection.writer.append(connection.reader)
            connection.writer.flush()
        }
    }

    override fun close() {
        runBlocking { serving.cancelAndJoin() } // returns when the handlers are gone
        reactor.close()
    }
}
