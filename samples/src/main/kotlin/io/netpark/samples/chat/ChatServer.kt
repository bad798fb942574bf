package io.netpark.samples.chat

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.listening.Admission
import io.netpark.core.sys.NetparkException
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.Shutdown
import io.netpark.samples.websocket.Arrival
import io.netpark.samples.websocket.CloseCode
import io.netpark.samples.websocket.Handshake
import io.netpark.samples.websocket.Refusal
import io.netpark.samples.websocket.RequestHead
import io.netpark.samples.websocket.WebSocket
import io.netpark.samples.websocket.WebSocketFailure
import io.netpark.samples.websocket.WebSocketOptions
import io.netpark.samples.websocket.frame
import io.netpark.samples.websocket.response
import io.netpark.samples.websocket.textFrame
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.net.InetSocketAddress
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * What a chat server is told.
 *
 * @property rate how many messages a second a client may send for long; who sends more is disconnected
 * @property burst how many it may send at once
 * @property drain how long clients may take to say goodbye when the server is closed
 * @property tls how connections are encrypted; null if they are not
 */
class ChatOptions(
    val address: InetSocketAddress,
    val admission: Admission? = null,
    val rate: Int = 10,
    val burst: Int = 50,
    val drain: Duration = 5.seconds,
    val sockets: WebSocketOptions = WebSocketOptions(),
    val tls: ServerTls? = null,
    val configure: EventLoopGroup.Builder.() -> Unit = {},
)

/**
 * A page at `/`, a room at `/chat`, and at `/echo` what sends messages back. Runs since it was made.
 *
 * A connection has one request; if that is no WebSocket, it is closed with the answer.
 */
class ChatServer(private val options: ChatOptions) : AutoCloseable {

    private val page = Page()
    private val room = Room()
    private val sockets: MutableSet<WebSocket> = ConcurrentHashMap.newKeySet()
    @Volatile private var isClosing = false

    private val reactor = Reactor { options.configure(this) }
    private val listener: Listener = try {
        reactor.listen(options.address, admission = options.admission, tls = options.tls)
    } catch (e: Throwable) {
        reactor.close()
        throw e
    }
    private val serving = CoroutineScope(Dispatchers.Default).launch { listener.serve { serve(it) } }

    /** Where it listens, with the port that was chosen for 0. */
    val address: InetSocketAddress get() = listener.localAddress as InetSocketAddress

    /** Its event loops. They keep the process alive. */
    val group: EventLoopGroup get() = reactor.group

    // HTTP

    private suspend fun serve(connection: Connection) {
        val answer = try {
            val request = connection.within(REQUEST, "request") { awaitHead(it) } ?: return
            when (request.path) {
                "/" -> page.answer(request)
                "/chat" -> return begin(connection, request) { chat(it) }
                "/echo" -> return begin(connection, request) { echo(it) }
                else -> throw Refusal(404, "There is nothing here. The chat is at /")
            }
        } catch (e: Refusal) {
            e.response()
        } catch (_: NetparkException.TimedOut) {
            Refusal(408, "The request took too long.").response()
        } catch (_: NetparkException.LimitExceeded) {
            Refusal(431, "The request's head has more than ${RequestHead.LIMIT} bytes.").response()
        } catch (_: NetparkException.Truncated) {
            return // it has left in the middle of its request
        }
        connection.writeTimeout = options.sockets.patience
        connection.writer.put(answer)
        connection.closeLingering(FINISH)
    }

    /** Null if there is no request, or none is wanted any more. */
    private suspend fun awaitHead(connection: Connection): RequestHead? {
        if (!connection.awaitRequest()) return null
        val view = connection.reader.awaitUntil(RequestHead.END, RequestHead.LIMIT) ?: return null
        val text = Charsets.ISO_8859_1.decode(view).toString()
        connection.reader.release()
        return RequestHead.parse(text)
    }

    // WebSockets

    private suspend fun begin(connection: Connection, request: RequestHead, serve: suspend (WebSocket) -> Unit) {
        val answer = Handshake.accept(request)
        connection.writeTimeout = options.sockets.patience
        connection.writer.put(answer)
        connection.writer.flush()
        val socket = WebSocket(connection, options.sockets)
        sockets += socket
        try {
            if (isClosing) goAway(socket) // after it can be found there: so either this says so, or close does
            serve(socket)
        } finally {
            sockets -= socket
        }
    }

    private suspend fun echo(socket: WebSocket) = socket.run { kind, payload ->
        socket.put(frame(kind, payload.takeBytes(payload.available().toInt())))
    }

    private suspend fun chat(socket: WebSocket) {
        var member: Room.Member? = null
        val allowance = Allowance(options.rate, options.burst)
        try {
            socket.run { kind, payload ->
                if (!allowance.take()) {
                    member?.let { room.leave(it, TOO_MUCH) } // now, not when it has said goodbye as well
                    throw WebSocketFailure(CloseCode.POLICY_VIOLATION, TOO_MUCH)
                }
                if (kind != Arrival.TEXT) throw WebSocketFailure(CloseCode.UNSUPPORTED_DATA, "this chat is text")
                try {
                    member = hear(payload.takeString(payload.available().toInt()), member, socket)
                } catch (e: NotUnderstood) {
                    socket.send(textFrame(News.refused(e.message.orEmpty())))
                }
            }
        } finally {
            member?.let { room.leave(it) }
        }
    }

    /** Returns who that is now. */
    private fun hear(text: String, member: Room.Member?, socket: WebSocket): Room.Member? {
        when (val message = ChatMessage.parse(text)) {
            is ChatMessage.Join -> {
                if (member != null) throw NotUnderstood("You have joined already.")
                return room.join(message.name, message.token, socket)
            }
            is ChatMessage.Say -> {
                if (member == null) throw NotUnderstood("Join first.")
                room.say(member, message.text, System.currentTimeMillis())
                return member
            }
        }
    }

    private fun goAway(socket: WebSocket) = socket.end(CloseCode.GOING_AWAY, "the server is shutting down")

    /** Stops accepting, says goodbye to all, gives them [ChatOptions.drain] to answer that, closes the rest, ends the loops. */
    override fun close() {
        room.close()
        isClosing = true
        sockets.forEach { goAway(it) }
        runBlocking {
            listener.shutdown(Shutdown(finish = options.drain))
            serving.join() // returns when the handlers are gone
        }
        reactor.close()
    }

    private companion object {
        /** For a request's head. */
        val REQUEST = 10.seconds
        val FINISH = 1.seconds
        const val TOO_MUCH = "too many messages"
    }
}
