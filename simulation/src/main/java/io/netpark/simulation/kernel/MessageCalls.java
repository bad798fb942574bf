package io.netpark.simulation.kernel;

import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MMsgHdr;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.description.UserMemory;
import io.netpark.simulation.socket.Envelope;
import io.netpark.simulation.socket.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** The calls that send and receive. */
final class MessageCalls {

    private static final int MSG_OOB = 0x1;
    private static final int MSG_WAITFORONE = 0x10000;

    private final SocketCalls sockets;
    private final Waiting waiting;
    private final Control control;

    MessageCalls(SocketCalls sockets, Waiting waiting, Control control) {
        this.sockets = sockets;
        this.waiting = waiting;
        this.control = control;
    }

    private static boolean mayWait(Socket socket, int flags) {
        return !socket.isNonBlocking() && (flags & (Linux.MSG_DONTWAIT | Linux.MSG_ERRQUEUE)) == 0;
    }

    private static void requireInBand(int flags) {
        if ((flags & MSG_OOB) != 0) {
            throw new Failure(Errno.EINVAL);
        }
    }

    int receive(int fd, IoVector into, int flags) {
        Envelope envelope = new Envelope();
        int count = receive(sockets.get(fd), into, flags, envelope);
        envelope.throwAway();
        return count;
    }

    private int receive(Socket socket, IoVector into, int flags, Envelope envelope) {
        requireInBand(flags);
        return waiting.until(socket, mayWait(socket, flags), () -> socket.receive(into, flags, envelope));
    }

    int send(int fd, IoVector from, int flags) {
        return send(sockets.get(fd), from, flags, new Envelope());
    }

    private int send(Socket socket, IoVector from, int flags, Envelope envelope) {
        requireInBand(flags);
        boolean stream = socket.isStream();
        return waiting.all(socket, from, mayWait(socket, flags), () -> {
            int count = socket.send(from, flags, envelope);
            if (stream) {
                envelope.rights = List.of(); // they go with the first bytes
            }
            return count;
        });
    }

    int receiveMessage(int fd, long msghdr, int flags) {
        return receiveMessage(sockets.get(fd), msghdr, flags);
    }

    private int receiveMessage(Socket socket, long msghdr, int flags) {
        MessageHeader header = new MessageHeader(msghdr);
        Envelope envelope = new Envelope();
        int count = receive(socket, header.parts(), flags, envelope);
        if (header.name() != 0) {
            header.nameLength(Names.write(socket.domain(), envelope.address, header.name(), header.nameLength()));
        }
        header.controlLength(control.write(header.control(), envelope, (flags & Linux.MSG_CMSG_CLOEXEC) != 0));
        header.flags(envelope.flags | flags & Linux.MSG_CMSG_CLOEXEC);
        return count;
    }

    int sendMessage(int fd, long msghdr, int flags) {
        return sendMessage(sockets.get(fd), msghdr, flags);
    }

    private int sendMessage(Socket socket, long msghdr, int flags) {
        MessageHeader header = new MessageHeader(msghdr);
        Envelope envelope = new Envelope();
        if (header.name() != 0 && header.nameLength() > 0) {
            envelope.address = Names.read(socket.domain(), header.name(), header.nameLength());
        }
        if (socket.domain() == Linux.AF_UNIX) {
            envelope.rights = control.rights(header.control());
        }
        return send(socket, header.parts(), flags, envelope);
    }

    int receiveMessages(int fd, long headers, int count, int flags) {
        Socket socket = sockets.get(fd);
        return many(headers, count, i -> receiveMessage(socket, headers + (long) i * MMsgHdr.SIZE,
                flags & ~MSG_WAITFORONE | (i > 0 && (flags & MSG_WAITFORONE) != 0 ? Linux.MSG_DONTWAIT : 0)));
    }

    int sendMessages(int fd, long headers, int count, int flags) {
        Socket socket = sockets.get(fd);
        return many(headers, count, i -> sendMessage(socket, headers + (long) i * MMsgHdr.SIZE, flags));
    }

    /** Until one fails; returns how many did not, unless it is the first. */
    private static int many(long headers, int count, IntUnaryOperator one) {
        int most = Math.min(count < 0 ? Linux.IOV_MAX : count, Linux.IOV_MAX);
        for (int i = 0; i < most; i++) {
            try {
                ByteBuffer length = UserMemory.at(headers + (long) i * MMsgHdr.SIZE + MsgHdr.SIZE, Integer.BYTES);
                length.putInt(0, one.applyAsInt(i));
            } catch (Failure e) {
                if (i == 0) {
                    throw e;
                }
                return i;
            }
        }
        return most;
    }
}
