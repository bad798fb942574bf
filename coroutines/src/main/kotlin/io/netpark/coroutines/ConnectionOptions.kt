package io.netpark.coroutines

import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.PeerCredentials
import io.netpark.core.net.options.TcpInfo
import io.netpark.core.net.zerocopy.ZeroCopy
import io.netpark.core.sys.NetparkException
import kotlin.time.Duration
import kotlin.time.toKotlinDuration

/**
 * The value of a socket option.
 *
 * @throws NetparkException.Closed the connection is closed
 * @throws NetparkException a socket of this kind does not have the option
 */
public fun <T : Any> Connection.getOption(option: NetOption<T>): T {
    lease?.checkLent()
    return core.getOption(option)
}

/** The value of a socket option that is a time. */
@JvmName("getTimeOption")
public fun Connection.getOption(option: NetOption<java.time.Duration>): Duration =
    getOption<java.time.Duration>(option).toKotlinDuration()

/**
 * Sets a socket option.
 *
 * @throws NetparkException.Closed the connection is closed
 * @throws NetparkException a socket of this kind does not have the option, or refuses the value
 */
public fun <T : Any> Connection.setOption(option: NetOption<T>, value: T) {
    lease?.checkLent()
    core.setOption(option, value)
}

/**
 * Sets whether large buffers are sent without a copy from now on (MSG_ZEROCOPY): segments of [Connection.writer], and direct buffers that
 * are [linked][io.netpark.core.buffer.BufferWriter.link] into it. This is off by default. [ZeroCopy] says when it pays, which is never
 * within one machine, nor with TLS, which makes no use of it.
 *
 * `flush` suspends no longer than otherwise: until the kernel has taken the bytes. The kernel has them on loan then. The owner of a
 * linked buffer is told when the kernel gives it back, also after a cancellation or [Connection.close]. Other writes copy, as ever.
 *
 * @throws NetparkException the socket is not one of TCP, for which alone the kernel does this
 * @throws NetparkException.Closed the connection is closed
 * @throws IllegalStateException SO_ZEROCOPY is set already, by an earlier owner of the descriptor
 */
public fun Connection.setZeroCopy(how: ZeroCopy) {
    lease?.checkLent()
    core.setZeroCopy(how)
}

/** How many sends have lent their bytes to the kernel, and what became of them. */
public val Connection.zeroCopyCount: ZeroCopy.Count get() = core.zeroCopyCount()

/**
 * What the kernel knows of this TCP connection: round trips, retransmissions, windows.
 *
 * @throws NetparkException.Closed the connection is closed
 */
public fun Connection.tcpInfo(): TcpInfo {
    lease?.checkLent()
    return core.tcpInfo()
}

/**
 * The process at the other end of a unix socket.
 *
 * @throws NetparkException.Closed the connection is closed
 * @throws IllegalStateException the connection is one of TCP, which does not know
 */
public fun Connection.peerCredentials(): PeerCredentials {
    lease?.checkLent()
    return core.peerCredentials()
}
