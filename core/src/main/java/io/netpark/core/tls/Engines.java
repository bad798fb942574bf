package io.netpark.core.tls;

import io.netpark.core.sys.Clock;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Engines, for Netpark's own rooms and for tests: the protocol of one connection, without the connection. */
public final class Engines {

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private Engines() {}

    /**
     * A configured engine, before its handshake: mode, versions, cipher suites, application protocols, names, and what is asked
     * of the peer. It has to be {@linkplain #release released}.
     *
     * @param host the name or address that was dialed; null on servers, and if there is none
     * @param port the port that was dialed; -1 if there is none
     * @throws IllegalStateException if the host name has to be verified and there is none, or the engine does not take what is set
     */
    public static SSLEngine of(Tls tls, @Nullable String host, int port) {
        return tls.engine(host, port);
    }

    /**
     * Whether the engine works on arrays, as the JDK's does: then it copies what is outside the heap. Others copy what is
     * inside the heap, or pin it.
     */
    public static boolean prefersHeap(SSLEngine engine) {
        return isOfJdk(engine);
    }

    static boolean isOfJdk(SSLEngine engine) {
        return engine.getClass().getModule() == Object.class.getModule();
    }

    /** Where the long tasks of engines run that belong to a loop with this clock. */
    public static Executor tasks(Tls tls, Clock clock) {
        Executor executor = tls.taskExecutor();
        return executor == TaskThreads.SHARED ? clock.overShared(executor) : clock.over(executor);
    }

    /**
     * Frees what the engine has outside the heap, which others than the JDK's have: Conscrypt's has a pipe, until both
     * directions are closed and nothing is left to be sent. And lets its source have it back, if it wants that. To be called
     * once, when nobody uses the engine any more.
     */
    public static void release(Tls tls, SSLEngine engine) {
        try {
            end(engine);
        } finally {
            tls.origin.release(engine);
        }
    }

    /** Frees what the engine has outside the heap. */
    static void end(SSLEngine engine) {
        if (isOfJdk(engine)) {
            return;
        }
        try {
            engine.closeOutbound();
            ByteBuffer away = null;
            while (!engine.isOutboundDone()) {
                away = away == null ? ByteBuffer.allocate(engine.getSession().getPacketBufferSize()) : away.clear();
                if (engine.wrap(NOTHING.duplicate(), away).bytesProduced() == 0) {
                    break;
                }
            }
            engine.closeInbound();
        } catch (SSLException | RuntimeException e) {
            // The peer has not taken leave, or the engine had been wrong before: nobody asks for that any more.
        }
    }
}
