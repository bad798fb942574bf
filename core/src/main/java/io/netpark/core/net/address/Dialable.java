package io.netpark.core.net.address;

import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.UnixAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/** Addresses that a socket can be connected to, and why connecting to one has failed. */
public final class Dialable {

    private Dialable() {}

    /**
     * The address, with the JDK's unix address as Netpark's.
     *
     * @throws IllegalArgumentException if its port is 0, if it has neither a path nor a name, or if its family is not known
     */
    public static SocketAddress require(SocketAddress remote) {
        SocketAddress to = Addresses.ours(remote);
        if (to instanceof InetSocketAddress inet && inet.getPort() == 0) {
            throw new IllegalArgumentException("nobody can be dialed at port 0: " + AddressText.of(to));
        }
        if (to instanceof UnixAddress unix && unix.isUnnamed()) {
            throw new IllegalArgumentException("nobody can be dialed without a path or a name: " + to);
        }
        return to;
    }

    /** The exception for a connect(2) that has failed with {@code errno}. */
    public static NetparkException failure(int errno, SocketAddress to) {
        String operation = "connect to " + AddressText.of(to);
        if (to instanceof UnixAddress) {
            if (errno == Errno.EAGAIN) {
                return NetparkException.backlogFull(
                        operation + ": its backlog is full; the server accepts too slowly or not at all");
            }
            if (errno == Errno.ENOENT) {
                return new NetparkException.Refused(operation + ": " + Errno.describe(errno) + "; nobody has listened there");
            }
        }
        return NetparkException.of(errno, operation);
    }
}
