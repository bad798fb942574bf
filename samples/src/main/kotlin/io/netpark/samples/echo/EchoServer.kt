package io.netpark.samples.echo

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.sys.Due
import io.netpark.core.tls.ServerTls
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.time.Duration
import java.util.function.Consumer

/** A server that sends back what it gets, running since it was made. Written twice: with coroutines and with callbacks. */
interface EchoServer : AutoCloseable {

    /** Where it listens, with the port that was chosen for 0. */
    val address: SocketAddress

    /** Its event loops. They keep the process alive. */
    val group: EventLoopGroup

    /** Stops accepting, lets clients finish for as long as [EchoOptions.drain] says, closes the rest, ends the loops. */
    override fun close()
}

/** What an echo server is told. */
class EchoOptions(
    /** Where to listen; port 0 takes a free one. */
    val address: InetSocketAddress,
    /** How long no byte may move in either direction before a connection is closed. */
    val idleTimeout: Duration = Due.INFINITE,
    /** How long clients may go on when the server is closed. */
    val drain: Duration = Duration.ZERO,
    /** How connections are encrypted; null if they are not. */
    val tls: ServerTls? = null,
    /** Choices about the event loops. */
    val loops: Consumer<EventLoopGroup.Builder> = Consumer {},
)
