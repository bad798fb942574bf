package io.netpark.core.net.secure;

import io.netpark.core.sys.Errno;
import java.io.IOException;

/** The socket has failed in the midst of a handshake. */
public final class SocketFailure extends IOException {

    private static final long serialVersionUID = 1L;

    private final int errno;

    SocketFailure(int errno) {
        super(Errno.describe(errno));
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }
}
