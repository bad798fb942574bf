package io.netpark.bench.server

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.files.OpenFile
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.transfer.sendFile
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.util.concurrent.Executor

/** Netpark's coroutine API: one reactor of one loop, a handler a connection. */
internal class NetparkCoroutineServer(private val reactor: Reactor = Reactor(loops = BenchServer.loops())) : BenchServer {

    private lateinit var openFile: OpenFile
    private lateinit var channel: FileChannel

    override fun start(service: Service): Int {
        when (service.mode()) {
            Service.Mode.FILE -> openFile = service.openFile { OpenFile.open(it) }
            Service.Mode.FILE_COPY -> channel = service.openFile { FileChannel.open(it) }
            else -> Unit
        }
        val listener = reactor.listen("127.0.0.1", 0, tls = Security.forNetpark())
        CoroutineScope(Dispatchers.Default).launch {
            listener.serve { connection -> serve(connection, service) }
        }
        return listener.port
    }

    override fun loop(): Executor = reactor.group.loops()[0]

    override fun group(): EventLoopGroup = reactor.group

    private suspend fun serve(connection: Connection, service: Service) {
        when (service.mode()) {
            Service.Mode.ECHO -> echo(connection)
            Service.Mode.FRAMES -> frames(connection)
            Service.Mode.FILE -> files(connection) { sendFile(openFile) }
            Service.Mode.FILE_COPY -> files(connection) { sendFile(channel) }
            Service.Mode.SOURCE, Service.Mode.STAMP, Service.Mode.FILE_HEAP -> answer(connection, service)
            Service.Mode.HTTP -> error("HTTP is answered by a server of its own")
        }
    }

    private suspend fun echo(connection: Connection) {
        val reader = connection.reader
        val writer = connection.writer
        while (reader.await()) {
            writer.append(reader)
            writer.flush()
        }
    }

    private suspend fun frames(connection: Connection) {
        val reader = connection.reader
        val writer = connection.writer
        while (reader.await(LENGTH)) {
            val length = reader.getInt(0)
            if (reader.missing(LENGTH + length.toLong()) > 0) {
                writer.flush() // before waiting
                reader.await(LENGTH + length)
            }
            reader.skip(LENGTH.toLong())
            writer.putInt(length)
            writer.put(reader.next(length))
            reader.release()
            if (reader.available() == 0L) writer.flush()
        }
    }

    private suspend fun files(connection: Connection, send: suspend Connection.() -> Unit) {
        while (connection.reader.await(Long.SIZE_BYTES)) {
            repeat(connection.reader.takeLong().toInt()) { connection.send() }
        }
    }

    private suspend fun answer(connection: Connection, service: Service) {
        val request = ByteBuffer.allocateDirect(service.buffer())
        val reply = service.reply()
        while (connection.read(request) >= 0) {
            request.flip()
            while (true) {
                connection.write(reply.next(request) ?: break)
            }
            request.clear()
        }
    }

    private companion object {
        const val LENGTH = 4
    }
}
