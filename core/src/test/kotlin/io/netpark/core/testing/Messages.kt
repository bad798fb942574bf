package io.netpark.core.testing

import io.netpark.core.fd.Direction
import io.netpark.core.net.messages.Envelope
import io.netpark.core.net.messages.MessageBatch
import io.netpark.core.net.messages.MessageDescriptor
import io.netpark.core.net.messages.MessageListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.UnixAddress
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.Path
import java.util.UUID

/** A kind of address that messages are sent to. */
enum class Family(private val text: String, val unix: Boolean) {
    IPV4("IPv4", false), IPV6("IPv6", false), PATH("unix path", true), ABSTRACT("unix abstract", true);

    /** One that nobody uses; of IP one with port 0. */
    fun freshAddress(): SocketAddress = when (this) {
        IPV4 -> loopback()
        IPV6 -> loopback("::1")
        PATH -> UnixAddress.path(temporaryPath())
        ABSTRACT -> UnixAddress.abstractName("netpark-test-${UUID.randomUUID()}")
    }

    override fun toString() = text
}

/** A path at which there is nothing, short enough for a unix socket. */
fun temporaryPath(): Path = Files.createTempDirectory("np").also { it.toFile().deleteOnExit() }.resolve("s")

/** A message and what is known of it. */
class Received(val text: String, val length: Int, val isTruncated: Boolean, val sender: SocketAddress)

/** A message socket as a thread sees it. */
class BlockingMessages(val socket: MessageDescriptor) : AutoCloseable by socket {

    val address: SocketAddress get() = socket.localAddress()

    fun receive(target: ByteBuffer, envelope: Envelope? = null, into: PassedDescriptors? = null): Int = socket.perform(
        Direction.READ, { socket.startReceive(target, envelope, into) }, { socket.retryReceive(target, envelope, into) },
    )

    fun receive(room: Int = 4096): Received {
        val target = ByteBuffer.allocateDirect(room)
        val envelope = Envelope()
        check(receive(target, envelope) >= 0) { "the end of the stream" }
        return Received(target.flip().text(), envelope.length(), envelope.isTruncated, envelope.sender())
    }

    fun receiveIsAtEnd(): Boolean = receive(ByteBuffer.allocate(1)) == MessageDescriptor.END_OF_STREAM

    fun send(source: ByteBuffer, to: SocketAddress? = null, vararg descriptors: OpenDescriptor) {
        socket.perform(
            Direction.WRITE, { socket.startSend(source, to, *descriptors) }, { socket.retrySend(source, to, *descriptors) },
        )
    }

    fun send(text: String, to: SocketAddress? = null) = send(ByteBuffer.wrap(text.toByteArray()), to)

    fun receive(batch: MessageBatch): Int =
        socket.perform(Direction.READ, { socket.startReceive(batch) }, { socket.retryReceive(batch) })

    fun send(batch: MessageBatch) {
        socket.perform(Direction.WRITE, { socket.startSend(batch) }, { socket.retrySend(batch) })
    }

    override fun toString() = socket.toString()
}

fun ByteBuffer.text(): String = Charsets.UTF_8.decode(duplicate()).toString()

fun TestReactor.bind(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT) =
    BlockingMessages(MessageDescriptor.bind(group.next(), address, options))

fun TestReactor.dialDatagrams(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT) =
    BlockingMessages(MessageDescriptor.dial(group.next(), address, options))

fun TestReactor.dialPackets(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT) =
    BlockingMessages(MessageDescriptor.dialPackets(group.next(), address, options))

/** A listener of sequenced packets as a thread sees it. */
class BlockingMessageListener(val listener: MessageListenerDescriptor) : AutoCloseable by listener {

    fun accept(): BlockingMessages {
        var socket = listener.startAccept()
        while (socket == null) {
            listener.parkThread(Direction.READ)
            socket = listener.retryAccept()
        }
        return BlockingMessages(socket)
    }
}

fun TestReactor.listenPackets(address: SocketAddress) =
    BlockingMessageListener(MessageListenerDescriptor.listen(group, address, NetOptions.DEFAULT))

/** Two connected ends of sequenced packets: the dialing one, and the accepted one. */
fun TestReactor.packetPair(address: SocketAddress = Family.ABSTRACT.freshAddress()): Pair<BlockingMessages, BlockingMessages> =
    listenPackets(address).use { dialPackets(address) to it.accept() }
