package io.netpark.core.tls;

import java.util.function.Consumer;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * Where engines come from, if they do not come from an {@code SSLContext}: Netty's OpenSSL, for example. Called by many
 * threads.
 */
@FunctionalInterface
public interface EngineSource {

    /**
     * A new engine for one connection. Its mode is set afterwards, if it is not the right one.
     *
     * @param host the name or the address that was dialed; null on servers
     * @param port the port that was dialed; -1 on servers
     */
    SSLEngine engine(@Nullable String host, int port);

    /** Told once when the connection of an engine has ended. For engines that count references. */
    default void release(SSLEngine engine) {}

    /** A source whose engines are released by a function, such as Netty's {@code ReferenceCountUtil::release}. */
    static EngineSource releasing(EngineSource source, Consumer<? super SSLEngine> release) {
        return new EngineSource() {
            @Override
            public SSLEngine engine(@Nullable String host, int port) {
                return source.engine(host, port);
            }

            @Override
            public void release(SSLEngine engine) {
                release.accept(engine);
            }
        };
    }
}
