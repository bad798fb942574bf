package io.netpark.callback.socket;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.socket.SocketDescriptor;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** What sockets with callbacks have in common: an event loop, addresses, options, and an object that is kept with them. */
public abstract class CallbackSocket implements AutoCloseable {

    private final SocketDescriptor core;
    private volatile @Nullable Object attachment;

    /** Not for users: they have sockets made, by a client, a server, or {@code CallbackMessages}. */
    protected CallbackSocket(SocketDescriptor core) {
        this.core = core;
    }

    /** The event loop that runs the callbacks of this socket; an executor for whatever must not meet them. */
    public final EventLoop loop() {
        return core.loop();
    }

    /** Whether it has not been closed yet: by this side, by a failure, or because the peer has ended it. */
    public abstract boolean isOpen();

    /**
     * Closes it now; what is pending is dropped. The close callbacks run on the loop, after the callback that is running there
     * now. Has no effect if it is closed.
     */
    @Override
    public abstract void close();

    /**
     * The address of this side, also after closing if it was asked for before.
     *
     * @throws NetparkException.Closed if it was closed before this was first asked
     */
    public final SocketAddress localAddress() throws NetparkException {
        return core.localAddress();
    }

    /**
     * The value of a socket option.
     *
     * @throws NetparkException.Closed if it is closed
     * @throws NetparkException if a socket of this kind does not have it
     */
    public <T> T getOption(NetOption<T> option) throws NetparkException {
        return core.getOption(option);
    }

    /**
     * Sets a socket option.
     *
     * @throws NetparkException.Closed if it is closed
     * @throws NetparkException if a socket of this kind does not have it, or the value is refused
     */
    public <T> void setOption(NetOption<T> option, T value) throws NetparkException {
        core.setOption(option, value);
    }

    /** Keeps an object with the socket, for the callbacks, instead of the last one; null for none. */
    public final void attach(@Nullable Object object) {
        attachment = object;
    }

    /** The object that was {@linkplain #attach attached} last, or null. */
    public final @Nullable Object attachment() {
        return attachment;
    }

    /**
     * The object that was {@linkplain #attach attached} last, as what it is.
     *
     * @throws ClassCastException if it is something else
     */
    public final <T> @Nullable T attachment(Class<T> type) {
        return type.cast(attachment);
    }

    /** Names the peer's address, or what it is bound to. */
    @Override
    public final String toString() {
        return core.toString();
    }
}
