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

/** Control messages that carry descriptors (cmsg(3), SCM_RIGHTS of unix(7)), as sendmsg(2) and recvmsg(2) want them. */
public final class DescriptorPassing {

    /** All there is in a {@link Scratch}: room for as many as there can be, so that the kernel never has to cut for want of it. */
    public static final int ROOM = Scratch.IOVECS - Scratch.CONTROL;

    private DescriptorPassing() {}

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

    public static IllegalStateException notUnix(Object socket) {
        return new IllegalStateException("pass descriptors over " + socket + ": only unix sockets can");
    }

    /** Writes them while they are held, and returns how many bytes of control data that makes. */
    public static int write(Scratch scratch, OpenDescriptor[] descriptors) {
        return Rights.write(scratch.memory(), Scratch.CONTROL, descriptors);
    }

    /** What came with a message. None of it is lost, whatever happens: this allocates nothing. */
    public static void read(LibC libc, Scratch scratch, PassedDescriptors into) {
        ByteBuffer memory = scratch.memory();
        into.fill(libc, memory, Scratch.CONTROL, MsgHdr.controlLength(memory, Scratch.MSGHDR),
                (MsgHdr.flags(memory, Scratch.MSGHDR) & Linux.MSG_CTRUNC) != 0);
    }

    /** Of a stream: bytes, at most what there is room for, and what came with them. Returns how many bytes, or minus errno. */
    public static long receive(LibC libc, int fd, Scratch scratch, ByteBuffer target, PassedDescriptors into) {
        boolean direct = target.isDirect();
        int room = direct ? target.remaining() : Math.min(target.remaining(), Scratch.CAPACITY);
        long address = direct ? DirectBuffers.address(target) + target.position() : scratch.address(Scratch.BYTES);
        IoVec.write(scratch.memory(), Scratch.IOVECS, 0, address, room);
        long result;
        do {
            MsgHdr.write(scratch.memory(), Scratch.MSGHDR, 0, 0, scratch.address(Scratch.IOVECS), 1,
                    scratch.address(Scratch.CONTROL), ROOM);
            result = libc.recvmsg(fd, scratch.address(Scratch.MSGHDR), Linux.MSG_CMSG_CLOEXEC);
        } while (result == -Errno.EINTR);
        Reference.reachabilityFence(target);
        if (result >= 0) {
            read(libc, scratch, into);
            if (!direct) {
                target.put(target.position(), scratch.memory(), Scratch.BYTES, (int) result);
            }
            target.position(target.position() + (int) result);
        }
        return result;
    }

    /** To a stream: some bytes, and all descriptors with the first of them. Returns how many bytes, or minus errno. */
    public static long send(LibC libc, int fd, Scratch scratch, ByteBuffer source, OpenDescriptor[] descriptors) {
        boolean direct = source.isDirect();
        int length = direct ? source.remaining() : Math.min(source.remaining(), Scratch.CAPACITY);
        if (!direct) {
            scratch.memory().put(Scratch.BYTES, source, source.position(), length);
        }
        long address = direct ? DirectBuffers.address(source) + source.position() : scratch.address(Scratch.BYTES);
        IoVec.write(scratch.memory(), Scratch.IOVECS, 0, address, length);
        long result;
        Rights.hold(descriptors);
        try {
            MsgHdr.write(scratch.memory(), Scratch.MSGHDR, 0, 0, scratch.address(Scratch.IOVECS), 1,
                    scratch.address(Scratch.CONTROL), write(scratch, descriptors));
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

    /** Why they could not be sent; empty if the reason has nothing to do with descriptors. */
    public static String reason(int errno) {
        return switch (errno) {
            case Errno.EBADF -> "one of the descriptors is not open";
            case Errno.EINVAL -> "a descriptor of this kind cannot be passed";
            case Errno.ETOOMANYREFS -> "too many are on their way and have not been received; the other side is to receive them, "
                    + "or raise the limit of this process (ulimit -n)";
            default -> "";
        };
    }

    public static NetparkException failure(int errno, String operation) {
        String reason = reason(errno);
        NetparkException failure = NetparkException.of(errno, operation);
        return reason.isEmpty() ? failure
                : NetparkException.like(failure, operation + ": " + Errno.describe(errno) + "; " + reason);
    }
}
