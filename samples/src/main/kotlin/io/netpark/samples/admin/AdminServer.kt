package io.netpark.samples.admin

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.options.OptionCalls
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.UnixAddress
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.getOption
import io.netpark.http.FieldSink
import io.netpark.http.Method
import io.netpark.http.Refusal
import io.netpark.http.RequestHead
import io.netpark.http.Status
import io.netpark.http.awaitRest
import io.netpark.samples.http.answers.Answer
import io.netpark.samples.http.answers.CommonFields
import io.netpark.samples.paths.quoted
import io.netpark.samples.paths.removeAbandonedSocket
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.attribute.PosixFilePermissions
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * Shows [AdminPages] over HTTP/1.1, an answer for each connection, from when it was made until it is closed.
 *
 * It has an event loop of its own. On a loop of the server that it looks at, nobody would see a dump when that loop is held, which is
 * when dumps are wanted; and the looks would be among the connections and the loops' figures that they show. Figures of the whole process,
 * its descriptors and its pool of segments, include the looks.
 *
 * @param configure how its loop calls the kernel
 */
internal class AdminServer(
    address: SocketAddress,
    private val pages: AdminPages,
    configure: EventLoopGroup.Builder.() -> Unit,
) : AutoCloseable {

    private val reactor = Reactor(loops = 1) {
        configure()
        name("netpark-admin").daemon(true) // the process ends with the loops of its server
    }
    private val common = CommonFields()
    private val listener: Listener
    private val owner: Int? // of the unix socket's file; null for TCP

    init {
        try {
            val path = (address as? UnixAddress)?.path()
            path?.let { removeAbandonedSocket(it) }
            listener = reactor.listen(address, admission = Admission.of(MOST, Admission.Excess.WAIT))
            owner = path?.let {
                Files.setPosixFilePermissions(it, PosixFilePermissions.fromString("rw-------"))
                Files.getAttribute(it, "unix:uid") as Int
            }
        } catch (e: Throwable) {
            reactor.close() // with the listener and its file
            throw e
        }
    }

    /** Has threads beyond those of [Dispatchers.IO], which may all be held by what is looked at. */
    private val looking = Dispatchers.IO.limitedParallelism(MOST)
    private val serving = CoroutineScope(Dispatchers.Default).launch { listener.serve { connection -> serve(connection) } }

    /** Where it is, with the port that was chosen for 0. */
    val address: SocketAddress get() = listener.localAddress

    /** How to ask for the list of pages: a command line. */
    fun command(): String = when (val at = address) {
        is UnixAddress -> "curl --unix-socket ${at.path()?.quoted()} http://localhost/"
        else -> "curl http://${AddressText.of(at)}/"
    }

    private suspend fun serve(connection: Connection) {
        // Between bind(2) and chmod(2) the file had the rights that the umask leaves, and others may have come by it.
        if (owner != null && connection.getOption(OptionCalls.PEER_CREDENTIALS).userId !in setOf(owner, ROOT)) return
        var host: String? = null
        val head = RequestHead(sink = FieldSink { line, name, nameEnd, value, valueEnd ->
            if (FieldSink.isText(line, name, nameEnd, "host")) host = FieldSink.text(line, value, valueEnd)
        })
        val answer = Answer(connection.writer, common)
        try {
            if (!head.awaitRest(connection, PATIENCE)) return
            if (owner == null) refuseOtherNames(host)
            answer(connection, head, answer)
        } catch (refusal: Refusal) {
            answer.error(refusal.status, closes = true, head.method == Method.HEAD)
        }
        connection.closeLingering(PARTING)
    }

    /** A page of the web may have its own name looked up as 127.0.0.1; what a browser asks for then has that name (DNS rebinding). */
    private fun refuseOtherNames(host: String?) {
        val name = host?.replace(PORT, "")
        if (name != null && name !in NAMES) throw Refusal(Status.BAD_REQUEST, "only for $NAMES")
    }

    private suspend fun answer(connection: Connection, head: RequestHead, answer: Answer) {
        val isHead = head.method == Method.HEAD
        val look = pages.at(head.target.path()) ?: return answer.error(Status.NOT_FOUND, closes = true, isHead)
        if (!isHead && head.method != Method.GET) return answer.error(Status.METHOD_NOT_ALLOWED, closes = true, allow = "GET, HEAD")
        val sight = try {
            withContext(looking) { look() }
        } catch (e: CancellationException) {
            throw e
        } catch (e: Throwable) {
            answer.error(Status.INTERNAL_SERVER_ERROR, closes = true, isHead)
            connection.closeLingering(PARTING)
            throw e // is reported
        }
        connection.writeDeadline = TimeSource.Monotonic.markNow() + PATIENCE // a timeout would begin anew with each byte that is taken
        answer.begin(sight.status, closes = true)
        answer.field("Cache-Control", "no-store")
        answer.field("X-Content-Type-Options", "nosniff")
        connection.writer.put(sight.page.fields)
        if (!isHead) connection.writer.write(ByteBuffer.wrap(sight.page.body)) // may be more than a writer holds
    }

    /** Ends it, with the file of its socket. Looks that are under way come to their end. */
    override fun close() {
        runBlocking { serving.cancelAndJoin() }
        reactor.close()
    }

    private companion object {
        const val MOST = 16
        const val ROOT = 0
        val PATIENCE = 10.seconds
        val PARTING = 2.seconds
        val NAMES = setOf("localhost", "127.0.0.1", "[::1]")
        val PORT = Regex(":\\d*$")
    }
}
