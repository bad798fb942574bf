package io.netpark.coroutines.messages

import io.netpark.core.fd.Direction
import io.netpark.core.net.messages.Envelope
import io.netpark.core.net.messages.MessageBatch
import io.netpark.core.net.messages.MessageDescriptor
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.PeerCredentials
import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import io.netpark.coroutines.parking.Parking
import io.netpark.coroutines.parking.deadlineMark
import io.netpark.coroutines.parking.perform
import io.netpark.coroutines.parking.setDeadline
import io.netpark.coroutines.parking.timeoutNanos
import io.netpark.coroutines.parking.timeoutOf
import java.net.InetAddress
import java.net.NetworkInterface
import java.net.SocketAddress
import java.nio.ByteBuffer
import kotlin.time.Duration
import kotlin.time.TimeMark
import kotlin.time.toKotlinDuration

/**
 * A socket that keeps the boundaries of messages: UDP, unix datagrams, or sequenced packets of unix sockets. Operations suspend until
 * they can proceed. No thread waits. A message is received whole, or cut to the room there is, and the [Envelope] says so. A message is
 * sent whole or not at all.
 *
 * **Threads.** Any coroutine on any dispatcher may use a socket. One may receive while another sends and a third closes. A second
 * receiver, or a second sender, gets an [IllegalStateException].
 *
 * **Ownership.** Whoever got the socket closes it. Buffers and batches stay the caller's and are used only during the call.
 *
 * **Cancellation.** A cancelled receive has consumed nothing. A cancelled send has sent nothing, or of a batch what the batch says.
 *
 * **Errors.** [NetparkException.Refused] says that nobody is at the address that the socket is connected to. Mostly it is about an
 * earlier message, and the socket can go on. A message that is lost on the way is no error.
 *
 * **TLS.** Messages are not encrypted: there is no DTLS.
 *
 * @see io.netpark.coroutines.Reactor.bindDatagrams
 * @see io.netpark.coroutines.Reactor.dialDatagrams
 * @see io.netpark.coroutines.Reactor.dialPackets
 */
public class MessageSocket internal constructor(internal val core: MessageDescriptor) : AutoCloseable {

    internal val receiving = Parking(core, Direction.READ)
    internal val sending = Parking(core, Direction.WRITE)
    internal var budget = OPERATIONS_WITHOUT_YIELDING

    /**
     * The address of this side.
     *
     * @throws NetparkException.Closed the socket was closed before this was first asked
     */
    public val localAddress: SocketAddress get() = core.localAddress()

    /** The address that the socket is connected to, also after closing; null if it is not connected. */
    public val remoteAddress: SocketAddress? get() = core.remoteAddress()

    /** Whether [close] has not been called yet. */
    public val isOpen: Boolean get() = !core.isClosed

    /** Whether these are sequenced packets, which come in order, are not lost, and end. */
    public val isSequenced: Boolean get() = core.isSequenced

    // Receiving

    /**
     * Receives a message, at most as much of it as [target] has room for, and advances the position of [target]. An empty datagram
     * returns 0.
     *
     * **Cancelled**, it has consumed nothing.
     *
     * @param envelope gets the sender of the message and its whole length
     * @return the number of bytes. For sequenced packets also [END_OF_STREAM], which an empty packet looks like as well
     * @throws NetparkException.Refused the socket is connected, and nobody is there; the socket can go on
     * @throws NetparkException.TimedOut the receive has waited for [receiveTimeout], or [receiveDeadline] has passed
     * @throws NetparkException.Closed the socket is closed, before or meanwhile
     * @throws IllegalStateException another coroutine is receiving
     */
    // Inline, as the others of the data path are: see Seam.kt.
    public suspend inline fun receive(target: ByteBuffer, envelope: Envelope? = null): Int =
        perform({ previous, context -> receiveStep(previous, context, target, envelope) }, { pause(it) })

    /**
     * Receives the messages that have come, as many as [batch] holds, by one system call (recvmmsg). The batch forgets what it held.
     *
     * **Cancelled**, it has consumed nothing, and the batch is empty.
     *
     * @return how many messages, at least 1, or [END_OF_STREAM]
     */
    public suspend inline fun receive(batch: MessageBatch): Int =
        perform({ previous, context -> receiveStep(previous, context, batch) }, { pause(it) })

    /**
     * Receives a message of a unix socket, and the descriptors that come with it. Any other receive closes those. Otherwise as
     * [receive].
     *
     * **Cancelled**, it has consumed nothing, neither bytes nor descriptors.
     *
     * @param into where descriptors go; it must hold none. They are the caller's to close, or to give to [Reactor.adopt][io.netpark.coroutines.Reactor.adopt]
     * @throws IllegalStateException the socket is not one of unix, or [into] holds some
     */
    public suspend fun receiveDescriptors(target: ByteBuffer, into: PassedDescriptors, envelope: Envelope? = null): Int =
        perform({ previous, context ->
            receiveStep(previous, context, { core.startReceive(target, envelope, into) }, { core.retryReceive(target, envelope, into) })
        }, { pause(it) })

    // Sending

    /**
     * Sends all of [source] as one message, and advances the position of [source] to its limit. Suspends while the kernel, or a unix
     * receiver, has no room for the message.
     *
     * **Cancelled**, timed out or failed, it has sent nothing.
     *
     * @param to resolved; null for the peer of a connected socket
     * @throws NetparkException.Refused nobody is there; with UDP that may be about an earlier message, and this one is not sent
     * @throws NetparkException.Reset the peer of sequenced packets is gone
     * @throws NetparkException naming the address, and what to do: too long, not connected, not permitted
     * @throws NetparkException.TimedOut the send has waited for [sendTimeout], or [sendDeadline] has passed
     * @throws NetparkException.Closed the socket is closed, before or meanwhile
     * @throws IllegalArgumentException a socket of this family cannot reach the address
     * @throws IllegalStateException another coroutine is sending
     */
    public suspend inline fun send(source: ByteBuffer, to: SocketAddress? = null) {
        perform({ previous, context -> sendStep(previous, context, source, to) }, { pause(it) })
    }

    /**
     * Sends the messages of [batch] that have not been sent, by as few system calls as possible (sendmmsg). Messages of a batch that was
     * received go back to their senders: an answer is written over the message that it answers.
     *
     * **Cancelled**, timed out or failed, [MessageBatch.sent] says how many have been sent. Sending the batch again goes on there.
     */
    public suspend inline fun send(batch: MessageBatch) {
        perform({ previous, context -> sendStep(previous, context, batch) }, { pause(it) })
    }

    /**
     * Sends a message by a unix socket, and passes [descriptors] along with it. The descriptors stay the caller's, and stay open until
     * this returns. Otherwise as [send].
     *
     * **Cancelled**, timed out or failed, it has sent nothing.
     *
     * @param descriptors 1 to 253
     * @throws IllegalStateException the socket is not one of unix
     */
    public suspend fun sendDescriptors(source: ByteBuffer, vararg descriptors: OpenDescriptor, to: SocketAddress? = null) {
        require(descriptors.isNotEmpty()) { "no descriptors to pass with the message" }
        perform({ previous, context ->
            sendStep(previous, context, { core.startSend(source, to, *descriptors) }, { core.retrySend(source, to, *descriptors) })
        }, { pause(it) })
    }

    // Peers and groups

    /**
     * Connects a socket for datagrams, or connects it to another peer. From now on the socket sends there. From other peers it receives
     * only what has come already.
     *
     * @throws NetparkException there is no way there, or (unix) nobody
     * @throws IllegalStateException it is a socket of sequenced packets
     */
    public fun connect(peer: SocketAddress): Unit = core.connect(peer)

    /**
     * Joins a multicast group: receives what is sent to the group and to the port that the socket is bound to. Several sockets of a
     * machine share a port if each has [NetOption.REUSE_ADDRESS].
     *
     * @param on the interface; null for the one that the route to the group goes through
     * @throws NetparkException the socket is a member already, or there is no such interface or route
     */
    public fun join(group: InetAddress, on: NetworkInterface? = null): Unit = core.join(group, on)

    /** Leaves a group that was joined on the same interface. */
    public fun leave(group: InetAddress, on: NetworkInterface? = null): Unit = core.leave(group, on)

    /** Sends multicasts through an interface. [NetOption.MULTICAST_TTL] and its neighbours are options for hops and loop. */
    public fun sendMulticastThrough(on: NetworkInterface): Unit = core.sendMulticastThrough(on)

    /**
     * The process at the other end.
     *
     * @throws IllegalStateException the socket is not one of sequenced packets
     */
    public fun peerCredentials(): PeerCredentials = core.peerCredentials()

    // Options

    /**
     * The value of a socket option.
     *
     * @throws NetparkException a socket of this kind does not have it, or it is closed
     */
    public fun <T : Any> getOption(option: NetOption<T>): T = core.getOption(option)

    /** The value of a socket option that is a time. */
    @JvmName("getTimeOption")
    public fun getOption(option: NetOption<java.time.Duration>): Duration = core.getOption(option).toKotlinDuration()

    /**
     * Sets a socket option.
     *
     * @throws NetparkException a socket of this kind does not have it, or it is closed, or the value is refused
     */
    public fun <T : Any> setOption(option: NetOption<T>, value: T): Unit = core.setOption(option, value)

    // Timeouts, deadlines, and the end

    /**
     * How long a receive may wait. Then it fails with [NetparkException.TimedOut]. It has consumed nothing, and the socket is as before.
     * The time begins anew with each receive. [Duration.INFINITE], the default, is no timeout. As [Connection.readTimeout][io.netpark.coroutines.Connection.readTimeout].
     *
     * @throws IllegalArgumentException the timeout is set to zero or less
     */
    public var receiveTimeout: Duration
        get() = timeoutOf(core.timeoutNanos(Direction.READ))
        set(value) = core.setTimeout(Direction.READ, value.timeoutNanos("receive timeout"))

    /** As [receiveTimeout], for sends. The time begins anew whenever some messages of a batch have been sent. */
    public var sendTimeout: Duration
        get() = timeoutOf(core.timeoutNanos(Direction.WRITE))
        set(value) = core.setTimeout(Direction.WRITE, value.timeoutNanos("send timeout"))

    /**
     * The instant from which on receives fail with [NetparkException.TimedOut]; null, the default, for none. It wakes a receive that is
     * suspended.
     * As [Connection.readDeadline][io.netpark.coroutines.Connection.readDeadline].
     */
    public var receiveDeadline: TimeMark?
        get() = core.deadlineMark(Direction.READ)
        set(value) = core.setDeadline(Direction.READ, value)

    /** As [receiveDeadline], for sends. */
    public var sendDeadline: TimeMark?
        get() = core.deadlineMark(Direction.WRITE)
        set(value) = core.setDeadline(Direction.WRITE, value)

    /** Ends the outgoing stream of sequenced packets: the peer receives what was sent, then the end. */
    public fun shutdownOutput(): Unit = core.shutdownOutput()

    /** Keeps the file of a bound unix path when this is closed: another process goes on with the socket. */
    public fun keepFile(): Unit = core.keepFile()

    /** Closes the socket. Operations in progress end with [NetparkException.Closed]. Calling it again has no effect. */
    override fun close() {
        core.close()
    }

    override fun toString(): String = core.toString()

    public companion object {
        /** Returned by a receive of sequenced packets once the peer has shut down its output. */
        public const val END_OF_STREAM: Int = MessageDescriptor.END_OF_STREAM
    }
}
