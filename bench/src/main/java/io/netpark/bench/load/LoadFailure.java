package io.netpark.bench.load;

import io.netpark.core.sys.Errno;
import java.io.IOException;

/** A server that does not do what it should: a wrong byte, a lost connection, silence. */
final class LoadFailure extends IOException {

    LoadFailure(String message) {
        super(message);
    }

    /** A system call failed with minus errno, or a read found the end of the stream. */
    static LoadFailure of(String call, long result) {
        return new LoadFailure(call + ": " + (result == 0 ? "the server closed the connection" : Errno.describe((int) -result)));
    }
}
