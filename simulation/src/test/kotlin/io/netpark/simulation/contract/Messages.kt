package io.netpark.simulation.contract

import io.netpark.core.linux.IoVec
import io.netpark.core.linux.Linux
import io.netpark.core.linux.MsgHdr
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno
import io.netpark.core.sys.SockAddr
import java.net.SocketAddress

/** An array of iovec, an entry for each part, which is as long as its memory unless [lengths] say otherwise. */
fun Caller.vector(vararg parts: NativeMemory, lengths: List<Int> = parts.map { it.size() }): NativeMemory =
    memory(maxOf(1, parts.size) * IoVec.SIZE).apply {
        parts.forEachIndexed { i, part -> IoVec.write(buffer(), 0, i, part.address(), lengths[i].toLong()) }
    }

fun NativeMemory.text(length: Int = size()): String = String(ByteArray(length) { buffer().get(it) })

/** sendmsg(2) of texts, to an address or without one, for its result. */
fun Caller.sendMessage(fd: Int, vararg parts: String, to: SocketAddress? = null, control: NativeMemory? = null, flags: Int = 0): Long {
    val vector = vector(*parts.map { memory(it.toByteArray()) }.toTypedArray(), lengths = parts.map { it.toByteArray().size })
    val name = memory(SockAddr.MAX_SIZE)
    val nameLength = to?.let { SockAddr.write(name.buffer(), 0, it) } ?: 0
    val header = memory(MsgHdr.SIZE)
    MsgHdr.write(
        header.buffer(), 0, if (to == null) 0 else name.address(), nameLength, vector.address(), parts.size,
        control?.address() ?: 0, control?.size() ?: 0,
    )
    return libc.sendmsg(fd, header.address(), flags or Linux.MSG_NOSIGNAL)
}

/** What recvmsg(2) has said of a message. */
class Message(
    val result: Long,
    val parts: List<String>,
    val from: SocketAddress?,
    val flags: Int,
    val control: NativeMemory,
    val controlLength: Int,
) {
    val text: String get() = parts.joinToString("")
}

/** recvmsg(2) into parts of these sizes. */
fun Caller.receiveMessage(fd: Int, vararg sizes: Int, controlRoom: Int = 0, flags: Int = 0): Message {
    val message = tryReceiveMessage(fd, *sizes, controlRoom = controlRoom, flags = flags)
    if (message.result < 0) throw AssertionError("expected a message, got ${Errno.describe(-message.result.toInt())}")
    return message
}

/** As [receiveMessage], which may fail. */
fun Caller.tryReceiveMessage(fd: Int, vararg sizes: Int, controlRoom: Int = 0, flags: Int = 0): Message {
    val parts = sizes.map { memory(it) }
    val name = memory(SockAddr.MAX_SIZE)
    val control = memory(maxOf(1, controlRoom))
    val header = memory(MsgHdr.SIZE)
    MsgHdr.write(
        header.buffer(), 0, name.address(), SockAddr.MAX_SIZE, vector(*parts.toTypedArray()).address(), parts.size,
        if (controlRoom == 0) 0 else control.address(), controlRoom,
    )
    val result = libc.recvmsg(fd, header.address(), flags)
    var left = maxOf(0, result.toInt())
    val texts = parts.map { part -> part.text(minOf(left, part.size())).also { left = maxOf(0, left - part.size()) } }
    val nameLength = MsgHdr.nameLength(header.buffer(), 0)
    val from = if (result < 0 || nameLength == 0) null else SockAddr.read(name.buffer(), 0, nameLength)
    return Message(result, texts, from, MsgHdr.flags(header.buffer(), 0), control, MsgHdr.controlLength(header.buffer(), 0))
}
