package io.netpark.samples.http

import io.netpark.core.buffer.SegmentPool
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.listening.Admission
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.Shutdown
import io.netpark.http.HeadLimits
import io.netpark.samples.Successor
import io.netpark.samples.http.answers.CommonFields
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.nio.file.Path
import java.util.function.Consumer
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * An HTTP/1.1 server, running since it was made: `/plaintext` and `/json` for load generators, `/echo` for bodies, and the
 * files of a folder.
 */
class HttpServer(options: HttpOptions) : AutoCloseable {

    private val phases = Shutdown(finish = options.drain, announce = options.announce)
    private val reactor = Reactor { options.loops.accept(this) }
    private val listener: Listener
    private val site: Site

    init {
        try {
            site = Site(reactor.buffering.pool, options.root?.let(::StaticFolder), options.limits)
            listener = options.socket?.let { reactor.adoptListener(it, admission = options.admission, tls = options.tls) }
                ?: reactor.listen(options.address!!, admission = options.admission, tls = options.tls)
        } catch (e: Throwable) {
            reactor.close()
            throw e
        }
    }

    // Handlers run on the loop of their connection; the scope is where serve itself waits for them.
    private val serving = CoroutineScope(Dispatchers.Default).launch {
        listener.serve { connection -> HttpConnection(connection, site).serve() }
    }

    /** Where it listens, with the port that was chosen for 0. */
    val address: SocketAddress get() = listener.localAddress

    /** Its event loops. They keep the process alive. */
    val group: EventLoopGroup get() = reactor.group

    /**
     * Waits at a path for the process that is to go on with the socket. Once that serves, this one accepts nobody any more, and
     * [relieved] is called, which has to [close] this.
     */
    fun awaitSuccessor(path: Path, relieved: () -> Unit) {
        Successor(reactor, path, listener) {
            // Now, and not when the end has been announced: who is accepted just before the idle ones are closed, and has not asked
            // for anything yet, would be closed without an answer. So everybody has all of that time to ask.
            listener.close()
            relieved()
        }
    }

    /**
     * Announces the end to clients for as long as [HttpOptions.announce] says; stops accepting; closes the connections that wait
     * for a request; lets the others finish theirs, as long as [HttpOptions.drain] says; and ends the loops.
     */
    override fun close() {
        runBlocking {
            listener.shutdown(phases)
            serving.join()
        }
        reactor.close()
    }
}

/** What an HTTP server is told. */
class HttpOptions(
    /** Where to listen, unless there is a [socket]; port 0 takes a free one. */
    val address: InetSocketAddress?,
    /** One that listens already. The server's from now on. */
    val socket: OpenDescriptor? = null,
    /** The folder whose files are served; null for none. */
    val root: Path? = null,
    /** How much of what, and how long. */
    val limits: HttpLimits = HttpLimits(),
    /** How many connections at a time. */
    val admission: Admission? = null,
    /** For how long clients are told to connect anew, before the connections are closed that wait for a request. */
    val announce: Duration = Duration.ZERO,
    /** How long requests in progress may go on when the server is closed. */
    val drain: Duration = Duration.ZERO,
    /** How connections are encrypted; null if they are not. */
    val tls: ServerTls? = null,
    /** Choices about the event loops. */
    val loops: Consumer<EventLoopGroup.Builder> = Consumer {},
)

/** What a client may ask of the server. A request's head has the limits of [HeadLimits]. */
class HttpLimits(
    /** The most bytes of a body. It is held in memory. */
    val body: Long = 1024 * 1024,
    /** How long a head may take, from its first byte to its last. */
    val head: Duration = 10.seconds,
    /** How long a body may take. */
    val bodyTime: Duration = 60.seconds,
    /** How long no byte may move in either direction: between requests, and when the client does not read. */
    val idle: Duration = 60.seconds,
    /** How long a client may go on talking after its last answer. */
    val parting: Duration = 2.seconds,
)

/** What connections share. */
internal class Site(val pool: SegmentPool, val folder: StaticFolder?, val limits: HttpLimits) {
    val common = CommonFields()
}
