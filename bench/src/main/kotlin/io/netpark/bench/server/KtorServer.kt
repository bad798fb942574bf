package io.netpark.bench.server

import io.ktor.network.selector.SelectorManager
import io.ktor.network.sockets.InetSocketAddress
import io.ktor.network.sockets.Socket
import io.ktor.network.sockets.aSocket
import io.ktor.network.sockets.openReadChannel
import io.ktor.network.sockets.openWriteChannel
import io.ktor.utils.io.readAvailable
import io.ktor.utils.io.writeFully
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.Executors

/** ktor-network with its selector and the handlers on one thread. */
internal class KtorServer : BenchServer {

    private val dispatcher = Executors.newSingleThreadExecutor { Thread(it, "ktor") }.asCoroutineDispatcher()
    private val scope = CoroutineScope(SupervisorJob() + dispatcher)

    override fun start(service: Service): Int {
        val listener = runBlocking {
            aSocket(SelectorManager(dispatcher)).tcp().bind("127.0.0.1", 0) { backlogSize = 65_535 }
        }
        scope.launch {
            while (true) {
                val socket = listener.accept()
                launch { serve(socket, service) }
            }
        }
        return (listener.localAddress as InetSocketAddress).port
    }

    private suspend fun serve(socket: Socket, service: Service) {
        try {
            socket.use {
                val input = socket.openReadChannel()
                val output = socket.openWriteChannel(autoFlush = false)
                val request = ByteBuffer.allocate(service.buffer())
                val reply = service.reply()
                while (input.readAvailable(request) >= 0) {
                    request.flip()
                    while (true) {
                        output.writeFully(reply.next(request) ?: break)
                    }
                    output.flush()
                    request.clear()
                }
            }
        } catch (_: IOException) {
            // the peer is gone
        }
    }
}
