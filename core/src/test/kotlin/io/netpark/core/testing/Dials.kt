package io.netpark.core.testing

import io.netpark.core.net.dialing.Dial
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import java.io.File
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.SocketAddress
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ExecutionException
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** The outcome of a dial, for a thread to wait for. Counts how often it was told, which may not be more than once. */
class Outcome : Dial.Outcome {
    private val future = CompletableFuture<ConnectionDescriptor>()
    private val told = AtomicInteger()

    val isTold: Boolean get() = told.get() > 0

    override fun connected(connection: ConnectionDescriptor) {
        check(told.incrementAndGet() == 1) { "told twice" }
        future.complete(connection)
    }

    override fun failed(cause: NetparkException) {
        check(told.incrementAndGet() == 1) { "told twice" }
        future.completeExceptionally(cause)
    }

    fun await(): ConnectionDescriptor = try {
        future.get(SOON.inWholeMilliseconds, TimeUnit.MILLISECONDS)
    } catch (e: ExecutionException) {
        throw e.cause!!
    }
}

fun Dialer.await(host: String, port: Int): ConnectionDescriptor = Outcome().also { dial(host, port, it) }.await()

fun Dialer.await(address: SocketAddress): ConnectionDescriptor = Outcome().also { dial(address, it) }.await()

/** A TCP address where nobody answers a SYN: a listener whose backlog is full. */
class BlackHole(host: String = "127.0.0.1", port: Int = 0) : AutoCloseable {
    private val listener = ServerSocket(port, BACKLOG, InetAddress.getByName(host))
    private val fillers = mutableListOf<Socket>()

    val address = InetSocketAddress(listener.inetAddress, listener.localPort)

    init {
        repeat(BACKLOG + 1) { fillers += Socket().apply { connect(address, SOON.inWholeMilliseconds.toInt()) } }
        eventually { check(waiting() > BACKLOG) { "${waiting()} wait, which leaves room" } }
    }

    /** How many wait to be accepted: of a socket that listens the kernel tells it as the bytes to be received (proc_net_tcp.rst). */
    private fun waiting(): Int {
        val bytes = address.address.address
        val words = bytes.toList().chunked(4) { word -> word.reversed().joinToString("") { "%02X".format(it) } }
        val local = words.joinToString("") + ":%04X".format(address.port)
        return listOf("tcp", "tcp6").firstNotNullOf { file ->
            File("/proc/net/$file").readLines().map { it.trim().split(WHITE) }
                .find { it[1].endsWith(local) && it[3] == LISTEN }?.let { it[4].substringAfter(':').toInt(16) }
        }
    }

    /** Lets in those who wait; from now on there is room. */
    fun open() {
        repeat(fillers.size) { listener.accept().close() }
    }

    override fun close() {
        fillers.forEach { it.close() }
        listener.close()
    }

    private companion object {
        /** Those that may wait are one more (tcp_conn_request). */
        const val BACKLOG = 1
        const val LISTEN = "0A"
        val WHITE = Regex("\\s+")
    }
}
