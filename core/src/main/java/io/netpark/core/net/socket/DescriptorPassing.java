package io.netpark.core.net.socket;

import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.Rights;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/**
 * Control messages that carry descriptors (cmsg(3), SCM_RIGHTS of unix(7)), as sendmsg(2) and recvmsg(2) want them.
 *
 * <p>For Netpark's own sockets.
 */
public final class DescriptorPassing {

    /** All the room that a {@link Scratch} has for a control message: as many descriptors as there can be, so that the kernel never cuts. */
    public static final int ROOM = Scratch.IOVECS - Scratch.CONTROL;

    private DescriptorPassing() {}

    /**
     * Before an operation that sends: throws unless as many descriptors go with a message as can.
     *
     * @return the descriptors
     */
    public static OpenDescriptor[] require(OpenDescriptor[] descriptors) {
        if (descriptors.length < 1 || descriptors.length > Rights.MOST) {
            throw new IllegalArgumentException(
                    "1 to " + Rights.MOST + " descriptors go with a message, not " + descriptors.length);
        }
        return descriptors;
    }

    /** Before an operation that receives: throws if {@code into} holds descriptors that nobody has taken. */
    public static void requireEmpty(PassedDescriptors into) {
        into.requireEmpty();
    }

    /** The exception for a socket that is none of unix. */
    public static IllegalStateException notUnix(Object socket) {
        return new IllegalStateException("pass descriptors over " + socket + ": only unix sockets can");
    }

    /**
     * Writes the descriptors, which are held meanwhile, as the control message of a {@link Scratch}.
     *
     * @param memory of the scratch
     * @return how many bytes of control data that makes
     */
    public static int write(ByteBuffer memory, OpenDescriptor[] descriptors) {
        return Rights.write(memory, Scratch.CONTROL, descriptors);
    }

    /**
     * Takes over what came with a message. Allocates nothing, so that no descriptor is lost, whatever happens.
     *
     * @param memory of the scratch that the message's structs are in
     */
    public static void read(LibC libc, ByteBuffer memory, PassedDescriptors into) {
        into.fill(libc, memory, Scratch.CONTROL, MsgHdr.controlLength(memory, Scratch.MSGHDR),
                (MsgHdr.flags(memory, Scratch.MSGHDR) & Linux.MSG_CTRUNC) != 0);
    }

    /**
     * Receives from a stream: bytes, at most as many as there is room for, and the descriptors that came with them.
     *
     * @return how many bytes, or minus errno
     */
    public static long receive(LibC libc, int fd, ByteBuffer target, PassedDescriptors into) {
        Scratch scratch = Scratch.take();
        try {
            return receive(libc, fd, scratch, target, into);
        } finally {
            scratch.giveBack();
        }
    }

    private static long receive(LibC libc, int fd, Scratch scratch, ByteBuffer target, PassedDescriptors into) {
        ByteBuffer memory = scratch.memory();
        boolean direct = target.isDirect();
        int room = direct ? target.remaining() : Math.min(target.remaining(), Scratch.CAPACITY);
        long address = direct ? DirectBuffers.address(target) + target.position() : scratch.address(Scratch.BYTES);
        IoVec.write(memory, Scratch.IOVECS, 0, address, room);
        long result;
        do {
            MsgHdr.write(memory, Scratch.MSGHDR, 0, 0, scratch.address(Scratch.IOVECS), 1, scratch.address(Scratch.CONTROL), ROOM);
            result = libc.recvmsg(fd, scratch.address(Scratch.MSGHDR), Linux.MSG_CMSG_CLOEXEC);
        } while (result == -Errno.EINTR);
        Reference.reachabilityFence(target);
        if (result >= 0) {
            read(libc, memory, into);
            if (!direct) {
                target.put(target.position(), memory, Scratch.BYTES, (int) result);
            }
            target.position(target.position() + (int) result);
        }
        return result;
    }

    /**
     * Sends to a stream: some bytes, and all descriptors with the first of them.
     *
     * @return how many bytes, or minus errno
     */
    public static long send(LibC libc, int fd, ByteBuffer source, OpenDescriptor[] descriptors) {
        Scratch scratch = Scratch.take();
        try {
            return send(libc, fd, scratch, source, descriptors);
        } finally {
            scratch.giveBack();
        }
    }

    private static long send(LibC libc, int fd, Scratch scratch, ByteBuffer source, OpenDescriptor[] descriptors) {
        ByteBuffer memory = scratch.memory();
        boolean direct = source.isDirect();
        int length = direct ? source.remaining() : Math.min(source.remaining(), Scratch.CAPACITY);
        if (!direct) {
            memory.put(Scratch.BYTES, source, source.position(), length);
        }
        long address = direct ? DirectBuffers.address(source) + source.position() : scratch.address(Scratch.BYTES);
        IoVec.write(memory, Scratch.IOVECS, 0, address, length);
        long result;
        Rights.hold(descriptors);
        try {
            MsgHdr.write(memory, Scratch.MSGHDR, 0, 0, scratch.address(Scratch.IOVECS), 1,
                    scratch.address(Scratch.CONTROL), write(memory, descriptors));
            do {
                result = libc.sendmsg(fd, scratch.address(Scratch.MSGHDR), Linux.MSG_NOSIGNAL);
            } while (result == -Errno.EINTR);
        } finally {
            Rights.release(descriptors);
        }
        Reference.reachabilityFence(source);
        if (result > 0) {
            source.position(source.position() + (int) result);
        }
        return result;
    }

    /** Why descriptors could not be sent; empty if the reason has nothing to do with them. */
    public static String reason(int errno) {
        return switch (errno) {
            case Errno.EBADF -> "one of the descriptors is not open";
            case Errno.EINVAL -> "a descriptor of this kind cannot be passed";
            case Errno.ETOOMANYREFS -> "too many are on their way and have not been received; the other side is to receive them, "
                    + "or raise the limit of this process (ulimit -n)";
            default -> "";
        };
    }

    /** The exception for descriptors that could not be sent. */
    public static NetparkException failure(int errno, String operation) {
        String reason = reason(errno);
        NetparkException failure = NetparkException.of(errno, operation);
        return reason.isEmpty() ? failure
                : NetparkException.like(failure, operation + ": " + Errno.describe(errno) + "; " + reason);
    }
}
