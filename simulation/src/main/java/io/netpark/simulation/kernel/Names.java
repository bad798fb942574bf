package io.netpark.simulation.kernel;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.SockAddr;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.UserMemory;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** Names of sockets in the program's memory: {@code struct sockaddr}, and how the kernel checks and cuts it. */
final class Names {

    private static final int FAMILY_SIZE = 2;
    private static final int IN_SIZE = 16;
    /** SIN6_LEN_RFC2133 of the kernel: without the scope. */
    private static final int IN6_LEAST = 24;
    private static final int IN6_SIZE = 28;
    private static final int UNIX_MOST = 110;

    private Names() {}

    /** The name at an address, for a socket of a family; null for AF_UNSPEC. */
    static @Nullable SocketAddress read(int domain, long address, int length) {
        if (length < 0 || length > 128 || length < FAMILY_SIZE) { // struct sockaddr_storage
            throw new Failure(Errno.EINVAL);
        }
        ByteBuffer given = UserMemory.at(address, length);
        int family = given.getShort(0);
        if (family == Linux.AF_UNSPEC) {
            return null;
        }
        int least = domain == Linux.AF_INET ? IN_SIZE : domain == Linux.AF_INET6 ? IN6_LEAST : FAMILY_SIZE;
        if (length < least || domain == Linux.AF_UNIX && length > UNIX_MOST) {
            throw new Failure(Errno.EINVAL);
        }
        if (family != domain) {
            throw new Failure(domain == Linux.AF_UNIX ? Errno.EINVAL : Errno.EAFNOSUPPORT);
        }
        ByteBuffer memory = ByteBuffer.allocate(SockAddr.MAX_SIZE + 16).order(ByteOrder.nativeOrder());
        memory.put(0, given, 0, Math.min(length, SockAddr.MAX_SIZE));
        return SockAddr.read(memory, 0, domain == Linux.AF_INET6 ? IN6_SIZE : length);
    }

    /** As {@link #read}, where a name has to be. */
    static SocketAddress require(int domain, long address, int length) {
        SocketAddress name = read(domain, address, length);
        if (name == null) {
            throw new Failure(domain == Linux.AF_UNIX ? Errno.EINVAL : Errno.EAFNOSUPPORT);
        }
        return name;
    }

    /** Writes as much of a name as there is room for; returns how long it is. */
    static int write(int domain, @Nullable SocketAddress name, long address, int room) {
        if (room < 0) {
            throw new Failure(Errno.EINVAL);
        }
        if (name == null) {
            return 0;
        }
        ByteBuffer memory = ByteBuffer.allocate(SockAddr.MAX_SIZE + 16).order(ByteOrder.nativeOrder());
        int length = SockAddr.write(memory, 0, name, domain);
        int count = Math.min(room, length);
        UserMemory.at(address, count).put(0, memory, 0, count);
        return length;
    }

    /** As {@link #write}, where the room is at an address and the length goes to. */
    static void writeWithLength(int domain, SocketAddress name, long address, long lengthAddress) {
        ByteBuffer length = UserMemory.at(lengthAddress, Integer.BYTES);
        length.putInt(0, write(domain, name, address, length.getInt(0)));
    }
}
