package io.netpark.callback.delivery;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The callbacks of one connection, as the rooms below users' interfaces call them. All of these run user code, and whoever calls
 * sees to what it throws.
 */
public interface UserCallbacks {

    /** Whether the connection is wanted. */
    boolean prepare() throws Exception;

    boolean hasConnect();

    void connect() throws Exception;

    /** @param receiver one that takes requests */
    void request(Receiver receiver, ByteBuffer in) throws Exception;

    /** @param receiver one that takes input */
    void input(Receiver receiver, BufferReader in) throws Exception;

    boolean hasWritable();

    void writable() throws Exception;

    boolean hasHalfClose();

    void halfClose() throws Exception;

    boolean hasFailure();

    void failed(Throwable failure) throws Exception;

    void disconnected(@Nullable NetparkException cause) throws Exception;

    void closed(@Nullable NetparkException cause) throws Exception;

    /** What becomes of a call that no worker has room for. */
    Refusal refused() throws Exception;
}
