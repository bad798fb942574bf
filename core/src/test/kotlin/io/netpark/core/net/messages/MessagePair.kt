package io.netpark.core.net.messages

import io.netpark.core.linux.IoVec
import io.netpark.core.linux.Linux
import io.netpark.core.linux.MsgHdr
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.LibC
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.Rights
import java.nio.ByteOrder

/** A pair of unix stream sockets, of which one end can pass a descriptor along. */
internal class MessagePair(private val libc: LibC) : AutoCloseable {
    private val memory = NativeMemory.allocate(512)
    private val buffer = memory.buffer().order(ByteOrder.nativeOrder())
    private val fds: Pair<Int, Int>

    init {
        check(libc.socketpair(Linux.AF_UNIX, Linux.SOCK_STREAM or Linux.SOCK_CLOEXEC, 0, memory.address()) == 0)
        fds = buffer.getInt(0) to buffer.getInt(4)
    }

    /** The caller's to close. */
    fun reader(): Int = fds.second

    fun write(text: String) {
        put(text)
        check(libc.send(fds.first, memory.address() + TEXT, text.length.toLong(), Linux.MSG_NOSIGNAL) == text.length.toLong())
    }

    fun writeWithDescriptor(text: String) {
        put(text)
        IoVec.write(buffer, IOVEC, 0, memory.address() + TEXT, text.length.toLong())
        val control = Rights.write(buffer, CONTROL, OpenDescriptor.of(fds.first))
        MsgHdr.write(buffer, 0, 0, 0, memory.address() + IOVEC, 1, memory.address() + CONTROL, control)
        check(libc.sendmsg(fds.first, memory.address(), Linux.MSG_NOSIGNAL) == text.length.toLong())
    }

    private fun put(text: String) = text.forEachIndexed { i, c -> buffer.put(TEXT + i, c.code.toByte()) }

    override fun close() {
        libc.close(fds.first)
    }

    private companion object {
        const val IOVEC = 64
        const val CONTROL = 96
        const val TEXT = 200
    }
}
