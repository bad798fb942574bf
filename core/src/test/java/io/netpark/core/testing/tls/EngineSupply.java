package io.netpark.core.testing.tls;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/** Engines of one kind and of one material, for one side. */
public interface EngineSupply extends AutoCloseable {

    /** An engine in its mode, with client certificates and application protocols as the material has them, before its handshake. */
    SSLEngine engine(@Nullable String host, int port);

    /** Gives back what an engine has outside the heap, where it does not do so itself once it is closed. */
    void release(SSLEngine engine);

    /** What the engines are of, or null where there is no such thing: those of Netty's OpenSSL. */
    @Nullable SSLContext context();

    @Override
    void close();
}
