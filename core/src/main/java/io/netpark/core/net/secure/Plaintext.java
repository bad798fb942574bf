package io.netpark.core.net.secure;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;

/**
 * What kinds of bytes that are written differ in, when they become records. They are in memory: records are made where nobody may wait.
 * Without state.
 *
 * @param <A> what is written
 */
public interface Plaintext<A> {

    /** Whether there is any of it left to be written. */
    boolean hasMore(A source);

    /**
     * Makes one record of what comes next, and takes that out of the source.
     *
     * @param scratch room for a record's plaintext, for sources that the engine cannot read itself; empty
     * @param record where the record goes
     * @return what {@link SSLEngine#wrap} has said
     */
    SSLEngineResult seal(A source, SSLEngine engine, ByteBuffer scratch, ByteBuffer record) throws SSLException;
}
