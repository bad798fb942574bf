package io.netpark.core.net.files;

import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;

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

    /** The same failure, with how far the transfer has got. */
    public static NetparkException explain(FileTransfer transfer, NetparkException failure) {
        return transfer.explain(failure);
    }
}
