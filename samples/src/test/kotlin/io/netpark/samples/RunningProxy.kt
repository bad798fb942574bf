package io.netpark.samples

import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.SocketException
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readSymbolicLink

internal val HERE: InetAddress = InetAddress.getLoopbackAddress()

/** The proxy sample, listening, in front of servers on these ports. */
internal class RunningProxy private constructor(val program: RunningProgram) : AutoCloseable by program {

    val port: Int = program.line().let { line ->
        line?.substringAfterLast(':')?.toIntOrNull() ?: error("it says $line, and ${program.errorLines()}")
    }

    constructor(upstreams: List<Int>, vararg options: String) :
        this(RunningProgram(PROXY, "--port", "0", "--upstream", upstreams.joinToString(",") { "127.0.0.1:$it" }, *options))

    /** @param receiveBuffer how many bytes the kernel may hold for the client; null leaves that to the kernel */
    fun dial(receiveBuffer: Int? = null): Socket = Socket().apply {
        receiveBuffer?.let { receiveBufferSize = it }
        soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
        tcpNoDelay = true
        connect(InetSocketAddress(HERE, this@RunningProxy.port))
    }

    /** The descriptors that its process has open, by their numbers, with what each is: `socket:[1234]`. */
    fun descriptors(): Map<Int, String> = Path.of("/proc/${program.pid}/fd").listDirectoryEntries().mapNotNull {
        try {
            it.name.toInt() to it.readSymbolicLink().toString()
        } catch (_: NoSuchFileException) {
            null // closed meanwhile
        }
    }.toMap()
}

/** A server of threads, the oldest kind there is: it knows nothing of Netpark. Says first who it is, if it has a name. */
internal class Service(
    private val name: String = "",
    port: Int = 0,
    private val handler: (Socket) -> Unit = { it.getInputStream().transferTo(it.getOutputStream()) },
) : AutoCloseable {
    private val listener = ServerSocket().apply {
        reuseAddress = true
        bind(InetSocketAddress(HERE, port))
    }
    private val clients = ConcurrentLinkedQueue<Socket>()
    val port: Int get() = listener.localPort

    init {
        thread(isDaemon = true) {
            while (true) {
                val client = try {
                    listener.accept()
                } catch (_: SocketException) {
                    return@thread
                }
                clients += client
                thread(isDaemon = true) { serve(client) }
            }
        }
    }

    private fun serve(client: Socket) = try {
        client.use {
            it.getOutputStream().write(name.toByteArray())
            handler(it)
        }
    } catch (_: IOException) {
        // It went away, as those do who only look whether there is a server.
    }

    /** As if it had been killed. */
    override fun close() {
        listener.close()
        for (client in clients) {
            try {
                client.setSoLinger(true, 0)
                client.close()
            } catch (_: SocketException) {
                // Its handler has closed it.
            }
        }
    }
}
