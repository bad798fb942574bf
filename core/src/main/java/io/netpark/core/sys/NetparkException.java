package io.netpark.core.sys;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A failure of an operation on a descriptor. The class says what failed. The message names the operation, the addresses and, if
 * there is one, the way out. The end of a stream is no exception: it is a value that a read returns.
 *
 * <p>{@link Closed} means closed <i>here</i>, by {@code close}. If the other side closes, there is a {@link Reset} or an end of the
 * stream.
 */
public abstract sealed class NetparkException extends IOException {

    private static final long serialVersionUID = 1L;

    /** Whose operation failed; null if it was nobody's. Not copied to where the exception may be sent. */
    private transient @Nullable Object subject;

    private NetparkException(String message) {
        super(message);
    }

    /**
     * Whether an operation of this very descriptor has failed with it. So code that catches an exception of a program can
     * tell the end of one connection from that of another.
     *
     * @param descriptor a {@code Descriptor}: for an adapter's connection, that of the core which it has
     */
    public final boolean isAbout(Object descriptor) {
        return subject == descriptor;
    }

    /** Says whose operation failed: for descriptors. What was said first stays. */
    public final void setAbout(Object descriptor) {
        if (subject == null) {
            subject = descriptor;
        }
    }

    /** The descriptor, or the event loop it lives on, was closed here before or during the operation. */
    public static final class Closed extends NetparkException {
        private static final long serialVersionUID = 1L;

        public Closed(String message) {
            super(message);
        }
    }

    /** The peer reset the connection, or went away while bytes were on their way to it. Nothing more can be exchanged. */
    public static final class Reset extends NetparkException {
        private static final long serialVersionUID = 1L;

        public Reset(String message) {
            super(message);
        }
    }

    /** A deadline passed. The descriptor stays open; the direction fails until a later deadline is set. */
    public static final class TimedOut extends NetparkException {
        private static final long serialVersionUID = 1L;

        /** Which deadline it was. */
        private final Timeout timeout;

        public TimedOut(Timeout timeout, String message) {
            super(message);
            this.timeout = timeout;
        }

        /** Which deadline it was. */
        public Timeout timeout() {
            return timeout;
        }
    }

    /** The kinds of {@link TimedOut}. */
    public enum Timeout {
        /** A dial: its own time is over, or the kernel gave up. */
        CONNECT,
        /** Waiting for a connection of a pool. */
        BORROW,
        /** A read, by the connection's read deadline. */
        READ,
        /** A write, by the connection's write deadline. */
        WRITE,
        /** An accept, by the listener's deadline. */
        ACCEPT,
        /** A connection on which no byte moved in either direction, by its idle timeout. */
        IDLE,
        /** The kernel's own: unacknowledged data or keepalive probes. */
        PEER,
        /** A stretch of an exchange, such as a login, by the deadline that the program gave it. */
        EXCHANGE,
        /** A TLS handshake, by its own limit. */
        HANDSHAKE
    }

    /** A name has no address, or no name server answered. */
    public static final class UnknownHost extends NetparkException {
        private static final long serialVersionUID = 1L;

        public UnknownHost(String message) {
            super(message);
        }
    }

    /** Nobody listens at the address. */
    public static final class Refused extends NetparkException {
        private static final long serialVersionUID = 1L;

        public Refused(String message) {
            super(message);
        }
    }

    /** There is no route to the address, or a host or network on the way is down. */
    public static final class Unreachable extends NetparkException {
        private static final long serialVersionUID = 1L;

        public Unreachable(String message) {
            super(message);
        }
    }

    /** The process or the machine has no descriptor left. */
    public static final class TooManyDescriptors extends NetparkException {
        private static final long serialVersionUID = 1L;

        public TooManyDescriptors(String message) {
            super(message);
        }
    }

    /** A stream ended in the middle of something: a line, a frame, a number; or a file ended before all of it was sent. */
    public static final class Truncated extends NetparkException {
        private static final long serialVersionUID = 1L;

        public Truncated(String message) {
            super(message);
        }
    }

    /** A limit of this side has been reached: a line or frame is too long, or more bytes are unsent or in memory than allowed. */
    public static final class LimitExceeded extends NetparkException {
        private static final long serialVersionUID = 1L;

        public LimitExceeded(String message) {
            super(message);
        }
    }

    /**
     * TLS with the peer failed: in the handshake, or later by what the peer sent. {@link #fault} says which, and the message
     * says it in a sentence that a person can act on. The connection is of no more use.
     */
    public static final class TlsFailure extends NetparkException {
        private static final long serialVersionUID = 1L;

        /** What failed. */
        private final TlsFault fault;

        public TlsFailure(TlsFault fault, String message) {
            super(message);
            this.fault = fault;
        }

        /** What failed. */
        public TlsFault fault() {
            return fault;
        }
    }

    /**
     * The kinds of {@link TlsFailure}: why TLS with a peer failed. A certificate that is {@link #EXPIRED} and the like is the
     * peer's, and this side has refused it; what the peer has against a certificate of this side is
     * {@link #CERTIFICATE_REFUSED}.
     */
    public enum TlsFault {
        /** What came is no TLS: plain text, or another protocol. */
        NOT_TLS,
        /** The two sides have no version of the protocol in common. */
        NO_COMMON_PROTOCOL,
        /** The two sides have no cipher suite, group or signature algorithm in common. */
        NO_COMMON_CIPHER,
        /** Nobody who is trusted here has signed the peer's certificate. */
        UNKNOWN_AUTHORITY,
        /** The peer's certificate, or one of its chain, has expired. */
        EXPIRED,
        /** The peer's certificate, or one of its chain, is not valid yet; or a clock is wrong. */
        NOT_YET_VALID,
        /** The peer's certificate is for other names than the one that was dialed. */
        WRONG_HOST,
        /** The peer's certificate has been revoked. */
        REVOKED,
        /** One side wants a certificate of the other, which sent none. */
        CERTIFICATE_MISSING,
        /** The peer does not accept the certificate of this side. */
        CERTIFICATE_REFUSED,
        /** The peer's certificate is malformed, weak, or not meant for this use. */
        BAD_CERTIFICATE,
        /** The two sides have no application protocol in common (ALPN, RFC 7301). */
        NO_COMMON_APPLICATION_PROTOCOL,
        /** The server has no certificate for the name that the client asked for, and refuses such names (SNI, RFC 6066). */
        UNKNOWN_NAME,
        /** The peer left in the middle of the handshake. */
        ENDED,
        /** The peer sent an alert that is none of the others. */
        ALERT,
        /** The peer wanted to negotiate again in the middle of a connection, which is refused. */
        RENEGOTIATION,
        /** A record cannot be decrypted, or breaks the protocol. */
        BAD_RECORD,
        /** Anything else that the engine says. */
        ENGINE
    }

    /** Any other errno. */
    public static final class SystemError extends NetparkException {
        private static final long serialVersionUID = 1L;

        private final int errno;

        SystemError(int errno, String message) {
            super(message);
            this.errno = errno;
        }

        /** The name, such as {@code EADDRINUSE}. */
        public String errnoName() {
            return Errno.name(errno);
        }

        /** The number, one of {@link Errno}. */
        public int errno() {
            return errno;
        }
    }

    /** One of the same class as another, and about the same descriptor, to say more. */
    public static NetparkException like(NetparkException other, String message) {
        NetparkException like = ofClass(other, message);
        like.subject = other.subject;
        return like;
    }

    private static NetparkException ofClass(NetparkException other, String message) {
        if (other instanceof TimedOut timedOut) {
            return new TimedOut(timedOut.timeout(), message);
        } else if (other instanceof SystemError error) {
            return new SystemError(error.errno(), message);
        } else if (other instanceof TlsFailure failure) {
            return new TlsFailure(failure.fault(), message);
        } else if (other instanceof Refused) {
            return new Refused(message);
        } else if (other instanceof Unreachable) {
            return new Unreachable(message);
        } else if (other instanceof Reset) {
            return new Reset(message);
        } else if (other instanceof UnknownHost) {
            return new UnknownHost(message);
        } else if (other instanceof TooManyDescriptors) {
            return new TooManyDescriptors(message);
        } else if (other instanceof Truncated) {
            return new Truncated(message);
        } else if (other instanceof LimitExceeded) {
            return new LimitExceeded(message);
        }
        return new Closed(message);
    }

    /** {@link Errno#EAGAIN} of a connect to a unix socket (unix(7)). */
    public static SystemError backlogFull(String message) {
        return new SystemError(Errno.EAGAIN, message);
    }

    /** {@link Errno#EADDRINUSE}, when more is known than the kernel says. */
    public static NetparkException inUse(String message) {
        return new SystemError(Errno.EADDRINUSE, message);
    }

    /** A descriptor is of another kind than is wanted. */
    public static NetparkException wrongDescriptor(int errno, String message) {
        return new SystemError(errno, message);
    }

    /**
     * The exception for a failed system call.
     *
     * @param errno positive, as in {@link Errno}
     * @param operation what was attempted, and on what: {@code read from 10.0.0.1:80}
     */
    public static NetparkException of(int errno, String operation) {
        String message = operation + ": " + Errno.describe(errno);
        return switch (errno) {
            case Errno.ECONNRESET, Errno.EPIPE -> new Reset(message);
            case Errno.ECONNREFUSED -> new Refused(message + "; nobody listens there");
            case Errno.EHOSTUNREACH, Errno.ENETUNREACH, Errno.EHOSTDOWN, Errno.ENETDOWN ->
                new Unreachable(message);
            case Errno.ETIMEDOUT -> new TimedOut(Timeout.PEER, message);
            case Errno.EMFILE -> new TooManyDescriptors(
                    message + "; raise the limit of this process (ulimit -n, LimitNOFILE) or close some");
            case Errno.ENFILE -> new TooManyDescriptors(
                    message + "; the machine is out of descriptors (sysctl fs.file-max)");
            case Errno.EADDRINUSE -> new SystemError(errno, message + "; choose another port or stop its owner");
            case Errno.EADDRNOTAVAIL -> new SystemError(errno,
                    message + "; no interface of this machine has the address, or its free ports are used up");
            case Errno.EACCES -> new SystemError(
                    errno, message + "; ports below 1024 need CAP_NET_BIND_SERVICE, a unix socket the right to write to its file");
            case Errno.EPERM -> new SystemError(errno,
                    message + "; regular files and folders cannot be polled, and a firewall rule may forbid other things");
            case Errno.ENOSPC -> new SystemError(errno,
                    message + "; raise sysctl fs.epoll.max_user_watches");
            case Errno.ENOMEM, Errno.ENOBUFS -> new SystemError(errno,
                    message + "; the kernel has no memory for it now, so free some, or try again");
            default -> new SystemError(errno, message);
        };
    }
}
