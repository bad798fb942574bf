package io.netpark.core.net.files;

import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What a stream does with a {@link FileTransfer}.
 *
 * <p>For Netpark's own streams.
 */
public final class FileCalls {

    private FileCalls() {}

    /**
     * Sends some of a file to a socket, by one system call or two, and notes how far the transfer has got.
     *
     * @param most bytes that it may send
     * @return how many it has sent, or minus errno of the socket
     * @throws NetparkException.Truncated if the file has been cut off
     * @throws IOException if the file cannot be read
     */
    public static long send(FileTransfer transfer, LibC libc, int socket, long most) throws IOException {
        return transfer.send(libc, socket, most);
    }

    /**
     * Reads what comes next of a file, for a stream that has to change it first, as encryption does.
     *
     * @param into outside the heap; its position moves behind what was read, a byte at least
     * @param address of its index 0
     * @throws NetparkException.Truncated if the file has been cut off
     * @throws IOException if the file cannot be read
     */
    public static void load(FileTransfer transfer, LibC libc, ByteBuffer into, long address) throws IOException {
        transfer.load(libc, into, address);
    }

    /** So many of the bytes that were {@linkplain #load loaded} last are on their way. */
    public static void took(FileTransfer transfer, long bytes) {
        transfer.took(bytes);
    }

    /** The same failure, with how far the transfer has got. */
    public static NetparkException explain(FileTransfer transfer, NetparkException failure) {
        return transfer.explain(failure);
    }
}
