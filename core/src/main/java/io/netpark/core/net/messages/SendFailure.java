package io.netpark.core.net.messages;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.socket.DescriptorPassing;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;

/** Why a message could not be sent, and the way out (send(2), udp(7), unix(7)). */
final class SendFailure {

    private SendFailure() {}

    /**
     * The exception for a message that the kernel has refused.
     *
     * @param family of the socket
     * @param operation with the address
     * @param what the message, with its length
     */
    static NetparkException of(int errno, int family, String operation, String what, boolean passing) {
        boolean unix = family == Linux.AF_UNIX;
        String subject = operation + " (" + what + ")";
        if (unix && errno == Errno.ENOENT) {
            return new NetparkException.Refused(subject + ": " + Errno.describe(errno) + "; nobody is bound there");
        }
        String wayOut = switch (errno) {
            case Errno.EMSGSIZE -> unix
                    ? "; send less, or raise SO_SNDBUF on this socket"
                    : "; a UDP datagram has at most 65507 bytes over IPv4 and 65527 over IPv6, so send less at once";
            case Errno.EDESTADDRREQ, Errno.ENOTCONN -> "; the socket is not connected, so name a receiver";
            case Errno.EISCONN -> "; the socket is connected, and sends to its peer only";
            case Errno.EPROTOTYPE -> "; a socket of another type is bound there";
            case Errno.EPERM -> unix
                    ? "; the receiver is connected to somebody else"
                    : "; a firewall rule of this machine forbids it";
            case Errno.EACCES -> unix
                    ? "; it takes the right to write to the socket's file"
                    : "; a broadcast address takes SocketOption.BROADCAST, which is on unless it was turned off";
            case Errno.EINVAL -> passing ? "; " + DescriptorPassing.reason(errno) : "; the receiver cannot be reached from "
                    + "the address that this socket is bound to, or its port is 0";
            case Errno.EBADF, Errno.ETOOMANYREFS -> passing ? "; " + DescriptorPassing.reason(errno) : "";
            default -> null;
        };
        NetparkException failure = NetparkException.of(errno, subject);
        return wayOut == null ? failure : NetparkException.like(failure, subject + ": " + Errno.describe(errno) + wayOut);
    }
}
