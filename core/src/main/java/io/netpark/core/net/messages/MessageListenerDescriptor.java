package io.netpark.core.net.messages;

import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.listening.ListeningSocket;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.socket.Bound;
import io.netpark.core.poll.Interest;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.Unowned;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** A listening unix socket of sequenced packets: accepts {@link MessageDescriptor message sockets}. */
public final class MessageListenerDescriptor extends ListeningSocket<MessageDescriptor> {

    private MessageListenerDescriptor(EventLoop loop, Bound bound, EventLoopGroup group) {
        super(loop, bound, group);
    }

    /**
     * Listens on a unix address, with the longest backlog the system allows. Its path becomes a file, as that of a
     * {@link ListenerDescriptor} does.
     *
     * @param group where accepted sockets go, as its balancing has it
     * @param address a {@link io.netpark.core.sys.UnixAddress}
     * @throws NetparkException naming the address: in use, not permitted
     * @throws IllegalArgumentException if it is no unix address
     */
    public static MessageListenerDescriptor listen(EventLoopGroup group, SocketAddress address, NetOptions options)
            throws NetparkException {
        requireUnix(address);
        EventLoop loop = group.first();
        MessageListenerDescriptor listener;
        try (Bound bound = Bound.listening(loop.libc(), address, Linux.SOCK_SEQPACKET, options)) {
            listener = new MessageListenerDescriptor(loop, bound, group);
            bound.release();
        }
        listener.register(Interest.READ);
        return listener;
    }

    static void requireUnix(SocketAddress address) {
        if (SockAddr.family(Addresses.ours(address)) != Linux.AF_UNIX) {
            throw new IllegalArgumentException(
                    "only unix sockets have sequenced packets, and this is no unix address: " + AddressText.of(address));
        }
    }

    @Override
    protected @Nullable MessageDescriptor watch(EventLoop loop, Unowned socket, byte[] remote) throws NetparkException {
        return MessageDescriptor.watchAccepted(loop, socket, SockAddr.of(remote));
    }
}
