package io.netpark.core.net.socket;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** A descriptor that is a socket, of whatever family and type: what all of them have. */
public abstract class SocketDescriptor extends Descriptor {

    private volatile @Nullable SocketAddress local;

    protected SocketDescriptor(EventLoop loop, int fd) {
        super(loop, fd);
    }

    // Options

    /**
     * The value of an option.
     *
     * @throws NetparkException.Closed if the socket is closed
     * @throws NetparkException if a socket of this kind does not have it
     */
    public final <T> T getOption(NetOption<T> option) throws NetparkException {
        acquire("get " + option + " of " + this);
        try {
            T value = OptionCalls.get(libc(), fd(), option);
            if (OptionCalls.takesError(option) && value instanceof Integer errno) {
                noteFailure(errno);
            }
            return value;
        } finally {
            release();
        }
    }

    /**
     * Sets an option.
     *
     * @throws NetparkException.Closed if the socket is closed
     * @throws NetparkException if a socket of this kind does not have it, or the value is refused
     */
    public final <T> void setOption(NetOption<T> option, T value) throws NetparkException {
        acquire("set " + option + " of " + this);
        try {
            OptionCalls.set(libc(), fd(), option, value);
        } finally {
            release();
        }
    }

    /** A system call has failed, or the kernel was asked for what is pending, and may not say so again. */
    protected void noteFailure(int errno) {}

    /** How often a reader looks whether another operation tells of a failure. */
    private static final int LOOKS = 1000;

    /**
     * Whether another operation may be about to {@linkplain #noteFailure note} a failure that the kernel tells only once: one is in
     * a system call now, and a reader at an end has not looked too often already. For a reader, which holds a reference.
     */
    protected final boolean othersMayTell(int looks) {
        return looks < LOOKS && !isOnlyUse();
    }

    // Ending one direction

    /** shutdown(2). Without effect on a connection that is gone. */
    protected final void shutdown(int how, String operation) throws NetparkException {
        acquire(operation + " of " + this);
        int result;
        try {
            do {
                result = libc().shutdown(fd(), how);
            } while (result == -Errno.EINTR);
        } finally {
            release();
        }
        if (result < 0 && result != -Errno.ENOTCONN) {
            throw NetparkException.of(-result, operation + " of " + this);
        }
    }

    // The address of this side

    /**
     * The address of this side: an {@link java.net.InetSocketAddress} or a {@link io.netpark.core.sys.UnixAddress}.
     *
     * @throws NetparkException.Closed if the socket was closed before this was first asked
     * @throws NetparkException if the kernel has no memory to tell it; asked again, it may
     */
    public SocketAddress localAddress() throws NetparkException {
        SocketAddress known = local;
        if (known != null) {
            return known;
        }
        String operation = "get the local address of " + this;
        acquire(operation);
        try {
            known = Addresses.local(libc(), fd(), operation);
            local = known;
            return known;
        } catch (NetparkException e) {
            throw about(e);
        } finally {
            release();
        }
    }

    /** The address of this side if it has been asked for. */
    protected final @Nullable SocketAddress knownLocalAddress() {
        return local;
    }

    /** Null if it is to be asked for anew. */
    protected final void knowLocalAddress(@Nullable SocketAddress address) {
        local = address;
    }
}
