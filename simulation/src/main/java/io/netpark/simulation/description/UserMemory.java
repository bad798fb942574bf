package io.netpark.simulation.description;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.sys.Errno;
import java.nio.ByteBuffer;

/** The memory that a system call names by its address. A wrong address is the end of the process, except for 0: that fails as EFAULT. */
public final class UserMemory {

    private UserMemory() {}

    /**
     * The memory from {@code address} on, in the machine's byte order.
     *
     * @param length more than the kernel moves at once counts as that much
     */
    public static ByteBuffer at(long address, long length) {
        if (length < 0) {
            throw new Failure(Errno.EINVAL);
        }
        if (length == 0) {
            return ByteBuffer.allocate(0);
        }
        if (address == 0) {
            throw new Failure(Errno.EFAULT);
        }
        return DirectBuffers.at(address, (int) Math.min(length, Linux.SENDFILE_MAX));
    }

    /** The text at an address, which a zero byte ends. */
    public static byte[] text(long address) {
        if (address == 0) {
            throw new Failure(Errno.EFAULT);
        }
        int length = 0;
        while (at(address + length, 1).get(0) != 0) { // one by one: what is behind the end may not be there
            length++;
        }
        byte[] text = new byte[length];
        at(address, length).get(text);
        return text;
    }
}
