package io.netpark.bench.load;

import io.netpark.core.memory.NativeMemory;
import java.io.IOException;

/** How the bytes of a connected socket get into it and out of it: as they are, or in records of TLS. */
interface Wire {

    /** Whether it can be used yet. Asked whenever the socket is ready, until it can. */
    boolean established() throws IOException;

    /** How many of the bytes it has taken over; or minus EAGAIN, if there is room for none. */
    long send(NativeMemory memory, int offset, int length) throws IOException;

    /** Sends what it has taken over and not sent yet, as far as there is room. */
    void flush() throws IOException;

    /** How many bytes it has put at the beginning of {@link Traffic#received}; 0 at the end, or minus EAGAIN. */
    long receive() throws IOException;

    /** Whether there may be more than was received last: else the poller will tell. */
    boolean hasMore();

    /** Takes its leave; the socket is closed then. */
    void close();
}
