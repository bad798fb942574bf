package io.netpark.core.testing

import io.netpark.core.loop.EventLoop
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Connecting
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.poll.Poller
import io.netpark.core.sys.LibC
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.util.concurrent.CompletableFuture

/** Event loops for one test, and connections on them. Closing it fails if anything was reported and not drained. */
class TestReactor(
    val libc: LibC = Bindings.best,
    pollers: Poller.Factory = Poller.EPOLL,
    loops: Int = 1,
    configure: EventLoopGroup.Builder.() -> Unit = {},
) : AutoCloseable {

    constructor(flavour: Flavour, loops: Int = 1, configure: EventLoopGroup.Builder.() -> Unit = {}) :
        this(flavour.libc, flavour.poller.factory, loops, configure)

    val reporter = RecordingReporter()
    val group: EventLoopGroup = EventLoopGroup.builder()
        .loops(loops).daemon(true).libc(libc).pollers(pollers).reporter(reporter)
        .reportLimit(Int.MAX_VALUE).apply(configure).open()

    val loop: EventLoop get() = group.loops().first()

    fun listen(
        address: SocketAddress = loopback(),
        options: NetOptions = NetOptions.DEFAULT,
        admission: Admission? = null,
    ) = BlockingListener(ListenerDescriptor.listen(group, address, options, admission))

    fun listenOnEachLoop(admission: Admission? = null): List<BlockingListener> =
        ListenerDescriptor.listenOnEachLoop(group, loopback(), NetOptions.DEFAULT, admission).map { BlockingListener(it) }

    /** Starts connecting, and no more. */
    fun dial(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT) =
        BlockingConnection(Connecting.begin(group.next(), address, options))

    fun connect(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT) = dial(address, options).connect()

    /** Two connected ends: the dialing one, and the accepted one. */
    fun pair(
        host: String = "127.0.0.1",
        options: NetOptions = NetOptions.DEFAULT,
    ): Pair<BlockingConnection, BlockingConnection> =
        listen(loopback(host), options).use { listener ->
            val client = dial(listener.address, options)
            val server = listener.accept()
            client.connect() to server
        }

    /** Runs [body] on the first loop, and waits for it. */
    fun <T> onLoop(body: () -> T): T {
        val result = CompletableFuture<T>()
        loop.execute {
            try {
                result.complete(body())
            } catch (failure: Throwable) {
                result.completeExceptionally(failure)
            }
        }
        return result.result()
    }

    override fun close() {
        group.close()
        reporter.shouldBeSilent()
    }
}

fun loopback(host: String = "127.0.0.1", port: Int = 0) = InetSocketAddress(InetAddress.getByName(host), port)

/** Closes both ends after [body]. */
inline fun <A : AutoCloseable, B : AutoCloseable, T> Pair<A, B>.use(body: (A, B) -> T): T =
    first.use { a -> second.use { b -> body(a, b) } }
