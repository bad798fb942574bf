package io.netpark.simulation.kernel;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.FileTree;
import io.netpark.simulation.description.UserMemory;
import io.netpark.simulation.network.Host;
import io.netpark.simulation.socket.Socket;
import io.netpark.simulation.socket.TcpSocket;
import io.netpark.simulation.socket.UdpSocket;
import io.netpark.simulation.socket.UnixDatagramSocket;
import io.netpark.simulation.socket.UnixNames;
import io.netpark.simulation.socket.UnixStreamSocket;
import java.nio.ByteBuffer;

/** The calls that make sockets, name them, connect them and set their options. */
final class SocketCalls {

    private static final int ESOCKTNOSUPPORT = 94;
    /** The types that the kernel has numbers for are below this (linux/net.h). */
    private static final int SOCK_MAX = 11;
    private static final int FLAGS = Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC;
    private static final int TYPE = 0xf;

    private final DescriptorTable table;
    private final Waiting waiting;
    private final Host<TcpSocket, UdpSocket> host;
    private final UnixNames names;

    SocketCalls(DescriptorTable table, Waiting waiting, Host<TcpSocket, UdpSocket> host, FileTree files) {
        this.table = table;
        this.waiting = waiting;
        this.host = host;
        this.names = new UnixNames(files);
    }

    Socket get(int fd) {
        return table.get(fd, Socket.class, Errno.ENOTSOCK);
    }

    // Making

    int socket(int domain, int type, int protocol) {
        if ((type & ~(FLAGS | TYPE)) != 0) {
            throw new Failure(Errno.EINVAL);
        }
        return table.open((type & Linux.SOCK_CLOEXEC) != 0, Errno.ENOBUFS, () -> make(domain, type & TYPE, type & FLAGS, protocol));
    }

    private Socket make(int domain, int type, int flags, int protocol) {
        if (domain != Linux.AF_UNIX && domain != Linux.AF_INET && domain != Linux.AF_INET6) {
            throw new Failure(Errno.EAFNOSUPPORT);
        }
        if (domain == Linux.AF_UNIX) {
            requireProtocol(protocol == 0 || protocol == Linux.AF_UNIX);
            return switch (type) {
                case Linux.SOCK_STREAM, Linux.SOCK_SEQPACKET -> new UnixStreamSocket(names, type, flags);
                case Linux.SOCK_DGRAM -> new UnixDatagramSocket(names, flags);
                default -> throw unknownType(type);
            };
        }
        return switch (type) {
            case Linux.SOCK_STREAM -> {
                requireProtocol(protocol == 0 || protocol == Linux.IPPROTO_TCP);
                yield new TcpSocket(host, domain, flags);
            }
            case Linux.SOCK_DGRAM -> {
                requireProtocol(protocol == 0 || protocol == Linux.IPPROTO_UDP);
                yield new UdpSocket(host, domain, flags);
            }
            default -> throw unknownType(type);
        };
    }

    private static Failure unknownType(int type) {
        return new Failure(type < SOCK_MAX ? ESOCKTNOSUPPORT : Errno.EINVAL);
    }

    private static void requireProtocol(boolean isKnown) {
        if (!isKnown) {
            throw new Failure(Errno.EPROTONOSUPPORT);
        }
    }

    int pair(int domain, int type, int protocol, long fds) {
        if ((type & ~(FLAGS | TYPE)) != 0) {
            throw new Failure(Errno.EINVAL);
        }
        ByteBuffer numbers = UserMemory.at(fds, 2 * Integer.BYTES);
        table.requireNumbers(2);
        table.requireFiles(2, Errno.ENOBUFS);
        Socket left = make(domain, type & TYPE, type & FLAGS, protocol);
        Socket right = make(domain, type & TYPE, type & FLAGS, protocol);
        if (left instanceof UnixStreamSocket one && right instanceof UnixStreamSocket other) {
            one.pair(other);
        } else if (left instanceof UnixDatagramSocket one && right instanceof UnixDatagramSocket other) {
            one.pair(other);
        } else {
            throw new Failure(Errno.EOPNOTSUPP);
        }
        boolean closeOnExec = (type & Linux.SOCK_CLOEXEC) != 0;
        numbers.putInt(0, table.open(closeOnExec, Errno.ENOBUFS, () -> left));
        numbers.putInt(4, table.open(closeOnExec, Errno.ENOBUFS, () -> right));
        return 0;
    }

    // Connections

    int bind(int fd, long address, int length) {
        Socket socket = get(fd);
        socket.bind(Names.require(socket.domain(), address, length));
        return 0;
    }

    int listen(int fd, int backlog) {
        get(fd).listen(backlog);
        return 0;
    }

    int accept(int fd, long address, long lengthAddress, int flags) {
        if ((flags & ~FLAGS) != 0) {
            throw new Failure(Errno.EINVAL);
        }
        Socket listener = get(fd);
        return waiting.until(listener, !listener.isNonBlocking(), () -> {
            table.requireNumbers(1); // before a connection is taken, which would be lost
            table.requireFiles(1, Errno.ENOBUFS);
            Socket accepted = listener.accept(flags);
            int number = table.open((flags & Linux.SOCK_CLOEXEC) != 0, Errno.ENOBUFS, () -> accepted);
            accepted.release(); // which the queue had
            if (address != 0) {
                Names.writeWithLength(accepted.domain(), accepted.peerAtAccept(), address, lengthAddress);
            }
            return number;
        });
    }

    int connect(int fd, long address, int length) {
        Socket socket = get(fd);
        var name = Names.read(socket.domain(), address, length);
        return waiting.until(socket, !socket.isNonBlocking(), () -> {
            socket.connect(name);
            return 0;
        });
    }

    int shutdown(int fd, int how) {
        get(fd).shutdown(how);
        return 0;
    }

    int localName(int fd, long address, long lengthAddress) {
        Socket socket = get(fd);
        Names.writeWithLength(socket.domain(), socket.local(), address, lengthAddress);
        return 0;
    }

    int remoteName(int fd, long address, long lengthAddress) {
        Socket socket = get(fd);
        Names.writeWithLength(socket.domain(), socket.remote(), address, lengthAddress);
        return 0;
    }

    // Options

    int option(int fd, int level, int name, long value, long lengthAddress) {
        Socket socket = get(fd);
        ByteBuffer length = UserMemory.at(lengthAddress, Integer.BYTES);
        int room = length.getInt(0);
        if (room < 0) {
            throw new Failure(Errno.EINVAL);
        }
        byte[] bytes = socket.option(level, name);
        int count = Math.min(room, bytes.length);
        UserMemory.at(value, count).put(0, bytes, 0, count);
        length.putInt(0, count);
        return 0;
    }

    int setOption(int fd, int level, int name, long value, int length) {
        Socket socket = get(fd);
        byte[] bytes = new byte[Math.max(0, length)];
        UserMemory.at(value, length).get(bytes);
        socket.setOption(level, name, bytes);
        return 0;
    }
}
