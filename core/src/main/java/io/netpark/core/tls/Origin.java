package io.netpark.core.tls;

import java.nio.file.Path;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/** Where the engines of a {@link Tls} come from. */
interface Origin {

    /**
     * One that is not set up yet.
     *
     * @param host null if there is none
     */
    SSLEngine engine(@Nullable String host, int port);

    /** The engine's connection is over. */
    default void release(SSLEngine engine) {}

    /** What its engines can do, and what they do by themselves; null if only an engine knows. */
    @Nullable Abilities abilities(Tls.Side side);

    /** The identities of this side, the default first; empty if others have them. */
    default List<Identity> identities() {
        return List.of();
    }

    /** Whether it is known of each handshake if certificates were sent: see {@link Negotiation}. */
    default boolean isObserved() {
        return false;
    }

    /** Whether there is a certificate for the name that is not just the default. */
    default boolean knows(String name) {
        return true;
    }

    /** Reads all files again. */
    void reload();

    /** What is read; empty if there are no files. */
    default List<Path> files() {
        return List.of();
    }

    /** The states of the files before they were read last. */
    default FileStates loaded() {
        return FileStates.of(files());
    }

    /**
     * What engines can do, and what they do by themselves.
     *
     * @param protocols all versions that there are
     * @param suites all cipher suites that there are
     * @param enabledSuites those that are enabled, in their order
     */
    record Abilities(List<String> protocols, List<String> suites, List<String> enabledSuites) {

        /** As an engine says it. A context says it, too, but that of Conscrypt makes sockets for it which stay open for a while. */
        static Abilities of(SSLContext context, Tls.Side side) {
            SSLEngine engine = context.createSSLEngine();
            engine.setUseClientMode(side == Tls.Side.CLIENT);
            Abilities abilities = new Abilities(List.of(engine.getSupportedProtocols()), List.of(engine.getSupportedCipherSuites()),
                    List.of(engine.getEnabledCipherSuites()));
            Engines.end(engine);
            return abilities;
        }
    }

    /** That of a context, which has keys and trust of its own. */
    static Origin of(SSLContext context) {
        return new Origin() {
            @Override
            public SSLEngine engine(@Nullable String host, int port) {
                return OwnContext.engine(context, host, port);
            }

            @Override
            public Abilities abilities(Tls.Side side) {
                return Abilities.of(context, side);
            }

            @Override
            public void reload() {
                throw new IllegalStateException(
                        "this TLS is made from an SSLContext, which has no files to be read again; make another");
            }
        };
    }

    /** That of engines that come from elsewhere. */
    static Origin of(EngineSource source) {
        return new Origin() {
            @Override
            public SSLEngine engine(@Nullable String host, int port) {
                return source.engine(host, port);
            }

            @Override
            public void release(SSLEngine engine) {
                source.release(engine);
            }

            @Override
            public @Nullable Abilities abilities(Tls.Side side) {
                return null;
            }

            @Override
            public void reload() {
                throw new IllegalStateException(
                        "the engines of this TLS come from elsewhere, and so do their certificates; reload them there");
            }
        };
    }
}
